import copy
import json
import pickle
from pathlib import Path

import pytest
from cryptography.fernet import InvalidToken

from rokuon.base.secrets import Secret, SecretUnreadable, Vault, new_key
from rokuon.domain.failures import ConfigError

CANARY = "canary-7f3e91a0c2"


def test_a_secret_shows_nowhere_but_in_reveal() -> None:
    secret = Secret(CANARY)
    shown = [str(secret), repr(secret), f"{secret}", f"{secret:>20}"]
    assert all(CANARY not in text and "<secret>" in text for text in shown)
    assert secret.reveal() == CANARY
    assert not hasattr(secret, "__dict__")


def test_a_secret_is_neither_pickled_nor_copied_nor_plain_json() -> None:
    for write in (pickle.dumps, copy.deepcopy, json.dumps):
        with pytest.raises(TypeError):
            write(Secret(CANARY))  # type: ignore[operator]


def test_a_sealed_value_opens_for_its_owner_and_field_alone() -> None:
    vault = Vault([new_key()])
    token = vault.seal(CANARY, owner="company:1", field="api_key")
    assert CANARY not in token
    assert vault.open(token, owner="company:1", field="api_key").reveal() == CANARY
    for owner, field in (("company:2", "api_key"), ("company:1", "webhook_secret"), ("company:1api_key", "")):
        with pytest.raises(SecretUnreadable, match="moved from another place"):
            vault.open(token, owner=owner, field=field)


def test_a_changed_token_and_a_foreign_key_are_refused_without_the_value() -> None:
    vault = Vault([new_key()])
    token = vault.seal(CANARY, owner="o", field="f")
    damaged = token[:-8] + ("A" if token[-8] != "A" else "B") + token[-7:]
    for reader, stored in ((vault, damaged), (vault, ""), (vault, "録音"), (Vault([new_key()]), token)):
        with pytest.raises(SecretUnreadable) as caught:
            reader.open(stored, owner="o", field="f")
        assert CANARY not in str(caught.value)
        with pytest.raises((SecretUnreadable, InvalidToken)):
            reader.rotate(stored)


def test_after_a_rotation_the_old_key_is_no_longer_needed() -> None:
    old, new = new_key(), new_key()
    token = Vault([old]).seal(CANARY, owner="o", field="f")
    both = Vault([new, old])
    assert both.open(token, owner="o", field="f").reveal() == CANARY
    rotated = both.rotate(token)
    assert Vault([new]).open(rotated, owner="o", field="f").reveal() == CANARY
    with pytest.raises(SecretUnreadable):
        Vault([old]).open(rotated, owner="o", field="f")
    assert both.derive("django secret key") == Vault([new]).derive("django secret key") + Vault([old]).derive("django secret key")
    assert both.derive("a") != both.derive("b")


@pytest.mark.parametrize("text", ["", "# only a comment\n", "not-a-key\n", "AAAA\n", "\xff\n"])
def test_a_key_file_without_a_usable_key_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "master.key"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match=str(path)) as caught:
        Vault.load(path)
    assert "not-a-key" not in str(caught.value)


def test_comments_and_blank_lines_in_the_key_file_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    path.write_text(f"# made in november\n\n{new_key()}\n{new_key()}\n")
    assert len(Vault.load(path).derive("x")) == 2
