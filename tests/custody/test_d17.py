"""Row D17: a person deletes or replaces recordings in the bucket. A drill finds what it draws, and the verifier finds each one."""

import json

from rokuon.accounts.audit import COMMAND_LINE
from rokuon.actions import drills as actions
from rokuon.actions.bucket_restart import restart_bucket
from rokuon.custody.models import SigningKey
from rokuon.jobs import queue
from rokuon.ledger import drills
from rokuon.ledger.drills import Lot
from rokuon.ledger.models import Copy
from rokuon.org.models import Bucket
from rokuon.wiring.drill import read_sample
from tests.custody.backed_up import backed_up, seal
from tests.custody.rig import FINDINGS, PROVEN
from tests.custody.shipped import prove
from tests.e2e.conftest import MakeRig, rig_of
from tests.e2e.rig import Rig

__all__ = ["rig_of"]

ALL = Lot("all of them", 999_999, 1)


def drilled(rig: Rig) -> dict[int, str]:
    """Read every recording back; return the reasons of the bad ones by copy."""
    bucket = Bucket.objects.select_related("company").get()
    drill = actions.begin_drill(bucket, ALL, None, COMMAND_LINE, rig.clock())
    read_sample(rig.installation, drill, lambda now: None)
    ended = actions.end_drill(bucket, drill, COMMAND_LINE, rig.clock())
    assert ended is not None
    assert ended.read == ended.population
    return {one.copy_id: one.result for one in drills.bad_ones(ended.pk, 9)}


def verified(rig: Rig) -> tuple[int, dict[tuple[str, str], str]]:
    """Run the verifier; return exit code and the codes of findings by recording."""
    now = f"{rig.clock():%Y-%m-%dT%H:%M:%SZ}"
    code, said = prove(rig.bucket_folder(), SigningKey.objects.get().public, "--now", now, "--json")
    found = [one for one in map(json.loads, said.splitlines()) if one["type"] == "finding"]
    return code, {(one["folder"], one["recording"]): one["code"] for one in found}


def test_d17_what_a_person_deleted_or_replaced_is_found_by_a_drill_and_by_the_verifier_and_put_back_by_a_person(rig_of: MakeRig) -> None:
    rig = backed_up(rig_of)
    seal(rig)
    assert (drilled(rig), verified(rig)) == ({}, (PROVEN, {}))
    gone, other = Copy.objects.select_related("recording", "target").filter(state="verified").order_by("pk")[:2]
    file = {one.pk: rig.bucket_folder() / one.key for one in (gone, other)}
    kept = {pk: path.read_bytes() for pk, path in file.items()}
    file[gone.pk].unlink()
    file[other.pk].write_bytes(b"something else")
    named = {(one.target.folder, one.recording.recording_id): code for one, code in ((gone, "missing"), (other, "changed"))}
    assert drilled(rig) == {gone.pk: "object_missing", other.pk: "object_differs"}
    assert verified(rig) == (FINDINGS, named)
    asked = rig.audio_requests()
    rig.back_up_now()
    assert not file[gone.pk].exists(), "nothing is stored again unless a person asks for it"
    assert rig.audio_requests() == asked
    bucket = Bucket.objects.select_related("company").get()
    restarted = restart_bucket(rig.installation, bucket, queue, COMMAND_LINE, rig.clock(), "somebody deleted recordings")
    assert restarted.missing == 2
    rig.back_up_now()
    assert file[gone.pk].read_bytes() == kept[gone.pk], "asked for, it is stored again"
    other.refresh_from_db()
    assert (other.state, file[other.pk].read_bytes()) == ("failed", b"something else"), "nothing is ever replaced"
    file[other.pk].write_bytes(kept[other.pk])
    rig.back_up_now()
    rig.pass_time()
    seal(rig)
    assert (drilled(rig), verified(rig)[0]) == ({}, PROVEN)
