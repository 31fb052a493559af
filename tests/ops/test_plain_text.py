"""What editors and pages put around a text that is handed over."""

import codecs
from pathlib import Path

import pytest

from rokuon.base.plain_text import bare
from rokuon.base.secrets import Vault, new_key
from rokuon.cli.support.secret_input import read_secret
from rokuon.config import Config
from rokuon.domain.failures import ConfigError

WRITTEN = {
    "plain": lambda text: text.encode(),
    "a line break": lambda text: text.encode() + b"\r\n",
    "a byte order mark": lambda text: codecs.BOM_UTF8 + text.encode() + b"\r\n",
    "two of them": lambda text: codecs.BOM_UTF8 * 2 + text.encode(),
    "UTF-16, as PowerShell writes it": lambda text: codecs.BOM_UTF16_LE + (text + "\r\n").encode("utf-16-le"),
    "UTF-16, the other way round": lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
    "zero-width characters": lambda text: f"\u200b {text}\u2060\u200d\n".encode(),
}
NO_TEXT = {
    "half a character": b"key\xff",
    "NUL": b"ke\0y",
    "UTF-16 cut short": codecs.BOM_UTF16_LE + b"k\0e",
    "UTF-16 without a mark": b"k\0e\0",
}


@pytest.mark.parametrize("how", WRITTEN)
def test_a_key_is_the_same_however_its_file_was_written(tmp_path: Path, how: str) -> None:
    """The Dialpad key, a secret of the settings, the master key."""
    file, key = tmp_path / "key", new_key()
    file.write_bytes(WRITTEN[how]("dialpad-key-1"))
    assert read_secret(str(file), "").reveal() == "dialpad-key-1"
    file.write_bytes(WRITTEN[how]("smtp://me:pass@mail.acme.example"))
    smtp = Config.load({"ROKUON_SMTP_URL_FILE": str(file)}).smtp
    assert smtp is not None and (smtp.host, smtp.user) == ("mail.acme.example", "me")
    plain = tmp_path / "plain"
    plain.write_text(key)
    file.write_bytes(WRITTEN[how](key))
    assert Vault.load(file).derive("x") == Vault.load(plain).derive("x")


@pytest.mark.parametrize("what", NO_TEXT)
def test_a_file_that_is_no_text_says_so(tmp_path: Path, what: str) -> None:
    file = tmp_path / "key"
    file.write_bytes(NO_TEXT[what])
    for read in (lambda: read_secret(str(file), ""), lambda: Vault.load(file), lambda: Config.load({"ROKUON_SMTP_URL_FILE": str(file)})):
        with pytest.raises(ConfigError, match="it is not text"):
            read()


def test_what_stands_within_a_text_belongs_to_it() -> None:
    assert bare("\ufeff a\u200bb \n") == "a\u200bb"
