"""Row ids on the command line: only in the form in which our tables show them, not every text that Python reads as a number."""

from typing import Any

import click

from rokuon.base.i18n import _
from rokuon.domain.row_ids import row_id


class RowId(click.ParamType[int]):
    name = "id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        found = row_id(str(value))
        if found is None:
            self.fail(
                _("%(given)s is no id. An id is a whole number, as the lists show it.") % {"given": repr(str(value)[:40])}, param, ctx
            )
        return found


ROW_ID = RowId()
