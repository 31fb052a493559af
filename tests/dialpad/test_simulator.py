"""The source against the whole simulator: a world is listed and every byte of it arrives, under each open question's answers."""

import asyncio
import hashlib
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from rokuon.dialpad.pacing import LocalReserver, SlotPacer, UnpacedSlots
from rokuon.dialpad.source import DialpadSource
from rokuon.domain.failures import (
    RecordingNotReady,
    RecordingTooLarge,
    RecordingTruncated,
    SourceAnswerMalformed,
    SourceCursorLooped,
    SourceError,
    SourceKeyRefused,
    SourceKindDenied,
    SourceRedirectBlocked,
    SourceScopeMissing,
)
from rokuon.domain.ports import TimeRange
from rokuon.domain.recording import COMPANY_SCOPE, RecordingKind, Scope, ScopeKind, TargetKind
from rokuon.domain.settings import MediaCharge
from rokuon.simulator import Simulator, Switches, WorldSpec
from rokuon.simulator.control import truth

from .worlds import NOW_MS, QUICK, Slots, Waits

SPEC = WorldSpec(now_ms=NOW_MS, recordings=60, days=70, users=9, centers=3, teams=1, offices=2, talk_s=(2.0, 5.0, 12.0), long_call_s=40.0)
EVERYTHING = TimeRange(NOW_MS - 75 * 86_400_000, NOW_MS)


@asynccontextmanager
async def world(spec=SPEC, faults=None, hosts=(), slots=None, key=None, sleep=None, limits=QUICK, charge=MediaCharge.ONE, **switches):
    """A simulator without a limit, unless a switch sets one, and a source that talks to it."""
    chosen = Switches()
    for name, value in ({"limit_per_second": 0} | switches).items():
        chosen.set(name, value)
    async with Simulator(spec, chosen, faults) as sim:
        source = DialpadSource(
            sim.base_url,
            key or sim.key,
            slots or Slots(),
            now_ms=sim.now,
            allow_hosts=[sim.base_url.replace("127.0.0.1", host) for host in hosts],
            limits=limits,
            charge=charge,
            sleep=sleep or Waits(),
        )
        try:
            yield sim, source
        finally:
            await source.close()


async def calls_of(source, scope=COMPANY_SCOPE, wanted=EVERYTHING):
    found = {}
    last = []
    async for page in source.pages(scope, wanted):
        assert not page.malformed
        found |= {call.id: call for call in page.calls}
        last.append(page.last)
    assert last == [False] * (len(last) - 1) + [True]
    return found


def recordings_of(calls):
    return {(one.kind, one.id): one for call in calls.values() for one in call.recordings}


def company_of(sim):
    return next(iter(sim.world.companies))


def known(sim):
    return {(RecordingKind(one["kind"]), str(one["id"])): one for one in truth(sim, company_of(sim))}


async def download_all(source, recordings):
    """SHA-256 or failure class of each."""
    results = {}

    async def one(identity, listed):
        try:
            async with source.open(listed.kind, listed.id, listed.url) as download:
                results[identity] = hashlib.sha256(b"".join([piece async for piece in download.chunks(10**8)])).hexdigest()
        except SourceError as exc:
            results[identity] = type(exc)

    await asyncio.gather(*[one(identity, listed) for identity, listed in recordings.items()])
    return results


@pytest.mark.parametrize(
    "switches",
    [
        {},
        {"list_details": "urls"},
        {"recording_leg": "group"},
        {"recording_leg": "agent"},
        {"recording_leg": "both"},
        {"after_inclusive": "false"},
        {"before_inclusive": "true"},
        {"after_inclusive": "false", "before_inclusive": "true", "exact_window_allowed": "true"},
        {"last_cursor": "null"},
        {"last_cursor": "empty"},
        {"last_cursor": "absent"},
        {"empty_items": "null"},
        {"empty_items": "absent"},
        {"cursor_style": "offset"},
        {"media_hops": "0"},
        {"media_length": "chunked"},
        {"media_length": "close"},
        {"retry_after": "none"},
    ],
    ids=str,
)
async def test_every_recording_is_listed_and_arrives_byte_for_byte(switches):
    async with world(**switches) as (sim, source):
        calls = await calls_of(source)
        assert set(calls) == {str(call_id) for call_id in sim.world.books[company_of(sim)].by_id}
        recordings, expected = recordings_of(calls), known(sim)
        assert set(recordings) == set(expected)
        assert len(recordings) == SPEC.recordings
        got = await download_all(source, recordings)
        assert got == {identity: one["sha256"] for identity, one in expected.items()}
        assert sim.meter.key_in_query == {}
        assert sim.meter.key_to_other_host == 0


