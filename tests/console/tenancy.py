"""Who may do what at which address: the table that `test_tenancy` holds every address of the router to.

python -m tests.console.tenancy     writes docs/design/tenancy.md from it
"""

from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "design" / "tenancy.md"
WHO = ("anonymous", "viewer A", "admin A", "admin B", "viewer", "company admin", "other company", "operator")
NOT_ALLOWED = " ".join(["405"] * len(WHO))
TO_ITS_PAGE = " ".join(["up"] * len(WHO))


@dataclass(frozen=True)
class Row:
    """One outcome for each of WHO, for a thing of office A or of the whole company. HEAD is as GET.

    ok: the page, or what it does; in: sent to sign-in; up: to the page that an address for forms belongs to; a number: that status and
    nothing else happens.
    """

    get: str = TO_ITS_PAGE
    post: str = NOT_ALLOWED
    put: str = NOT_ALLOWED
    why: str = ""

    def expected(self, method: str) -> dict[str, str]:
        said = {"GET": self.get, "HEAD": self.get, "POST": self.post}.get(method, self.put).split()
        assert len(said) == len(WHO), said
        return dict(zip(WHO, said, strict=True))


#                anonymous  viewer A  admin A  admin B  viewer  company admin  other company  operator
SIGNED_IN = "    in         ok        ok       ok       ok      ok             ok             ok"
MEMBERS = "      in         ok        ok       ok       ok      ok             404            404"
OF_A = "         in         ok        ok       404      ok      ok             404            404"
WORKERS = "      in         403       ok       ok       403     ok             404            404"
WORKERS_OF_A = " in         403       ok       404      403     ok             404            404"
LISTENS = "      in         502       502      404      502     502            404            404"
DOWNLOADS = "    in         403       502      404      403     502            404            404"
ADMIN = "        in         403       403      403      403     ok             404            404"
OPERATOR = "     in         403       403      403      403     403            403            ok"
ANYBODY = "      ok         ok        ok       ok       ok      ok             ok             ok"
NOT_ANYBODY = "  {0}        {0}       {0}      {0}      {0}     {0}            {0}            {0}"

