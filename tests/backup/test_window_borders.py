"""One window's work where it is easy to lose something: at its borders, and where one lookup keeps failing."""

from rokuon.backup.discover import TargetPlan, Targets
from rokuon.backup.window import JobContext, JobEnd, work_on_due, work_on_window
from rokuon.domain.copies import State
from rokuon.domain.failures import SourceAnswerMalformed, SourceKeyRefused
from rokuon.domain.ports import TimeRange
from rokuon.domain.recording import COMPANY_SCOPE, ListedCall, ListedRecording, ListingPage, Party, RecordingKind, Scope, ScopeKind
from tests.audio import length_ms
from tests.backup.scripted import NOT_READY, NOW_MS, Bench, listing, work

MINUTE = 60_000
CENTER = Scope(ScopeKind.CONTACT_CENTER, "11")
TARGETS = Targets({CENTER: TargetPlan(1, 1, "Sales", "")}, {}, voicemail=False)
BORDER_MS = NOW_MS - 86_400_000
OLDER = TimeRange(BORDER_MS - 86_400_000, BORDER_MS)
NEWER = TimeRange(BORDER_MS, BORDER_MS + 86_400_000)


def job(bench: Bench) -> JobContext:
    return JobContext(bench.context, bench.open_store, bench.ledger, lambda: NOW_MS, lambda: False)


async def list_both(bench: Bench, *calls: ListedCall) -> dict[str, str]:
    """The agent of each recording after both windows were worked on."""
    bench.source.pages_of = listing(calls)
    for window in (NEWER, OLDER):
        assert await work_on_window(job(bench), COMPANY_SCOPE, window, window.before_ms, TARGETS) is JobEnd.DONE
    return {copy.recording_id: copy.agent for copy in bench.ledger.copies}


def conversation(waited_ms: int) -> list[ListedCall]:
    """A caller waits in a queue, across midnight; the agent's leg names the center's only by its id."""
    recording = ListedRecording(RecordingKind.ADMIN, "r2", "https://dialpad.example/r/r2", None, length_ms())
    own = ListedRecording(RecordingKind.CALL, "r1", "https://dialpad.example/r/r1", None, length_ms())
    started = BORDER_MS - MINUTE
    center = Party("callcenter", "11", "Sales")
    return [
        ListedCall("1", started, None, True, center, operator_call_id="2", recordings=(own,)),
        ListedCall("2", started + waited_ms, None, True, Party("user", "5", "Ann"), entry_point_call_id="1", recordings=(recording,)),
    ]


async def test_a_conversation_across_a_border_is_whole_however_long_the_caller_waited(bench: Bench) -> None:
    assert await list_both(bench, *conversation(10 * MINUTE)) == {"r1": "Ann", "r2": "Ann"}


async def test_also_after_an_hour_in_the_queue(bench: Bench) -> None:
    assert await list_both(bench, *conversation(60 * MINUTE)) == {"r1": "Ann", "r2": "Ann"}


async def test_a_copy_that_cannot_be_looked_up_again_does_not_keep_the_others_waiting(bench: Bench) -> None:
    bench.source.pages_of = lambda scope, wanted: [SourceAnswerMalformed("odd")]
    bench.source.script(1, NOT_READY)
    bench.ledger.add(work(1, negatives=1, tries=1), work(2))
    assert await work_on_due(job(bench)) is JobEnd.DONE
    assert bench.ledger.states() == {"pending": 1, "verified": 1}


async def test_a_recording_is_not_called_gone_while_the_listing_does_not_answer(bench: Bench) -> None:
    bench.source.pages_of = lambda scope, wanted: [SourceAnswerMalformed("odd")]
    bench.source.script(1, NOT_READY)
    bench.ledger.add(work(1, negatives=5, tries=5, first_negative_ms=NOW_MS - 3 * 86_400_000))
    await work_on_due(job(bench))
    assert bench.ledger.outcome(1).state is State.FAILED


async def test_a_refused_key_stops_the_looking_up(bench: Bench) -> None:
    bench.source.pages_of = lambda scope, wanted: [SourceKeyRefused("401")]
    bench.ledger.add(work(1, negatives=1, tries=1), work(2))
    try:
        await work_on_due(job(bench))
    except SourceKeyRefused:
        return
    raise AssertionError("nothing was raised")


async def test_a_recording_that_is_listed_without_an_address_is_still_listed(bench: Bench) -> None:
    one = work(1, negatives=5, tries=5, first_negative_ms=NOW_MS - 3 * 86_400_000)
    entry = ListedRecording(RecordingKind.CALL, "r1", "", None, length_ms())
    bench.source.pages_of = lambda scope, wanted: [
        ListingPage((ListedCall("c1", one.started_ms, None, True, None, recordings=(entry,)),), last=True)
    ]
    bench.source.script(1, NOT_READY)
    bench.ledger.add(one)
    await work_on_due(job(bench))
    assert bench.ledger.outcome(1).state is State.FAILED
