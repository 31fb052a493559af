"""A program: names of attack for everything in a company that has a name (JSON in: its number), and the places that show them (JSON out).

Dialpad's names come from people; so do file names, agents, mail addresses. Each of PAYLOADS calls `__xss` if anything runs it.
"""

import json
import sys
from datetime import timedelta
from typing import Any

from rokuon.runtime.django_start import start_django

start_django()

from allauth.socialaccount.models import SocialAccount  # noqa: E402
from django.db import transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from rokuon.accounts import links, mail_links  # noqa: E402
from rokuon.accounts.models import AuditEntry, Link, Membership, Person  # noqa: E402
from rokuon.ledger.models import Call, Copy, Hold, Recording, Retry, Run, Window  # noqa: E402
from rokuon.notify.models import Mail, Notice, Recipient  # noqa: E402
from rokuon.org.models import Company, Office, Target, User  # noqa: E402
from rokuon.simulator import names  # noqa: E402

PAYLOADS = [
    "<script>__xss()</script>",
    "<SCRIPT SRC=//127.0.0.1:9/x.js></SCRIPT>",
    "</script><script>__xss()</script>",
    "</title><script>__xss()</script>",
    "</textarea><script>__xss()</script>",
    "</style><script>__xss()</script>",
    "</template><script>__xss()</script>",
    "--><script>__xss()</script>",
    "]]><script>__xss()</script>",
    "<img src=x onerror=__xss()>",
    '"><img src=x onerror=__xss()>',
    "'><img src=x onerror=__xss()>",
    "`><img src=x onerror=__xss()>",
    '" onmouseover="__xss()" autofocus onfocus="__xss()" x="',
    "' onmouseover='__xss()' autofocus onfocus='__xss()' x='",
    " autofocus onfocus=__xss() x=",
    "<svg onload=__xss()>",
    "<svg><script>__xss()</script></svg>",
    '<svg><a xlink:href="javascript:__xss()"><text>x</text></a></svg>',
    "</text></svg><img src=x onerror=__xss()>",
    "<svg><animate onbegin=__xss() attributeName=x dur=1s>",
    "<math><mtext></mtext><script>__xss()</script></math>",
    "<iframe srcdoc='<script>parent.__xss()</script>'>",
    "<iframe src=javascript:parent.__xss()>",
    "<object data=javascript:__xss()>",
    "<embed src=javascript:__xss()>",
    "<a href=javascript:__xss()>x</a>",
    "javascript:__xss()",
    "JaVaScRiPt:__xss()",
    "data:text/html,<script>__xss()</script>",
    "<form action=javascript:__xss()><button>x</button></form>",
    "<details open ontoggle=__xss()>",
    "<body onload=__xss()>",
    "<base href=//127.0.0.1:9/>",
    "<meta http-equiv=refresh content='0;url=javascript:__xss()'>",
    "<link rel=stylesheet href=//127.0.0.1:9/x.css>",
    "<style>@import '//127.0.0.1:9/x.css';*{background:url(//127.0.0.1:9/x)}</style>",
    "<div style=position:fixed;inset:0;background:red>",
    "<div hx-get=/ hx-trigger=load hx-on::load=__xss()>",
    "<button hx-post=/language/ hx-trigger=load hx-vals='js:{a:__xss()}'>",
    "{{constructor.constructor('__xss()')()}}",
    "{% load x %}{{ request.user.password }}",
    "${__xss()}#{__xss()}<%= __xss() %>",
    "&lt;script&gt;__xss()&lt;/script&gt;",
    "\\u003cscript\\u003e__xss()\\u003c/script\\u003e",
    "\u2028__xss()\u2029//",
    "＜script＞__xss()＜/script＞",
    "<scr\u200bipt>__xss()</scr\u200bipt>",
]
NAMES = [name.replace("\x00", "") for name in [*names.CENTERS, *names.TEAMS, *(f"{first} {last}" for first, last in names.PEOPLE)]]
ALL = " ".join(PAYLOADS)


