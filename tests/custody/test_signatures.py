"""The verifier's arithmetic agrees with RFC 8032, with `cryptography` and with OpenSSH."""

import base64
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from rokuon.custody.rokuon_verify import ORDER, Bad, P, key_of_line, opened, signed_by

from .rig import filled
from .writer import BILLING, Key, sha256

RFC_8032 = [  # 7.1: public key, message, signature
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    (
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ),
]


EIGHTH = 2707385501144840649318225287225658788936804267575313519463743609750303021957
SMALL = [0, 1, P - 1, EIGHTH, P - EIGHTH, P, P + 1]
"""Points of a small order, and numbers that stand for them in a form that is not canonical."""


def reference(key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


@pytest.mark.parametrize(("key", "message", "signature"), RFC_8032)
def test_the_vectors_of_the_rfc_are_accepted_and_their_changes_refused(key: str, message: str, signature: str) -> None:
    a, m, s = (bytes.fromhex(one) for one in (key, message, signature))
    assert signed_by(a, m, s)
    assert not signed_by(a, m + b"\0", s)
    assert not signed_by(a, m, s[:5] + bytes([s[5] ^ 1]) + s[6:])
    assert not signed_by(Key(5).public, m, s)


@given(st.integers(1, 255), st.binary(max_size=80), st.integers(0, 511))
def test_random_signatures_agree_with_cryptography(seed: int, message: bytes, bit: int) -> None:
    key = Key(seed)
    signature = bytearray(key.private.sign(message))
    assert signed_by(key.public, message, bytes(signature))
    signature[bit // 8] ^= 1 << bit % 8
    assert not signed_by(key.public, message, bytes(signature))
    assert not reference(key.public, message, bytes(signature))


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=8), st.binary(min_size=64, max_size=64))
def test_what_is_no_key_or_no_signature_is_refused(key: bytes, message: bytes, signature: bytes) -> None:
    """`cryptography` accepts some of these, with keys of a small order only."""
    assert not signed_by(key, message, signature)
    if reference(key, message, signature):
        assert int.from_bytes(key, "little") & (2**255 - 1) in SMALL


def test_a_scalar_above_the_order_is_refused_although_it_means_the_same() -> None:
    key, message = Key(), b"x"
    signature = key.private.sign(message)
    more = signature[:32] + (int.from_bytes(signature[32:], "little") + ORDER).to_bytes(32, "little")
    assert not signed_by(key.public, message, more)
    assert not reference(key.public, message, more)


@pytest.mark.parametrize(("key_bytes", "signature_bytes"), [(31, 64), (33, 64), (0, 64), (32, 63), (32, 65), (32, 0)])
def test_wrong_lengths_are_refused(key_bytes: int, signature_bytes: int) -> None:
    key, signature = (Key().public * 2)[:key_bytes], (Key().private.sign(b"x") * 2)[:signature_bytes]
    assert not signed_by(key, b"x", signature)
    assert not reference(key, b"x", signature)


@pytest.mark.parametrize("y", SMALL)
@pytest.mark.parametrize("sign", [0, 1])
def test_a_key_with_which_anything_can_be_signed_is_refused(y: int, sign: int) -> None:
    """`cryptography` accepts some of them, for the neutral signature (R neutral, S = 0); nobody has such a key by accident."""
    key = (y | sign << 255).to_bytes(32, "little")
    neutral = (1).to_bytes(32, "little") + bytes(32)
    assert not any(signed_by(key, bytes([n]), neutral) for n in range(16))


@pytest.mark.parametrize(
    "line", ["", "ssh-ed25519", "ssh-ed25519 %%%", "ssh-rsa AAAA", "ssh-ed25519 " + base64.b64encode(b"x" * 51).decode()]
)
def test_what_is_no_public_key_is_refused(line: str) -> None:
    with pytest.raises(Bad):
        key_of_line(line)


def test_no_byte_of_a_seal_can_be_changed(outer: Path) -> None:
    """Also where base64 has bits that mean nothing, and where the frame repeats what the line says."""
    bucket = filled(outer)
    seal = bucket.seal(4).read_bytes()
    body, armor = seal.split(b"\n", 1)
    assert opened(seal) == (body + b"\n", bucket.key.public)
    for place in range(len(body) - 40, len(seal)):
        altered = seal[:place] + bytes([seal[place] ^ 1 << place % 6]) + seal[place + 1 :]
        with pytest.raises(Bad):
            opened(altered)
    for altered in (seal + b"\n", seal[:-1], seal.replace(b"\n", b"\r\n"), body + armor, b"", b"\n", seal + seal):
        with pytest.raises(Bad):
            opened(altered)


ssh_keygen = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="OpenSSH is not installed")


def openssh_accepts(folder: Path, key: Key, seal: bytes) -> bool:
    body, _, armor = seal.partition(b"\n")
    (folder / "allowed").write_text(f'rokuon namespaces="rokuon-seal@v1" {key.line}\n')
    (folder / "sig").write_bytes(armor)
    command = [
        "ssh-keygen",
        "-Y",
        "verify",
        "-f",
        str(folder / "allowed"),
        "-I",
        "rokuon",
        "-n",
        "rokuon-seal@v1",
        "-s",
        str(folder / "sig"),
    ]
    return subprocess.run(command, input=body + b"\n", capture_output=True, check=False).returncode == 0


def ours_accepts(key: Key, seal: bytes) -> bool:
    try:
        return opened(seal)[1] == key.public
    except Bad:
        return False


@ssh_keygen
def test_openssh_agrees_on_every_seal_and_on_changed_ones(tmp_path: Path) -> None:
    bucket = filled(tmp_path / "bucket")
    for number in range(1, 5):
        seal = bucket.seal(number).read_bytes()
        assert ours_accepts(bucket.key, seal) is openssh_accepts(tmp_path, bucket.key, seal) is True
    digit = seal.replace(b'"issue":4', b'"issue":5')
    signature = bytearray(seal)
    signature[-60] ^= 1
    for altered in (digit, bytes(signature)):
        assert ours_accepts(bucket.key, altered) is openssh_accepts(tmp_path, bucket.key, altered) is False
    assert ours_accepts(Key(7), seal) is openssh_accepts(tmp_path, Key(7), seal) is False


@ssh_keygen
def test_the_commands_of_the_readme_check_a_seal_and_a_file(tmp_path: Path) -> None:
    """They are run as they stand in the bucket's README.txt."""
    bucket = filled(tmp_path / "bucket")
    folder = bucket.seal(4).parent
    (folder / "key.pub").write_text(bucket.key.line + "\n")
    text = (bucket.custody / "README.txt").read_text()
    commands = [line.strip() for line in text.splitlines() if line.startswith(("  printf", "  head", "  ssh-keygen", "  sha256sum"))]
    assert len(commands) == 4
    done = subprocess.run(["sh", "-ec", "\n".join(commands)], cwd=folder, capture_output=True, text=True, check=True)
    assert "Good" in done.stdout
    digest = sha256(bucket.manifest(4, BILLING).read_bytes())
    assert digest in done.stdout
    assert digest in (folder / "body").read_text()
