"""Whoever may write in the bucket changes it; the verifier says what was done. The table of docs/design/custody.md, row by row."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from .rig import FINDINGS, NOT_PROVEN, PROVEN, WRONG_INPUT, filled, plain, verify
from .writer import BILLING, SALES, Bucket, Key, canonical, sha256

Attack = Callable[[Bucket], object]


def audio(bucket: Bucket, place: int = 0) -> Path:
    return sorted(bucket.top.glob("Billing/*/*.mp3"))[place]


def alter(bucket: Bucket) -> None:
    data = audio(bucket).read_bytes()
    audio(bucket).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def shorten(bucket: Bucket) -> None:
    audio(bucket).write_bytes(audio(bucket).read_bytes()[:-1])


def swap(bucket: Bucket) -> None:
    one, other = audio(bucket, 0), audio(bucket, 1)
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


def add(bucket: Bucket) -> None:
    audio(bucket).with_name("Eve - 5211999999 - 6311999999.mp3").write_bytes(b"planted")


def rename(bucket: Bucket) -> None:
    audio(bucket).rename(audio(bucket).with_name("Eve - 5211000001 - 6311000001.mp3"))


def link(bucket: Bucket) -> None:
    body = bucket.root / "elsewhere.mp3"
    audio(bucket).rename(body)
    audio_path = bucket.top / "Billing/2026-10-30" / "Aiko - Sato - 5211000001 - 6311000001.mp3"
    audio_path.symlink_to(body)


def noise(bucket: Bucket) -> Path:
    return next(bucket.top.glob(".rokuon-aside/*/*/*"))


def exchange_seals(bucket: Bucket) -> None:
    one, other = bucket.seal(2), bucket.seal(3)
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


def exchange_issues(bucket: Bucket) -> None:
    one, other = bucket.seal(2).parent, bucket.seal(3).parent
    one.rename(one.with_name("x"))
    other.rename(one)
    one.with_name("x").rename(other)


def renumber(bucket: Bucket) -> None:
    shutil.rmtree(bucket.seal(3).parent)
    bucket.seal(4).parent.rename(bucket.seal(3).parent)


def append_to(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\n")


def another_bucket(bucket: Bucket) -> None:
    """Its seal 4 comes from another bucket of the same company."""
    other = filled(bucket.root / "other", key=bucket.key, bucket="gs://acme-other")
    bucket.seal(4).write_bytes(other.seal(4).read_bytes())
    shutil.rmtree(other.root)


def another_chain(bucket: Bucket) -> None:
    other = filled(bucket.root / "other", key=bucket.key, chain="00000000000000aa")
    bucket.seal(4).write_bytes(other.seal(4).read_bytes())
    shutil.rmtree(other.root)


def whole_chain_of_another_bucket(bucket: Bucket) -> None:
    other = filled(bucket.root / "other", key=bucket.key, chain="00000000000000aa", bucket="gs://acme-other")
    shutil.move(other.custody / other.chain, bucket.custody / other.chain)
    shutil.rmtree(other.root)


def forge(bucket: Bucket) -> None:
    """Everything is signed anew with a key of the attacker, after a recording was removed."""
    trusted = bucket.key
    shutil.rmtree(bucket.root)
    forged = filled(bucket.root, key=Key(66))
    bucket.__dict__.update(forged.__dict__)
    bucket.key = trusted


def forge_head(bucket: Bucket) -> None:
    bucket.number = 4
    bucket.head = {"issue": 4, "sha256": sha256(bucket.seal(4).read_bytes())}
    mine, bucket.key = bucket.key, Key(66)
    bucket.issue()
    bucket.key = mine


def resign_seal(bucket: Bucket) -> None:
    """A seal is signed anew by the attacker, with the name of the company's key in it."""
    line = bucket.seal(4).read_bytes().partition(b"\n")[0] + b"\n"
    bucket.seal(4).write_bytes(line + Key(66).armor(line))


def add_a_forged_chain(bucket: Bucket) -> None:
    """The attacker plants a recording, and a chain of his own that lists it."""
    forged = Bucket(bucket.root, key=Key(66), chain="ffffffffffffffff")
    forged.counter = 900
    forged.copy("2026-10-30")
    forged.issue()


def double_key(bucket: Bucket) -> None:
    """Signed with the right key, as a broken writer might: two values for one name, of which readers take different ones."""
    line = bucket.seal(4).read_bytes().partition(b"\n")[0].replace(b'{"at":', b'{"at":"2026-11-04T17:00:00Z","at":') + b"\n"
    bucket.seal(4).write_bytes(line + bucket.key.armor(line))