@transaction.atomic
def enter(number: int) -> dict[str, Any]:
    """Values for the arguments of addresses: things that are called by all payloads at once."""
    company, now = Company.objects.order_by("pk")[number], timezone.now()
    Company.objects.filter(pk=company.pk).update(name=ALL)
    company.buckets.update(verification={"ok": False, "steps": [], "advice": [], "failure": {"reason": ALL, "detail": ALL}})
    offices = [
        Office.objects.create(company=company, dialpad_id=f"hostile-{at}", name=name, timezone="Asia/Tokyo")
        for at, name in enumerate([ALL, *PAYLOADS[::8]])
    ]
    targets = [_target(company, offices[at % len(offices)], at, name) for at, name in enumerate([ALL, *PAYLOADS, *NAMES])]
    for at, name in enumerate([ALL, *PAYLOADS]):
        User.objects.create(company=company, dialpad_id=f"hostile-{at}", name=name, emails=[name], is_super_admin=True)
    copies = [_copy(company, targets[0], at, name) for at, name in enumerate([ALL, *PAYLOADS, *NAMES])]
    person = Person.objects.create(email='"<img/src=x/onerror=__xss()>"@people.example', name=ALL)
    membership = Membership.objects.create(person=person, company=company, role="viewer")
    Hold.objects.create(company=company, on="bucket", ref=str(company.bucket_id), reason="bucket_forbidden", detail=ALL, probe_at=now)
    entry = AuditEntry.objects.create(
        company=company, person=person, actor=ALL, action=ALL, subject=ALL, subject_kind=ALL, before={ALL: ALL}, after={ALL: [ALL]}
    )
    run = Run.objects.create(
        company=company, scope_kind="callcenter", scope_id=targets[0].pk, targets=[targets[0].pk], since=now - timedelta(days=9), until=now
    )
    Window.objects.create(
        run=run, scope_kind="callcenter", scope_id=ALL, targets=[], after=now - timedelta(days=9), before=now, listed_down_to=now,
        state="failed", reason="source_unavailable", detail=ALL,
    )  # fmt: skip
    mail_links.ask(person.email, mail_links.Purpose.SIGN_IN, "/", "en", now)
    mailed = mail_links.claim(now)
    return {
        "mailed": mailed.token if mailed is not None else "",
        "token": links.make(person, Link.Kind.INVITATION, Link.Handed.MAIL, now),
        "draft": "no-such-draft",
        "company": company.public_id,
        "office": targets[0].office_id,
        "target": targets[0].pk,
        "bucket": company.bucket_id,
        "copy": copies[0].pk,
        "recording": copies[0].recording_id,
        "run": run.pk,
        "membership": membership.pk,
        "person": person.pk,
        "join": SocialAccount.objects.create(user=person, provider="oidc", uid="h", extra_data={"id_token": {"email": ALL, "iss": ALL}}).pk,
        "retry": Retry.objects.create(company=company, by=ALL, copies=[copy.pk for copy in copies]).pk,
        "state": "failed",
        "reason": "recording_not_audio",
        "entry": entry.pk,
        "recipient": Recipient.objects.create(company=company, email=person.email, language="en", added_by=ALL).pk,
        "notice": _notice(company, offices[0]),
    }


def _notice(company: Company, office: Office) -> int:
    now = timezone.now()
    Mail.objects.create(company=company, office=office, occasion="opened", to=ALL, language="en", letter={}, refused_at=now, error=ALL)
    Notice.objects.create(
        company=company, kind="silence", ref=ALL, facts={"name": ALL}, since=now, acknowledged_at=now, acknowledged_by=ALL
    )
    return Notice.objects.create(company=company, office=office, kind="failed", cause=ALL, count=1, since=now).pk


def _target(company: Company, office: Office, at: int, name: str) -> Target:
    kind = Target.Kind.values[at % 2]
    return Target.objects.create(company=company, office=office, kind=kind, dialpad_id=f"hostile-{at}", name=name, backed_up=at % 3 > 0)


def _copy(company: Company, target: Target, at: int, name: str) -> Copy:
    start = timezone.now() - timedelta(hours=at)
    recording = Recording.objects.create(
        company=company, kind="callrecording", recording_id=f"{at}{name}", call_id=f"{at}{name}", call_started_at=start, url=name
    )
    Call.objects.create(target=target, call_id=f"{at}{name}", started_at=start, was_recorded=True, recordings=1)
    state = (
        {"state": "failed", "reason": "recording_not_audio", "detail": name}
        if at % 2
        else {"state": "verified", "size": 9, "sha256": "ab" * 32, "crc32c": 7, "version": name, "proof": "length", "audio_ms": 9}
    )
    return Copy.objects.create(
        company=company,
        recording=recording,
        target=target,
        bucket_id=company.bucket_id,
        call_started_at=start,
        key=f"call-recordings/{at}/{start:%Y-%m-%d}/{name}.mp3",
        agent=name,
        **state,
    )


if __name__ == "__main__":
    print(json.dumps(enter(json.load(sys.stdin))))
