"""Texts on listings that ignore the range, the same in `rokuon doctor` and on the system page."""

from rokuon.base.i18n import _
from rokuon.domain.recording import Bound, ScopeKind
from rokuon.org.models import IgnoredRange


def says(one: IgnoredRange) -> str:
    lists = {
        ScopeKind.COMPANY: _("lists of the whole company's calls"),
        ScopeKind.OFFICE: _("lists of an office's calls"),
        ScopeKind.CONTACT_CENTER: _("lists of a contact center's calls"),
        ScopeKind.COACHING_TEAM: _("lists of a coaching team's calls"),
    }[ScopeKind(one.kind)]
    if one.bound == Bound.AFTER:
        return _("Dialpad ignores the beginning of the range in %(lists)s") % {"lists": lists}
    return _("Dialpad ignores the end of the range in %(lists)s") % {"lists": lists}


def consequence() -> str:
    return _("Rokuon automatically leaves out what lies outside. Nothing is lost, but these lists take more requests.")


def todo() -> str:
    return _("Tell Dialpad's support. `rokuon probe` asks again, and this line goes once the range is kept.")
