"""Number types for options and arguments: an error names both bounds."""

import click

from rokuon.base.i18n import _
from rokuon.base.measures import number

LONGEST = 19
"""Digits: Python refuses to read more than a few thousand."""


class Whole(click.ParamType[int]):
    """A whole number from `least` to `most`, both included."""

    name = "N"

    def __init__(self, least: int, most: int) -> None:
        self.least, self.most = least, most

    def convert(self, value: int | str, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value).strip()
        digits = text.removeprefix("-")
        found = int(text) if digits.isascii() and digits.isdigit() and len(digits) <= LONGEST else None
        if found is None or not self.least <= found <= self.most:
            self.fail(
                _("%(value)s is not a whole number between %(least)s and %(most)s.")
                % {"value": repr(text[:40]), "least": number(self.least), "most": number(self.most)},
                param,
                ctx,
            )
        return found
