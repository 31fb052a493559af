"""Back up now from an empty bucket to a complete, proven one, over HTTP, judged by a checker that shares no code with Rokuon."""

from collections import Counter

from rokuon.ledger.models import Copy
from tests.e2e.conftest import MakeRig
from tests.e2e.rig import small_world


def test_every_recording_is_in_the_bucket_once_under_the_articles_name_and_nothing_else_is(rig_of: MakeRig) -> None:
    rig = rig_of()
    progress = rig.back_up_now()
    assert progress.run.state == "finished"
    rig.check()
    assert rig.states()["verified"] > 25


def test_a_second_run_asks_for_no_audio_and_lists_no_sealed_day(rig_of: MakeRig) -> None:
    rig = rig_of(world=small_world(days=400, recordings=60))
    rig.back_up_now()
    before, pages = rig.objects(), rig.list_pages()
    rig.sim.meter.reset()
    assert rig.back_up_now().run.state == "finished"
    assert rig.audio_requests() == 0
    assert 0 < rig.list_pages() <= 3 < pages, "the open 36 days, and no sealed one"
    assert rig.objects() == before
    rig.check()


def test_a_recording_of_a_center_and_a_team_is_fetched_once_for_both(rig_of: MakeRig) -> None:
    rig = rig_of(world=small_world(recordings=60))
    rig.back_up_now()
    rig.check()
    recordings = Counter(Copy.objects.filter(state="verified").values_list("recording__recording_id", flat=True))
    asked = rig.sim.meter.company(rig.sim.company.id).audio_requests
    assert max(recordings.values()) == 2
    assert {int(one) for one in recordings} == {one for one, times in asked.items() if times}
    assert sum(asked.values()) == len(recordings) < sum(recordings.values())