async def test_calls_of_deleted_users_are_listed_too():
    async with world(replace(SPEC, deleted_user=True)) as (sim, source):
        anonymized = {str(call.id) for call in sim.world.books[company_of(sim)].by_id.values() if call.anonymized}
        assert anonymized
        assert anonymized <= set(await calls_of(source))


async def test_details_carry_start_and_duration_as_they_are():
    async with world() as (sim, source):
        recordings = recordings_of(await calls_of(source))
        for identity, one in known(sim).items():
            assert (recordings[identity].started_ms, recordings[identity].duration_ms) == (one["start_time"], one["duration_ms"])


async def test_every_border_between_two_ranges_lists_each_call_exactly_once():
    async with world() as (sim, source):
        starts = sorted(call.started for call in sim.world.books[company_of(sim)].by_id.values())
        border = starts[len(starts) // 2]
        for at in (border - 1, border, border + 1):
            older = await calls_of(source, wanted=TimeRange(EVERYTHING.after_ms, at))
            newer = await calls_of(source, wanted=TimeRange(at, EVERYTHING.before_ms))
            assert set(older).isdisjoint(newer)
            assert len(older) + len(newer) == len(starts)


@pytest.mark.parametrize("rule", ["login", "query"])
async def test_admin_recordings_behind_a_login_deny_their_kind_and_no_other(rule):
    async with world(admin_recordings=rule) as (sim, source):
        got = await download_all(source, recordings_of(await calls_of(source)))
        for (kind, _), result in got.items():
            assert (result is SourceKindDenied) == (kind is RecordingKind.ADMIN)
        assert SourceKindDenied in got.values()
        assert sim.meter.key_in_query == {}, "the key is not put into an address, not even where that would open the door"


async def test_without_details_the_calls_are_listed_all_the_same():
    async with world(list_details="none") as (_, source):
        calls = await calls_of(source)
        assert recordings_of(calls) == {}
        assert any(call.was_recorded for call in calls.values())


async def test_a_target_or_office_listing_returns_calls_of_that_scope_only():
    async with world() as (sim, source):
        everything = await calls_of(source)
        company = sim.world.first
        for kind, one in (
            (ScopeKind.CONTACT_CENTER, company.centers[0]),
            (ScopeKind.COACHING_TEAM, company.teams[0]),
            (ScopeKind.OFFICE, company.offices[0]),
        ):
            part = await calls_of(source, Scope(kind, str(one.id)))
            assert 0 < len(part) < len(everything)
            assert set(part) < set(everything)


@pytest.mark.parametrize("page", [2, 100])
async def test_the_directory_is_the_worlds(page):
    async with world(directory_page=page) as (sim, source):
        found, company = await source.directory(), sim.world.first
        assert found.company.id == str(company.id)
        assert {(one.id, one.name, one.timezone) for one in found.offices} == {(str(o.id), o.name, o.timezone) for o in company.offices}
        centers = {(one.id, one.name, one.office_id) for one in found.targets if one.kind is TargetKind.CONTACT_CENTER}
        assert centers == {(str(one.id), one.name, str(one.office.id)) for one in company.centers}
        assert all(one.timezone for one in found.targets)
        assert {one.id for one in found.users} == {str(user.id) for user in company.users}
        assert found.members == {str(team.id): tuple(str(user.id) for user in team.trainees) for team in company.teams}
        assert [one.is_super_admin for one in found.users].count(True) == 1


async def test_audio_on_another_host_needs_that_host_allowed_and_never_gets_the_key():
    async with world(blob_host="other") as (sim, source):
        assert set((await download_all(source, recordings_of(await calls_of(source)))).values()) == {SourceRedirectBlocked}
    async with world(blob_host="other", hosts=["localhost"]) as (sim, source):
        got = await download_all(source, recordings_of(await calls_of(source)))
        assert got == {identity: one["sha256"] for identity, one in known(sim).items()}
        assert sim.meter.key_to_other_host == 0


@pytest.mark.parametrize(("error", "failure"), [("403", SourceScopeMissing), ("401", SourceKeyRefused)])
async def test_a_missing_scope_is_told(error, failure):
    async with world(scope_error=error) as (sim, source):
        sim.keys.find(sim.key).scopes = frozenset({"recordings_export"})
        with pytest.raises(failure):
            await calls_of(source)


async def test_a_key_that_nobody_knows_is_refused():
    async with world(key="nobody") as (_, source):
        with pytest.raises(SourceKeyRefused):
            await source.directory()


@pytest.mark.parametrize(("counts", "charge", "recordings"), [("first", MediaCharge.ONE, 60), ("all", MediaCharge.EACH, 20)])
async def test_the_paced_source_stays_within_the_limit_of_the_server_whatever_it_counts(counts, charge, recordings):
    loop = asyncio.get_running_loop()
    reserver = LocalReserver(30, loop.time)
    slots = SlotPacer(reserver.reserve, pause=reserver.pause, clock=loop.time)
    spec = replace(SPEC, recordings=recordings)
    async with world(spec, slots=slots, sleep=asyncio.sleep, charge=charge, limit_per_second=30, media_counts=counts) as (sim, source):
        listed = recordings_of(await calls_of(source))
        got = await download_all(source, listed)
        assert got == {identity: one["sha256"] for identity, one in known(sim).items()}
        meter = sim.meter.company(company_of(sim))
        assert meter.statuses[429] == 0


@pytest.mark.parametrize("retry_after", ["seconds", "none"])
async def test_a_source_that_is_throttled_slows_down_and_loses_nothing(retry_after):
    loop = asyncio.get_running_loop()
    spec = replace(SPEC, recordings=12, days=20)
    slots = UnpacedSlots(loop.time)
    limits = {"limit_per_second": 10, "media_counts": "first", "retry_after": retry_after}
    async with world(spec, slots=slots, sleep=asyncio.sleep, **limits) as (sim, source):
        got = await download_all(source, recordings_of(await calls_of(source)))
        assert got == {identity: one["sha256"] for identity, one in known(sim).items()}
        assert sim.meter.company(company_of(sim)).statuses[429] > 0


async def test_recordings_past_the_access_window_are_denied_or_absent():
    async with world(recording_access_days=30, old_recordings="denied") as (sim, source):
        got = await download_all(source, recordings_of(await calls_of(source)))
        old = {
            (RecordingKind(one["kind"]), str(one["id"]))
            for one in truth(sim, company_of(sim))
            if one["call_started"] < NOW_MS - 30 * 86_400_000
        }
        assert {identity for identity, result in got.items() if result is SourceKindDenied} == old
        assert old
    async with world(recording_access_days=30, old_recordings="absent") as (_, source):
        got = await download_all(source, recordings_of(await calls_of(source)))
        assert SourceKindDenied not in got.values()


async def test_a_recording_that_was_deleted_after_it_was_listed_is_not_ready():
    async with world() as (sim, source):
        recordings = recordings_of(await calls_of(source))
        gone = next(iter(recordings))
        sim.world.recordings[int(gone[1])].deleted = True
        got = await download_all(source, recordings)
        assert [identity for identity, result in got.items() if result is RecordingNotReady] == [gone]


FAULTS = [
    ("media_blob", {"kind": "truncate"}, RecordingTruncated),
    ("media", {"kind": "login"}, SourceKindDenied),
    ("media", {"kind": "html"}, SourceKindDenied),
    ("media", {"kind": "status", "status": 404}, RecordingNotReady),
    ("media_blob", {"kind": "redirect", "to": "https://evil.example/x"}, SourceRedirectBlocked),
    ("media_blob", {"kind": "endless", "rate": 50_000_000}, RecordingTooLarge),
    ("calls", {"kind": "half_json"}, SourceAnswerMalformed),
    ("calls", {"kind": "cursor_loop"}, SourceCursorLooped),
    ("calls", {"kind": "html"}, SourceAnswerMalformed),
]


@pytest.mark.parametrize(("endpoint", "action", "failure"), FAULTS, ids=lambda one: str(one))
async def test_a_fault_of_the_simulator_is_the_failure_that_it_stands_for(endpoint, action, failure):
    async with world(faults=[{"endpoint": endpoint, "action": action}]) as (sim, source):
        if endpoint == "calls":
            with pytest.raises(failure):
                await calls_of(source)
            return
        one = next(one for one in truth(sim, company_of(sim)) if one["kind"] == "callrecording")
        with pytest.raises(failure):
            async with source.open(RecordingKind.CALL, str(one["id"]), "") as download:
                async for _piece in download.chunks(2_000_000):
                    pass


async def test_faults_that_pass_are_overcome():
    faults = [
        {"endpoint": "calls", "nth": 1, "action": {"kind": "status", "status": 503}},
        {"endpoint": "calls", "nth": 2, "action": {"kind": "drop"}},
        {"endpoint": "media*", "nth": [1, 5], "action": {"kind": "drop"}},
        {"endpoint": "media", "nth": [6, 9], "action": {"kind": "status", "status": 429, "headers": {"Retry-After": "2"}}},
    ]
    async with world(faults=faults, limits=replace(QUICK, tries=8)) as (sim, source):
        got = await download_all(source, recordings_of(await calls_of(source)))
        assert got == {identity: one["sha256"] for identity, one in known(sim).items()}


async def test_one_download_costs_one_slot_by_default():
    slots = Slots()
    async with world(slots=slots) as (_, source):
        recordings = recordings_of(await calls_of(source))
        before = slots.taken
        await download_all(source, recordings)
        # On a busy machine a connection may close under a request, which is sent again for another slot.
        assert len(recordings) <= slots.taken - before < 1.2 * len(recordings)
