"""Display labels for audit-log actions, fields and values. An unknown word is shown unchanged."""

from collections.abc import Mapping
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rokuon.base import dates

ACTIONS: Mapping[str, str | Promise] = {
    "account.oidc": gettext_lazy("Account of the identity provider joined"),
    "account.oidc_undo": gettext_lazy("Account of the identity provider disconnected"),
    "account.password": gettext_lazy("Password changed"),
    "account.second_factor": gettext_lazy("Second factor changed"),
    "bucket.declare": gettext_lazy("Rule of a bucket declared"),
    "bucket.register": gettext_lazy("Bucket registered"),
    "bucket.remove": gettext_lazy("Bucket removed from the list"),
    "bucket.rename": gettext_lazy("Bucket named"),
    "bucket.verify": gettext_lazy("Bucket verified"),
    "bucket.restart": gettext_lazy("Bucket started again"),
    "certificate.export": gettext_lazy("Certificate of completeness exported"),
    "company.add": gettext_lazy("Company added"),
    "company.key": gettext_lazy("Dialpad API key changed"),
    "company.key_check": gettext_lazy("Dialpad API key checked"),
    "company.other_party": gettext_lazy("Other parties of calls removed, as the company chose"),
    "company.second_factor": gettext_lazy("Second factor required, or no longer"),
    "company.directory_sign_in": gettext_lazy("Sign-in of the directory's admins allowed, or no longer"),
    "custody.continue": gettext_lazy("Seals of a bucket continued in a new chain"),
    "custody.key": gettext_lazy("Key that signs the seals changed"),
    "directory.sync": gettext_lazy("Directory read from Dialpad"),
    "call.close": gettext_lazy("Calls without a recording closed"),
    "call.reopen": gettext_lazy("Calls without a recording re-opened"),
    "drill.start": gettext_lazy("Restore drill begun"),
    "drill.end": gettext_lazy("Restore drill ended"),
    "drill.leave": gettext_lazy("Restore drill left unfinished"),
    "entry.close": gettext_lazy("Unreadable entries closed"),
    "entry.reopen": gettext_lazy("Unreadable entries re-opened"),
    "evidence.export": gettext_lazy("Evidence bundle exported"),
    "failure.accept": gettext_lazy("Kept-aside audio accepted"),
    "failure.discard": gettext_lazy("Kept-aside audio closed as not wanted"),
    "failure.close": gettext_lazy("Failures closed"),
    "failure.reopen": gettext_lazy("Closed failures opened again"),
    "failure.export": gettext_lazy("Failures exported"),
    "failure.retry": gettext_lazy("Failed recordings retried"),
    "failure.acknowledge": gettext_lazy("Reminders stopped"),
    "installation.restore": gettext_lazy("Dump of the database restored"),
    "inventory.accept": gettext_lazy("Missing recordings accepted as missing"),
    "inventory.close": gettext_lazy("Findings of an inventory closed"),
    "inventory.reopen": gettext_lazy("Closed findings opened again"),
    "link.sign_in": gettext_lazy("Sign-in link made"),
    "notice.add": gettext_lazy("Address for notices added"),
    "notice.remove": gettext_lazy("Address for notices removed"),
    "notice.rhythm": gettext_lazy("Notices changed"),
    "person.address": gettext_lazy("E-mail address of a person changed"),
    "person.directory": gettext_lazy("Account made for an admin of the directory"),
    "person.disable": gettext_lazy("Person disabled"),
    "person.enable": gettext_lazy("Person enabled"),
    "person.invite": gettext_lazy("Person invited"),
    "person.prove": gettext_lazy("Address proven"),
    "person.reset": gettext_lazy("Account reset: password, second factor and sign-ins removed"),
    "person.operator": gettext_lazy("Operator made"),
    "person.remove": gettext_lazy("Role removed"),
    "person.role": gettext_lazy("Role given"),
    "person.withdraw": gettext_lazy("Invitation withdrawn"),
    "recording.download": gettext_lazy("Recording downloaded"),
    "recording.export": gettext_lazy("List of recordings exported"),
    "recording.play": gettext_lazy("Recording listened to"),
    "recording.zip": gettext_lazy("Recordings downloaded as a zip"),
    "rule.disable": gettext_lazy("Backup rule disabled"),
    "rule.enable": gettext_lazy("Backup rule enabled"),
    "run.cancel": gettext_lazy("Back up now cancelled"),
    "run.join": gettext_lazy("Back up now joined"),
    "run.pause": gettext_lazy("Back up now paused"),
    "run.resume": gettext_lazy("Back up now resumed"),
    "run.start": gettext_lazy("Back up now started"),
    "settings.change": gettext_lazy("Settings changed"),
}

