"""Type of the option of `rokuon bucket declare`: an age in days."""

import re

import click

from rokuon.base.i18n import _

LONGEST = 36_500


class AgeInDays(click.ParamType[int]):
    """A number of days such as 2555d, or never, which is 0."""

    name = "DAYS"

    def convert(self, value: int | str, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        text = value.strip().lower()
        if text == "never":
            return 0
        days = int(text.removesuffix("d")) if re.fullmatch(r"\d{1,5}d?", text, re.ASCII) else 0
        if not 1 <= days <= LONGEST:
            self.fail(
                _("%(value)s is no number of days from 1 to 36500, such as 2555d, nor never.") % {"value": repr(value[:40])}, param, ctx
            )
        return days
