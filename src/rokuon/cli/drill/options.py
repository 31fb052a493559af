"""Types of the options of `rokuon drill`: shares in percent, an amount in GiB, a seed."""

import re
import unicodedata
from decimal import Decimal

import click

from rokuon.base.i18n import _

LONGEST_SEED = 200


class Percent(click.ParamType[int]):
    """A share above 0 % and below 100 %, in millionths; written with at most four decimals."""

    name = "PERCENT"

    def convert(self, value: int | str, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        text = value.strip().removesuffix("%").strip()
        if re.fullmatch(r"\d{1,2}(\.\d{1,4})?", text, re.ASCII) is None or not (found := int(Decimal(text) * 10_000)):
            self.fail(
                _("%(value)s is no percentage above 0 and below 100 with at most four decimals.") % {"value": repr(text[:40])}, param, ctx
            )
        return found


class Gib(click.ParamType[int]):
    """An amount in GiB, as bytes."""

    name = "GIB"

    def convert(self, value: int | str, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        text = value.strip()
        found = Decimal(text) if re.fullmatch(r"\d{1,6}(\.\d{1,6})?", text, re.ASCII) else Decimal(0)
        if not found:
            self.fail(_("%(value)s is no amount in GiB above 0, such as 10 or 0.5.") % {"value": repr(value[:40])}, param, ctx)
        return int(found * 2**30)


class Seed(click.ParamType[str]):
    """A text that decides which recordings are drawn: printed and typed again by an auditor, so without characters that nobody sees, and in
    one form (NFC): keyboards write か and が in different bytes that look the same."""

    name = "TEXT"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        value = unicodedata.normalize("NFC", value)
        if not value or value != value.strip() or not value.isprintable() or len(value) > LONGEST_SEED:
            self.fail(
                _("A seed has 1 to %(longest)d visible characters, without a space at either end.") % {"longest": LONGEST_SEED}, param, ctx
            )
        return value