FIELDS: Mapping[str, str | Promise] = {
    "api_key": gettext_lazy("Dialpad API key"),
    "backed_up": gettext_lazy("Automatic backup"),
    "bucket": gettext_lazy("Bucket"),
    "call": gettext_lazy("Call ID"),
    "credential": gettext_lazy("Credential"),
    "customized": gettext_lazy("Own settings"),
    "enabled": gettext_lazy("Backup"),
    "media_charge": gettext_lazy("What a download costs of the request budget"),
    "name": gettext_lazy("Name"),
    "other_party": gettext_lazy("What is kept of the other party of a call"),
    "proven_by": gettext_lazy("Proven by"),
    "office": gettext_lazy("Office"),
    "recording": gettext_lazy("Recording ID"),
    "recordings": gettext_lazy("Recording IDs"),
    "ok": gettext_lazy("Succeeded"),
    "reason": gettext_lazy("Reason"),
    "requests_per_second": gettext_lazy("Requests per second"),
    "allowed": gettext_lazy("Allowed"),
    "required": gettext_lazy("Required"),
    "restricted": gettext_lazy("Access restriction"),
    "role": gettext_lazy("Role"),
    "url": gettext_lazy("Bucket name"),
    "above_limit": gettext_lazy("More requests than Dialpad's documented limit confirmed"),
    "access_window_days": gettext_lazy("Access window of Dialpad, in days"),
    "address": gettext_lazy("Address"),
    "bad": gettext_lazy("Damaged or missing"),
    "confidence": gettext_lazy("Confidence, in percent"),
    "damaged_below": gettext_lazy("Damaged: fewer than, in percent"),
    "drawn": gettext_lazy("Drawn"),
    "drill": gettext_lazy("Restore drill"),
    "identity": gettext_lazy("Identity in its marker"),
    "missing": gettext_lazy("Recordings that are not there"),
    "of": gettext_lazy("Of"),
    "read": gettext_lazy("Read"),
    "refused": gettext_lazy("Refused by the store"),
    "seed": gettext_lazy("Seed"),
    "upper": gettext_lazy("At most damaged"),
    "appeared": gettext_lazy("New"),
    "copies": gettext_lazy("Recordings"),
    "directory_admins": gettext_lazy("Notify the office admins of Dialpad's directory"),
    "dump": gettext_lazy("Dump of"),
    "email": gettext_lazy("E-mail address"),
    "form": gettext_lazy("Form"),
    "exports": gettext_lazy("Names of recordings"),
    "key": gettext_lazy("Dialpad API key"),
    "kind": gettext_lazy("Kind"),
    "language": gettext_lazy("Language"),
    "note": gettext_lazy("Reason"),
    "relist": gettext_lazy("Check everything again"),
    "renamed": gettext_lazy("Renamed"),
    "rows": gettext_lazy("Recordings"),
    "since": gettext_lazy("From"),
    "source": gettext_lazy("Given by"),
    "state": gettext_lazy("State"),
    "target": gettext_lazy("Contact center or coaching team"),
    "until": gettext_lazy("To"),
    "verified": gettext_lazy("Recordings that counted as verified"),
    "vanished": gettext_lazy("No longer at Dialpad"),
    "voicemail": gettext_lazy("Voicemail"),
    "weekly": gettext_lazy("Weekly mail"),
}

TIMES = {"since", "until", "dump"}
"""Fields that are times, stored as ISO 8601."""

UNSAID = {"looks"}
"""Fields that are not shown: they are for a person who reads the database. The set-up page says the same in words."""

VALUES: Mapping[str, str | Promise] = {
    "company_admin": gettext_lazy("Company admin"),
    "office_admin": gettext_lazy("Office admin"),
    "viewer": gettext_lazy("Viewer"),
    "mail": gettext_lazy("a mailed link"),
    "provider": gettext_lazy("the identity provider"),
    "operator": gettext_lazy("a link from the operator of the installation"),
    "directory": gettext_lazy("Dialpad's directory"),
    "off": gettext_lazy("nothing"),
    "masked": gettext_lazy("masked"),
    "full": gettext_lazy("in full"),
    "en": "English",
    "ja": "日本語",
}


def action_words(action: str) -> str:
    return str(ACTIONS.get(action, action))


def changes(before: Mapping[str, object], after: Mapping[str, object], zone: str) -> list[tuple[str, str, str]]:
    """(field, before, after) in words, for each field of either side; "" where a side does not have the field. Times are in `zone`."""
    names = [name for name in (*before, *(name for name in after if name not in before)) if name not in UNSAID]
    return [(str(FIELDS.get(name, name)), _value(before, name, zone), _value(after, name, zone)) for name in names]


def _value(side: Mapping[str, object], name: str, zone: str) -> str:
    if name not in side:
        return ""
    value = side[name]
    if value is None or value == "":
        return _("none")
    if isinstance(value, bool):
        return _("on") if value else _("off")
    if isinstance(value, list | tuple):
        return _(", ").join(str(VALUES.get(str(one), one)) for one in value)
    if name in TIMES and (when := _time(str(value))) is not None:
        return dates.named(when, zone)
    return str(VALUES.get(str(value), value))


def _time(stored: str) -> datetime | None:
    """Return the stored time; None for a text that is none, which is then shown as it is."""
    try:
        found = datetime.fromisoformat(stored)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
