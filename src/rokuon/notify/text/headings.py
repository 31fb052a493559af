"""Texts of each kind of notice, open and ended, with its advice, in the language of `base.i18n`."""

from rokuon.base.i18n import _, ngettext
from rokuon.base.measures import number
from rokuon.notify.message import NoticeLine
from rokuon.notify.models import NoticeKind

from .causes import in_brief


def heading(line: NoticeLine, name: str) -> str:
    """Return the problem as part of a sentence; `name` is the line's, made safe to show."""
    about = {"count": number(line.count), "cause": in_brief(line.cause), "name": name}
    match line.kind:
        case NoticeKind.FAILED:
            return (
                ngettext(
                    "%(count)s recording is not backed up (%(cause)s)", "%(count)s recordings are not backed up (%(cause)s)", line.count
                )
                % about
            )
        case NoticeKind.GONE:
            return (
                ngettext(
                    "%(count)s recording is no longer at Dialpad and cannot be backed up",
                    "%(count)s recordings are no longer at Dialpad and cannot be backed up",
                    line.count,
                )
                % about
            )
        case NoticeKind.HOLD:
            if name:
                return _("backups are on hold, %(cause)s (%(name)s)") % about
            return _("backups are on hold, %(cause)s") % about
        case NoticeKind.UNNAMED:
            return (
                ngettext(
                    "%(count)s call was recorded, but Dialpad lists no recording of it",
                    "%(count)s calls were recorded, but Dialpad lists no recording of them",
                    line.count,
                )
                % about
            )
        case NoticeKind.SILENCE:
            return _("%(name)s usually has calls, and has none") % about
        case NoticeKind.EXPIRING:
            return (
                ngettext(
                    "%(count)s recording becomes unreachable at Dialpad within 7 days",
                    "%(count)s recordings become unreachable at Dialpad within 7 days",
                    line.count,
                )
                % about
            )
        case NoticeKind.UNLISTED:
            return (
                ngettext(
                    "the calls of %(count)s day are not listed from end to end (%(cause)s)",
                    "the calls of %(count)s days are not listed from end to end (%(cause)s)",
                    line.count,
                )
                % about
            )
        case NoticeKind.UNREADABLE:
            return (
                ngettext(
                    "%(count)s entry of Dialpad's call list could not be read",
                    "%(count)s entries of Dialpad's call list could not be read",
                    line.count,
                )
                % about
            )
        case NoticeKind.NOT_LISTED:
            return _("recent calls have not been checked for over an hour")
        case NoticeKind.NO_EVENT:
            return _("no call events received from Dialpad for 24 hours")
        case NoticeKind.UNSEALED if line.cause:
            return _("no seal is made, %(cause)s (%(name)s)") % about
        case NoticeKind.UNSEALED:
            return _("the next seal is overdue (%(name)s)") % about
        case NoticeKind.NO_WORKER:
            return _("no worker is running, so nothing is backed up")
    return _("something needs attention")


def was(line: NoticeLine, name: str) -> str:
    """Return the same in the past tense, for an ended notice."""
    about = {"count": number(line.most), "cause": in_brief(line.cause), "name": name}
    match line.kind:
        case NoticeKind.FAILED:
            return (
                ngettext(
                    "%(count)s recording was not backed up (%(cause)s)", "%(count)s recordings were not backed up (%(cause)s)", line.most
                )
                % about
            )
        case NoticeKind.GONE:
            return (
                ngettext("%(count)s recording was no longer at Dialpad", "%(count)s recordings were no longer at Dialpad", line.most)
                % about
            )
        case NoticeKind.HOLD:
            if name:
                return _("backups were on hold, %(cause)s (%(name)s)") % about
            return _("backups were on hold, %(cause)s") % about
        case NoticeKind.UNNAMED:
            return ngettext("%(count)s call had no recording at Dialpad", "%(count)s calls had no recording at Dialpad", line.most) % about
        case NoticeKind.SILENCE:
            return _("%(name)s had no calls") % about
        case NoticeKind.EXPIRING:
            return (
                ngettext(
                    "%(count)s recording was about to become unreachable at Dialpad",
                    "%(count)s recordings were about to become unreachable at Dialpad",
                    line.most,
                )
                % about
            )
        case NoticeKind.UNLISTED:
            return (
                ngettext(
                    "the calls of %(count)s day were not listed from end to end (%(cause)s)",
                    "the calls of %(count)s days were not listed from end to end (%(cause)s)",
                    line.most,
                )
                % about
            )
        case NoticeKind.UNREADABLE:
            return (
                ngettext(
                    "%(count)s entry of Dialpad's call list could not be read",
                    "%(count)s entries of Dialpad's call list could not be read",
                    line.most,
                )
                % about
            )
        case NoticeKind.NOT_LISTED:
            return _("recent calls were not checked")
        case NoticeKind.NO_EVENT:
            return _("no call events were received from Dialpad")
        case NoticeKind.UNSEALED if line.cause:
            return _("no seal was made, %(cause)s (%(name)s)") % about
        case NoticeKind.UNSEALED:
            return _("the next seal was overdue (%(name)s)") % about
        case NoticeKind.NO_WORKER:
            return _("no worker was running")
    return _("something needed attention")


def advice(kind: str) -> str:
    """Return the advice for the kinds that have no cause with its own advice."""
    match kind:
        case NoticeKind.SILENCE:
            return _("Check in Dialpad that its calls still arrive and are recorded. If it is closed, switch its backup rule off.")
        case NoticeKind.EXPIRING:
            return _("See why they are not backed up, and fix that before the day comes. Rokuon copies the oldest first.")
        case NoticeKind.NOT_LISTED:
            return _(
                "Check in Rokuon whether something is on hold or the workers have too much to do; raise the request budget if they do."
            )
        case NoticeKind.NO_EVENT:
            return _("Recordings still arrive, hours later. Check that Dialpad reaches this installation: `rokuon doctor` tries it.")
        case NoticeKind.UNSEALED:
            return _(
                "Recordings are still backed up. A worker seals each bucket once a day: see in its log why it did not, or run "
                "`rokuon custody issue`."
            )
        case NoticeKind.NO_WORKER:
            return _("Start one with `rokuon worker` or `rokuon up`, and see in its log why it ended. `rokuon doctor` looks for more.")
    return ""


def amount_of(line: NoticeLine, count: int) -> str:
    """Return how many things of the line a target has."""
    if line.kind in (NoticeKind.FAILED, NoticeKind.GONE, NoticeKind.HOLD, NoticeKind.EXPIRING):
        said = ngettext("%(count)s recording", "%(count)s recordings", count)
    elif line.kind == NoticeKind.UNLISTED:
        said = ngettext("%(count)s day", "%(count)s days", count)
    else:
        said = ngettext("%(count)s call", "%(count)s calls", count)
    return said % {"count": number(count)}
