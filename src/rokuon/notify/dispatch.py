"""Decide and queue the mails of one look: whether each notice is due, and one letter for each office, audience and occasion."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from typing import Any

from django.conf import settings

from rokuon.accounts.mail import configured
from rokuon.domain.failures import Responsible, by_reason
from rokuon.ledger import health as ledger
from rokuon.ledger.health import Rest
from rokuon.org import tree
from rokuon.org.models import Company, Office, Target

from . import outbox, paths, policy, recipients
from .findings import Finding
from .message import Letter, NoticeLine, Numbers
from .models import Notice, NoticeKind, Occasion
from .policy import NoticeStep, Seen
from .recipients import Address, Audience
from .text import lines

NOTHING_LEFT = Rest(0, 0, 0)
Noticed = tuple[Notice, Finding | None]


def begun(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of a new notice, plus the numbers closed and expired before it opened, which its mails must not count."""
    return {**facts, **{f"{name}_before": facts[name] for name in ("closed", "expired") if name in facts}}


def _gone_on(before: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of a notice that continues: the current ones, the ones of its beginning, and every target that it was ever about."""
    kept = {name: value for name, value in before.items() if name.endswith("_before")}
    targets = sorted({*before.get("target_ids", ()), *facts.get("target_ids", ())})
    return {**facts, **kept, **({"target_ids": targets} if targets else {})}


def fields_of(seen: Seen) -> dict[str, Any]:
    """Return the state of a notice as fields of its row."""
    return {name: value for name, value in asdict(seen).items() if name not in ("kind", "of_office")}


@dataclass(slots=True)
class _Plan:
    notice: Notice
    finding: Finding | None
    step: NoticeStep
    occasion: Occasion | None
    count: int = 0
    rest: Rest = NOTHING_LEFT


@dataclass(slots=True)
class _Group:
    audience: Audience
    office: Office | None
    lines: list[NoticeLine] = field(default_factory=list)


class MailDispatch:
    """The notices and mails of a company, or of the installation if `company` is None. If this installation sends no mail, or no recipient
    can be reached, nobody counts as notified: they are notified as soon as that changes."""

    def __init__(self, company: Company | None, now: datetime) -> None:
        self.company, self.now = company, now
        self.sends = configured()
        self._of_offices: dict[int, Audience] | None = None
        self._of_company: tuple[Address, ...] | None = None
        self._groups: dict[tuple[Occasion, int | None, frozenset[str]], _Group] = {}

    def of_office(self, office: Office) -> Audience:
        if self._of_offices is None:
            # All offices at once: a problem in many offices would query the directory's admins as many times.
            self._of_offices = recipients.of_offices(office.company_id, list(Office.objects.filter(company=office.company_id)), self.now)
        return self._of_offices[office.pk]

    def of_company(self) -> tuple[Address, ...]:
        if self._of_company is None:
            self._of_company = recipients.of_company(self.company, self.now) if self.company is not None else ()
        return self._of_company

    def audience(self, notice: Notice) -> Audience:
        """Return a notice's recipients: the admins of its office, or of the whole company. A hold also notifies the admins whose targets
        use the bucket (D3). The operators are notified of what the machine causes, and of a bucket that is not sealed."""
        if self.company is None:
            return Audience(recipients.of_everybody(self.now), False)
        if notice.office is not None:
            return self.of_office(notice.office)
        addresses = [*self.of_company()]
        if notice.kind == NoticeKind.HOLD:
            using = Office.objects.filter(company=self.company, pk__in=notice.facts.get("offices", ())).order_by("pk")
            addresses += [one for office in using for one in self.of_office(office).addresses]
        machine = notice.kind == NoticeKind.HOLD and by_reason(notice.cause).notify is Responsible.OPERATOR
        if machine or notice.kind == NoticeKind.UNSEALED:
            addresses += recipients.operators(self.now)
        return Audience(recipients.once(addresses), False)

    def queue(self, noticed: Sequence[Noticed], *, quiet: bool) -> int:
        """Store the current state of each notice and queue the mails; return the number of mails."""
        plans = [self._plan(notice, finding, quiet) for notice, finding in noticed]
        reminded = {self._group_of(plan) for plan in plans if plan.occasion is Occasion.REMINDER} if self.sends else set()
        for plan in plans:
            if (
                plan.occasion is None
                and reminded
                and policy.joins(plan.step.now, plan.count, self.now)
                and self._group_of(plan) in reminded
            ):
                plan.occasion = Occasion.REMINDER
            self._carry_out(plan)
        return self._put()

    def _plan(self, notice: Notice, finding: Finding | None, quiet: bool) -> _Plan:
        count = finding.count if finding is not None else 0
        step = policy.decide(policy.seen(notice), count, self.now, quiet=quiet)
        plan = _Plan(notice, finding, step, step.occasion, count)
        if step.occasion is Occasion.ENDED and notice.kind in (NoticeKind.FAILED, NoticeKind.GONE):
            plan.rest = self._rest(notice)
            if plan.rest.elsewhere >= notice.told_count:
                # Nothing of it is fixed or explained: it is reported under its other cause.
                plan.occasion = None
        return plan

    @staticmethod
    def _rest(notice: Notice) -> Rest:
        """Return the copies of a notice that are not in the bucket, of its office's current targets and of its targets when it was sent."""
        ours = Target.objects.filter(office=notice.office_id).values_list("pk", flat=True)
        return ledger.rest([*ours, *notice.facts.get("target_ids", ())], notice.kind, notice.cause, notice.opened_at)

    def _group_of(self, plan: _Plan) -> tuple[int | None, frozenset[str]]:
        return plan.notice.office_id, frozenset(one.email for one in self.audience(plan.notice).addresses)

    def _carry_out(self, plan: _Plan) -> None:
        notice, state = plan.notice, plan.step.now
        audience = self.audience(notice) if self.sends and (plan.occasion or plan.step.escalate) else Audience((), False)
        tells = plan.occasion if audience.addresses else None
        if tells is not None:
            state = policy.after_mail(state, tells, plan.count, self.now)
        known = {one.email for one in audience.addresses}
        others = tuple(one for one in self.of_company() if one.email not in known) if plan.step.escalate and self.sends else ()
        # If the office's admins are the company's, they already know; if nobody is there now, someone may be added later.
        if plan.step.escalate and (others or audience.addresses):
            state = policy.after_mail(state, Occasion.ESCALATED, plan.count, self.now)
        if not self.write(notice, state, plan.finding, over=plan.step.over):
            return
        line = self.line(notice, plan.count, new=max(0, plan.count - plan.step.now.told_count))
        line = replace(line, excluded=plan.rest.excluded, elsewhere=plan.rest.elsewhere)
        if tells is not None:
            self._add(tells, notice, audience, line)
        if state.escalated_at == self.now and others:
            self._add(Occasion.ESCALATED, notice, Audience(others, False), line)

    def line(self, notice: Notice, count: int, new: int = 0) -> NoticeLine:
        return lines.of_notice(self.company.public_id if self.company is not None else "", notice, count=count, new=new)

    def write(self, notice: Notice, state: Seen, finding: Finding | None, *, over: bool = False) -> bool:
        """Store the state of the notice. Return False if another process sent or ended it since it was read."""
        as_read = {"told_at": notice.told_at, "escalated_at": notice.escalated_at, "ended_at": None}
        wanted = fields_of(state)
        wanted["count"] = finding.count if finding is not None else 0
        wanted["most"] = max(notice.most, wanted["count"])
        if finding is not None:
            wanted["facts"] = _gone_on(notice.facts, finding.facts)
        if over:
            wanted["ended_at"] = self.now
        changed = {name: value for name, value in wanted.items() if getattr(notice, name) != value}
        if changed and not Notice.objects.filter(pk=notice.pk, **as_read).update(**changed):
            return False
        for name, value in changed.items():
            setattr(notice, name, value)
        return True

    def mark(self, notice: Notice, state: Seen) -> None:
        """Store that recipients were notified, without looking at the notice's subject."""
        changed = fields_of(state)
        if Notice.objects.filter(pk=notice.pk, told_at=notice.told_at, escalated_at=notice.escalated_at, ended_at=None).update(**changed):
            for name, value in changed.items():
                setattr(notice, name, value)

    def _add(self, occasion: Occasion, notice: Notice, audience: Audience, line: NoticeLine) -> None:
        key = (occasion, notice.office_id, frozenset(one.email for one in audience.addresses))
        self._groups.setdefault(key, _Group(audience, notice.office)).lines.append(line)

    def _put(self) -> int:
        put = 0
        for (occasion, _office, _emails), group in self._groups.items():
            letter = self.letter(occasion, group.office, lines.ranked(group.lines), fallback=group.audience.fallback)
            put += self.put(letter, group.audience.addresses, group.office)
        return put

    def letter(self, occasion: Occasion, office: Office | None, what: tuple[NoticeLine, ...], *, fallback: bool = False) -> Letter:
        """Return a letter about one office, the whole company if it is None, or the installation."""
        if self.company is None:
            return Letter(occasion, zone=settings.ROKUON_TIME_ZONE, lines=what)
        return Letter(
            occasion,
            company=self.company.name,
            office=office.name if office is not None else "",
            zone=tree.company_zone(self.company, settings.ROKUON_TIME_ZONE),
            lines=what,
            path=paths.overview(self.company.public_id),
            fallback=fallback,
        )

    @staticmethod
    def with_numbers(letter: Letter, numbers: Numbers, first: date, last: date) -> Letter:
        return replace(letter, numbers=numbers, first_day=first.isoformat(), last_day=last.isoformat())

    def put(self, letter: Letter, addresses: Sequence[Address], office: Office | None) -> int:
        return outbox.put(
            letter,
            addresses,
            company_id=self.company.pk if self.company is not None else None,
            office_id=office.pk if office is not None else None,
            now=self.now,
        )