TABLE: dict[str, Row] = {
    "account_login": Row(ANYBODY, ANYBODY, why="who is signed in goes on to the first page"),
    "account_signup": Row(NOT_ANYBODY.format(403), why="people are invited"),
    "account_inactive": Row(NOT_ANYBODY.format(403), why="says that the account is disabled"),
    "account_logout": Row(post=ANYBODY),
    "account_link": Row(NOT_ANYBODY.format(410), NOT_ANYBODY.format(410), why="a link that is not good for anything"),
    "console:mail_link": Row(ANYBODY, ANYBODY, why="the answer is the same for every address"),
    "console:mail_link_sent": Row(ANYBODY, why="says the same to everybody"),
    "console:mail_link_use": Row(NOT_ANYBODY.format(410), NOT_ANYBODY.format(410), why="a link that is not good for anything"),
    "account_oidc": Row(post=NOT_ANYBODY.format(404), why="no identity provider is configured"),
    "account_oidc_callback": Row(NOT_ANYBODY.format(404), why="no identity provider is configured"),
    "mfa_authenticate": Row(ANYBODY, ANYBODY, why="without the first step: back to it"),
    "mfa_index": Row(SIGNED_IN),
    "mfa_activate_totp": Row(SIGNED_IN, SIGNED_IN),
    "mfa_deactivate_totp": Row(post=SIGNED_IN),
    "mfa_view_recovery_codes": Row(SIGNED_IN, SIGNED_IN),
    "account_sessions": Row(SIGNED_IN),
    "account_sign_ins": Row(SIGNED_IN, why="one's own"),
    "account_time_zone": Row(SIGNED_IN, SIGNED_IN, why="one's own"),
    "account_end_session": Row(post=SIGNED_IN),
    "account_reauthenticate": Row(SIGNED_IN, SIGNED_IN),
    "account_set_password": Row(SIGNED_IN, SIGNED_IN),
    "console:home": Row(SIGNED_IN, why="the companies of the person, and no others"),
    "console:hooks-dialpad": Row(NOT_ALLOWED, NOT_ANYBODY.format(401), why="Dialpad's events: their signature counts, nobody's sign-in"),
    "console:language": Row(post=ANYBODY),
    "console:theme": Row(post=SIGNED_IN),
    "console:shortcuts": Row(SIGNED_IN, SIGNED_IN, why="one's own"),
    "console:installation-audit": Row(OPERATOR, why="what belongs to no company"),
    "console:installation-sign_ins": Row(OPERATOR, why="of everybody"),
    "console:company_new": Row(OPERATOR, OPERATOR),
    "console:overview": Row(MEMBERS, why="counts of the offices within reach"),
    "console:overview-work": Row(MEMBERS),
    "console:overview-years": Row(MEMBERS, why="days of the targets within reach"),
    "console:overview-outside": Row(MEMBERS, why="lines of the offices within reach"),
    "console:certificate": Row(MEMBERS, why="figures of the offices within reach"),
    "console:certificate-export": Row(post=WORKERS, why="of what the form asks for, what is within reach"),
    "console:recordings": Row(MEMBERS),
    "console:recordings-one": Row(OF_A),
    "console:recordings-export": Row(post=WORKERS, why="of what the address names, what is within reach"),
    "console:recordings-zip": Row(post=WORKERS, why="likewise; the form of this test names no recording"),
    "console:search": Row(MEMBERS, MEMBERS, why="finds what is within reach"),
    "console:recordings-play": Row(LISTENS, why="502 for the recording itself: the bucket of this town does not answer"),
    "console:recordings-play_aside": Row("in 404 404 404 404 404 404 404", why="nothing is kept aside of the recordings of this town"),
    "console:recordings-download_aside": Row("in 403 404 404 403 404 404 404", why="likewise"),
    "console:recordings-download": Row(DOWNLOADS, why="502 likewise"),
    "console:backup_now": Row(MEMBERS),
    "console:backup_now-current": Row(MEMBERS),
    "console:backup_now-plan": Row(post=WORKERS),
    "console:backup_now-planned": Row(WORKERS, why="a draft that is not the person's own leads back to the form"),
    "console:backup_now-start": Row(post=WORKERS),
    "console:backup_now-run": Row(OF_A, why="a run of the whole company is shown to an office with that office's counts alone"),
    "console:backup_now-progress": Row(OF_A),
    "console:backup_now-curve": Row(OF_A, why="of the targets within reach"),
    "console:backup_now-pause": Row(WORKERS_OF_A, WORKERS_OF_A),
    "console:backup_now-resume": Row(WORKERS_OF_A, WORKERS_OF_A),
    "console:backup_now-cancel": Row(WORKERS_OF_A, WORKERS_OF_A),
    "console:failures": Row(MEMBERS),
    "console:failures-cause": Row(MEMBERS),
    "console:failures-unnamed": Row(MEMBERS),
    "console:failures-unnamed_close": Row(post=WORKERS, why="of what the form names, what is within reach"),
    "console:failures-unread_close": Row(post=WORKERS, why="of what the form names, what is within reach"),
    "console:failures-unread_reopen": Row(post=WORKERS, why="of what the form names, what is within reach"),
    "console:failures-unnamed_reopen": Row(post=WORKERS, why="of what the form names, what is within reach"),
    "console:failures-retry": Row(post=WORKERS, why="of what the form names, what is within reach"),
    "console:failures-close": Row(post=WORKERS, why="of what the form names, what is within reach"),
    "console:failures-accept": Row(post="in 403 403 403 403 403 404 404", why="the form of this test names no recording"),
    "console:failures-discard": Row(post="in 403 403 403 403 403 404 404", why="the form of this test names no recording"),
    "console:failures-reopen": Row(post=WORKERS, why="of what the form names, what is within reach"),
    "console:failures-acknowledge": Row(post=WORKERS, why="of the cause that the form names, what is within reach"),
    "console:failures-export": Row(post=WORKERS),
    "console:failures-retried": Row(OF_A),
    "console:failures-retried_progress": Row(OF_A),
    "console:rules": Row(MEMBERS),
    "console:rules-preview": Row(WORKERS, why="likewise"),
    "console:rules-save": Row(post=WORKERS, why="of the targets in the form, those within reach"),
    "console:settings": Row(MEMBERS),
    "console:settings-save": Row(post=ADMIN),
    "console:settings-preview": Row(ADMIN, why="a draft that is not the person's own leads back to the form"),
    "console:settings-office": Row(OF_A),
    "console:settings-office-save": Row(post=WORKERS_OF_A),
    "console:settings-office-preview": Row(WORKERS_OF_A, why="likewise"),
    "console:settings-target": Row(OF_A),
    "console:settings-target-save": Row(post=WORKERS_OF_A),
    "console:settings-target-preview": Row(WORKERS_OF_A, why="likewise"),
    "console:settings-buckets": Row(WORKERS, why="an office chooses among the company's buckets"),
    "console:settings-bucket_new": Row(ADMIN, ADMIN),
    "console:settings-bucket_check": Row(ADMIN),
    "console:settings-bucket_try": Row(post=ADMIN),
    "console:settings-bucket": Row(WORKERS),
    "console:settings-bucket_findings": Row(WORKERS, why="of an office's admin: only findings about recordings of the office"),
    "console:settings-bucket_findings_close": Row(post=ADMIN),
    "console:settings-bucket_findings_reopen": Row(post=ADMIN),
    "console:settings-bucket_verify": Row(post=ADMIN),
    "console:settings-bucket_restart": Row(ADMIN, ADMIN),
    "console:settings-bucket_credential": Row(ADMIN, ADMIN),
    "console:settings-bucket_remove": Row(ADMIN, ADMIN, why="what is in use stays, and the page says what uses it"),
    "console:settings-bucket_rename": Row(post=ADMIN),
    "console:set_up": Row(ADMIN),
    "console:set_up-key": Row(ADMIN, ADMIN),
    "console:set_up-check": Row(post=ADMIN),
    "console:set_up-sync": Row(post=ADMIN),
    "console:people": Row(ADMIN),
    "console:people-invite": Row(post=ADMIN),
    "console:people-role": Row(post=ADMIN),
    "console:people-remove": Row(post=ADMIN),
    "console:people-invitation": Row(post="in 403 403 403 403 404 404 404", why="viewer A was not invited but has signed in"),
    "console:people-person": Row(ADMIN),
    "console:people-disconnect": Row(post=ADMIN),
    "console:people-second-factor": Row(post=ADMIN),
    "console:people-directory-sign-in": Row(post=ADMIN),
    "console:audit": Row(ADMIN),
    "console:audit-sign_ins": Row(ADMIN, why="of people with a role in the company at that time"),
    "console:notices": Row(MEMBERS, why="addresses, notices and mails of the offices within reach"),
    "console:notices-add": Row(post=WORKERS, why="for the place that the form names, within reach"),
    "console:notices-remove": Row(post=WORKERS_OF_A),
    "console:notices-settings": Row(post=ADMIN),
    "console:notices-trial": Row(post=WORKERS, why="to oneself"),
    "console:notices-acknowledge": Row(post=WORKERS_OF_A),
    "console:notices-preview": Row(MEMBERS, why="an example, of nobody"),
    "console:notices-preview_mail": Row(MEMBERS, why="likewise"),
    "console:system": Row(ADMIN, why="an operator too, who has a role in the company"),
}


