"""A login page for the only recordings there are to try: told once and probed ever more rarely, instead of asked for every minute."""

from rokuon.domain.failures import HoldOn, SourceKindDenied
from rokuon.domain.recording import RecordingKind
from tests.backup.scripted import Bench, Clip, work


async def test_a_kind_of_which_nothing_arrives_is_held_also_by_a_single_denial(bench: Bench) -> None:
    bench.source.script(1, Clip(error=SourceKindDenied()))
    await bench.pool_tries(work(1, kind=RecordingKind.ADMIN), work(2))
    assert bench.ledger.opened == [(HoldOn.KIND, "admincallrecording", "source_kind_denied")]
    assert not bench.ledger.outcome(1).spent


async def test_a_kind_of_which_another_arrives_afterwards_is_not(bench: Bench) -> None:
    bench.source.script(1, Clip(error=SourceKindDenied()))
    await bench.pool_tries(work(1), work(2))
    assert bench.ledger.opened == []


async def test_a_denial_of_what_has_left_the_access_window_stops_no_other_recording(bench: Bench) -> None:
    bench.source.script(1, Clip(error=SourceKindDenied()))
    bench.ledger.left = {1}
    await bench.pool_tries(work(1))
    assert bench.ledger.opened == []
    assert (bench.ledger.outcome(1).spent, bench.ledger.outcome(1).reason) == (True, "recording_forbidden")
