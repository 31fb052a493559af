"""Answer a change whose form names a row that another person removed between reading and saving."""

import logging
from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _

from . import draft_pages

log = logging.getLogger(__name__)

FOREIGN_KEY = "23503"
"""SQLSTATE of a reference to a row that is not there."""


def answered(request: HttpRequest, run: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """Return the answer of a view. If a change was rolled back because a row was removed in the meantime, redirect to the form with what
    was typed and a message that says so. Other errors pass."""
    try:
        return run()
    except (IntegrityError, ObjectDoesNotExist) as error:
        if request.method != "POST" or not _is_removal(error):
            raise
        log.info("row_removed_meanwhile", extra={"error": type(error).__qualname__})
    said = _("Someone else removed something that you chose here in the meantime. Nothing was saved. Choose again, and send it once more.")
    messages.error(request, said)
    return draft_pages.back(request)


def _is_removal(error: Exception) -> bool:
    return isinstance(error, ObjectDoesNotExist) or getattr(error.__cause__, "sqlstate", None) == FOREIGN_KEY