def edit_manifest(bucket: Bucket) -> None:
    path = bucket.manifest(4)
    path.write_bytes(path.read_bytes().replace(b'"state":"verified"', b'"state":"excluded"', 1))


def reorder_manifest(bucket: Bucket) -> None:
    path = bucket.manifest(1)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:-2], lines[-1], lines[-2]]))


ATTACKS: dict[str, tuple[Attack, str]] = {
    "a bit of audio is flipped": (alter, "changed"),
    "audio is cut": (shorten, "changed"),
    "audio is emptied": (lambda bucket: audio(bucket).write_bytes(b""), "changed"),
    "two recordings are swapped": (swap, "changed"),
    "audio is removed": (lambda bucket: audio(bucket).unlink(), "missing"),
    "a folder is removed": (lambda bucket: shutil.rmtree(bucket.top / "Billing"), "missing"),
    "audio is added": (add, "extra"),
    "audio is added with a strange name": (lambda bucket: (bucket.top / "Billing" / "x\x1b[2J.mp3").write_bytes(b"x"), "extra"),
    "audio is renamed": (rename, "renamed"),
    "audio is replaced by a link": (link, "changed"),
    "what was kept aside is changed": (lambda bucket: noise(bucket).write_bytes(b"music"), "changed"),
    "what was kept aside is removed": (lambda bucket: noise(bucket).unlink(), "missing"),
    "something is added to what was kept aside": (lambda bucket: noise(bucket).with_name("y").write_bytes(b"y"), "extra"),
    "a manifest is removed": (lambda bucket: bucket.manifest(4).unlink(), "custody_missing"),
    "a superseded manifest is removed without a receipt": (lambda bucket: bucket.manifest(1, SALES).unlink(), "custody_missing"),
    "a manifest is edited": (edit_manifest, "custody_altered"),
    "the lines of a manifest change places": (reorder_manifest, "custody_altered"),
    "a byte is appended to a manifest": (lambda bucket: append_to(bucket.manifest(1)), "custody_altered"),
    "the first seal is removed": (lambda bucket: bucket.seal(1).unlink(), "seal_missing"),
    "the first issue is removed": (lambda bucket: shutil.rmtree(bucket.seal(1).parent), "seal_missing"),
    "a seal is removed": (lambda bucket: bucket.seal(2).unlink(), "seal_missing"),
    "two seals in a row are removed": (lambda bucket: (bucket.seal(2).unlink(), bucket.seal(3).unlink()), "seal_missing"),
    "two whole issues are removed": (lambda bucket: [shutil.rmtree(bucket.seal(n).parent) for n in (2, 3)], "seal_missing"),
    "an issue is removed and the next takes its number": (renumber, "seal_misplaced"),
    "two seals are exchanged": (exchange_seals, "seal_misplaced"),
    "two issues are exchanged": (exchange_issues, "seal_misplaced"),
    "a seal comes from another bucket": (another_bucket, "chain_broken"),
    "a seal comes from another chain": (another_chain, "seal_misplaced"),
    "a chain comes from another bucket": (whole_chain_of_another_bucket, "seal_misplaced"),
    "a byte is appended to a seal": (lambda bucket: append_to(bucket.seal(2)), "seal_altered"),
    "a byte is appended to the last seal": (lambda bucket: append_to(bucket.seal(4)), "seal_altered"),
    "a seal is signed anew with another key": (resign_seal, "seal_misplaced"),
    "everything is signed anew with another key": (forge, "untrusted"),
    "a seal by another key follows": (forge_head, "key_changed"),
    "a chain by another key is added": (add_a_forged_chain, "untrusted"),
    "a seal has a JSON key twice": (double_key, "seal_malformed"),
    "all custody files are removed": (lambda bucket: shutil.rmtree(bucket.custody / bucket.chain), "seal_missing"),
    "a public key is exchanged": (lambda bucket: next(bucket.custody.glob("keys/*")).write_text(Key(66).line + "\n"), "custody_altered"),
    "a public key is removed": (lambda bucket: next(bucket.custody.glob("keys/*")).unlink(), "custody_missing"),
    "the README is edited": (lambda bucket: append_to(bucket.custody / "README.txt"), "custody_altered"),
    "the README is removed": (lambda bucket: (bucket.custody / "README.txt").unlink(), "custody_missing"),
    "a verifier is put among the custody files": (
        lambda bucket: (bucket.custody / "rokuon_verify.py").write_text("exit(0)"),
        "custody_extra",
    ),
    "a file is put into an issue": (lambda bucket: bucket.seal(2).with_name("note.txt").write_text("x"), "custody_extra"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_found_and_named(name: str, outer: Path) -> None:
    attack, code = ATTACKS[name]
    bucket = filled(outer)
    attack(bucket)
    answer = verify(bucket)
    assert (answer.code, code in answer.findings) == (FINDINGS, True), answer.said


def test_an_untouched_bucket_is_proven(outer: Path) -> None:
    answer = verify(filled(outer))
    assert (answer.code, answer.findings, answer.notes) == (PROVEN, set(), set())


def test_without_a_trusted_key_nothing_is_proven(outer: Path) -> None:
    answer = verify(filled(outer), trust=False)
    assert (answer.code, answer.findings) == (NOT_PROVEN, set())


def test_a_forgery_is_not_noticed_by_those_who_take_the_key_from_the_bucket_and_not_called_proven(outer: Path) -> None:
    bucket = filled(outer)
    forge(bucket)
    answer = verify(bucket, trust=False)
    assert (answer.code, answer.findings) == (NOT_PROVEN, set())


def cut(bucket: Bucket) -> None:
    """The last issue and the recording that it listed are gone: the bucket as it was a day before."""
    late = bucket.object(bucket.days[BILLING, "2026-10-30"].lines[-1])
    late.unlink()
    shutil.rmtree(bucket.seal(4).parent)


def test_a_cut_tail_shows_when_the_next_seal_is_due(outer: Path) -> None:
    bucket = filled(outer)
    cut(bucket)
    answer = verify(bucket)
    assert (answer.code, answer.findings, answer.notes) == (NOT_PROVEN, set(), {"stale"})


def test_a_cut_tail_is_not_seen_before_the_next_seal_is_due_but_by_those_who_remember_the_head(outer: Path) -> None:
    bucket = filled(outer)
    remembered = f"4:{sha256(bucket.seal(4).read_bytes())}"
    assert verify(bucket, "--head", remembered).code == PROVEN
    cut(bucket)
    early = "2026-11-03T18:00:00Z"
    assert verify(bucket, now=early).code == PROVEN
    answer = verify(bucket, "--head", remembered, now=early)
    assert (answer.code, answer.findings) == (FINDINGS, {"head_differs"})


def test_a_head_of_another_seal_is_a_finding(outer: Path) -> None:
    bucket = filled(outer)
    assert verify(bucket, "--head", "4:" + "0" * 64).findings == {"head_differs"}


def test_a_recording_of_today_without_a_seal_is_named_and_not_a_finding(outer: Path) -> None:
    bucket = filled(outer)
    today = bucket.top / "Billing" / "2026-11-04" / "x - 1 - 2.mp3"
    today.parent.mkdir()
    today.write_bytes(b"x")
    answer = verify(bucket)
    assert (answer.code, answer.notes) == (PROVEN, {"unsealed"})


# What only the holder of the signing key can do: statements that contradict each other.


def test_totals_that_are_not_the_sum_of_the_days_are_a_finding(outer: Path) -> None:
    bucket = filled(outer)
    bucket.issue(sums={"verified": -1})
    assert verify(bucket).findings == {"totals_differ"}


def test_a_day_that_does_not_add_up_is_a_finding(outer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = filled(outer)
    honest = bucket.certificate

    def lying(target: str, day: str) -> dict[str, object]:
        record = honest(target, day)
        return record | {"open": record["open"] + 1, "explained": record["explained"] - 1}

    monkeypatch.setattr(bucket, "certificate", lying)
    bucket.copy("2026-10-31")
    bucket.issue()
    assert verify(bucket).findings == {"sums_differ", "totals_differ"}


def test_a_verdict_that_hides_what_is_open_is_a_finding(outer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = filled(outer)
    honest = bucket.certificate
    monkeypatch.setattr(bucket, "certificate", lambda target, day: honest(target, day) | {"verdict": "complete"})
    bucket.other("2026-10-31", "pending")
    bucket.issue()
    assert verify(bucket).findings == {"sums_differ"}


def test_a_revision_that_does_not_grow_is_a_finding(outer: Path) -> None:
    bucket = filled(outer)
    bucket.copy("2026-10-31")
    bucket.days[BILLING, "2026-10-31"].revision = 0
    bucket.issue()
    assert verify(bucket).findings == {"revision_differs"}


def test_two_lines_for_one_recording_are_a_finding(outer: Path) -> None:
    bucket = filled(outer)
    bucket.day(BILLING, "2026-10-31").lines.append(dict(bucket.days[BILLING, "2026-10-30"].lines[0]))
    bucket.issue()
    assert verify(bucket).findings == {"double"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"next_by": "2027-01-01T00:00:00Z"}, "seal_malformed"),
        ({"next_by": None}, "seal_malformed"),
        ({"at": "2026-11-01T00:00:00Z", "next_by": "2026-11-02T00:00:00Z"}, "chain_broken"),
        ({"at": "2027-11-01T00:00:00Z", "next_by": "2027-11-02T00:00:00Z"}, "seal_future"),
        ({"at": "2026-13-01T00:00:00Z"}, "seal_malformed"),
        ({"installation": "b2"}, "seal_misplaced"),
        ({"company": "6a"}, "seal_misplaced"),
        ({"previous": None}, "chain_broken"),
        ({"previous": {"issue": 3, "sha256": "0" * 64}}, "chain_broken"),
        ({"previous": {"issue": 4, "sha256": "0" * 64}}, "chain_broken"),
        ({"files": [{"bytes": 1, "kind": "manifest", "path": "../../../etc/passwd", "sha256": "0" * 64}]}, "seal_malformed"),
        ({"files": None}, "seal_malformed"),
        ({"totals": {"bytes": 1}}, "seal_malformed"),
        ({"rotate": {"to": "ssh-rsa AAAA"}}, "seal_malformed"),
        ({"format": "rokuon-manifest/1"}, "seal_malformed"),
    ],
)
def test_a_signed_seal_that_breaks_the_format_is_a_finding(change: dict[str, object], code: str, outer: Path) -> None:
    bucket = filled(outer)
    bucket.issue(**change)
    answer = verify(bucket)
    assert (answer.code, code in answer.findings) == (FINDINGS, True), answer.said


@pytest.mark.parametrize(
    "broken", [b"", b"[]\n", b"{}\n", b'{"a":1.5}\n', b"\xff\n", b"{" * 5000 + b"\n", b'{"day":"2026-02-30"}\n', b'{"x":1}']
)
def test_a_signed_manifest_that_breaks_the_format_is_a_finding(broken: bytes, outer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = filled(outer)
    honest = bucket._file
    monkeypatch.setattr(bucket, "_file", lambda stem, data, **entry: honest(stem, data[: data.index(b"\n") + 1] + broken, **entry))
    bucket.copy("2026-10-31")
    bucket.issue()
    add(bucket)
    answer = verify(bucket)
    assert (answer.code, answer.findings >= {"custody_malformed", "extra"}) == (FINDINGS, True)


def test_a_jump_in_the_numbers_is_a_finding_however_far(outer: Path) -> None:
    bucket = filled(outer)
    bucket.number = 20_000_000
    bucket.issue(previous={"issue": 20_000_000, "sha256": "0" * 64})
    assert verify(bucket).findings == {"seal_missing"}


def test_a_fault_of_the_verifier_itself_is_not_called_a_finding(outer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = filled(outer)
    monkeypatch.setattr("rokuon.custody.rokuon_verify.Seals.read", lambda _self: 1 / 0)
    answer = verify(bucket)
    assert (answer.code, "ZeroDivisionError" in answer.error) == (WRONG_INPUT, True)


def test_a_format_of_a_later_version_is_refused_with_advice(outer: Path) -> None:
    bucket = filled(outer)
    bucket.issue(format="rokuon-seal/2")
    answer = verify(bucket)
    assert (answer.code, "newer Rokuon" in answer.error) == (WRONG_INPUT, True)


def test_keys_that_the_verifier_does_not_know_are_passed_over(outer: Path) -> None:
    bucket = filled(outer)
    bucket.issue(drill={"bad": 0}, inventory={"pass": 17}, audit={"entries": 1, "head": "0" * 64}, unheard_of=[{"of": True}])
    assert verify(bucket).code == PROVEN


def test_a_name_that_would_steer_a_terminal_is_printed_escaped(outer: Path) -> None:
    bucket = filled(outer)
    (bucket.top / "Billing" / "x\x1b[2J\u202e.mp3").write_bytes(b"x")
    _code, out, _err = plain(bucket.root, "--now", bucket.now)
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert r"x\x1b[2J\u202e.mp3" in out


def test_lines_are_canonical_as_the_format_says() -> None:
    assert canonical({"b": '録/\u001f"', "a": 1}) == '{"a":1,"b":"録/\\u001f\\""}\n'.encode()