def markdown() -> str:
    """The table as a page of the docs."""
    lines = [
        "# Who may do what",
        "",
        "Every address of the console, every method, every kind of person. `tests/console/test_tenancy.py` reads the addresses from the",
        "router, asks each with each method as each person, and fails where an answer differs from this table, where an address is missing",
        "from it, where an answer to someone of office A or of another company holds a name, an id or a count of office B, and where a",
        "GET, or a request that is refused, changes the database. The page is written by `python -m tests.console.tenancy`.",
        "",
        "*ok*: the page, or what the form does. *in*: sent to sign-in. A number is the HTTP status; nothing else happens. The thing",
        "asked for belongs to office A. HEAD answers as GET; PUT and DELETE answer 405 to everybody unless a line says otherwise. Where",
        "only POST is listed, GET leads everybody to the page that the address belongs to, which then decides.",
        "",
        "| Address | Method | " + " | ".join(WHO) + " | |",
        "|---|---|" + "---|" * (len(WHO) + 1),
    ]
    for name, row in TABLE.items():
        for method, said in (("GET", row.get), ("POST", row.post), ("PUT", row.put)):
            if said not in (NOT_ALLOWED, TO_ITS_PAGE):
                lines.append(f"| `{name}` | {method} | " + " | ".join(row.expected(method).values()) + f" | {row.why} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(markdown())
