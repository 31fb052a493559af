import io
import json
import logging
from collections.abc import Iterator

import pytest

from rokuon.base import logs
from rokuon.base.secrets import Secret

CANARY = "canary-7f3e91a0c2"


@pytest.fixture(params=["json", "text"])
def stream(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level, logging.raiseExceptions)
    out = io.StringIO()
    logs.set_up(level="info", style=request.param, stream=out)
    yield out
    root.handlers[:], root.level, logging.raiseExceptions = before
    logging.captureWarnings(False)
    logs.redactor = logs.Redactor()


def log() -> logging.Logger:
    return logging.getLogger("rokuon.test")


def test_a_line_holds_the_event_and_its_fields(stream: io.StringIO) -> None:
    log().info("copy_stored", extra={"copy": 12, "bytes": 3456})
    line = stream.getvalue()
    if line.startswith("{"):
        parsed = json.loads(line)
        assert (parsed["event"], parsed["copy"], parsed["bytes"], parsed["level"]) == ("copy_stored", 12, 3456, "info")
        assert parsed["time"].endswith("Z")
    else:
        assert "info rokuon.test copy_stored copy=12 bytes=3456" in line


def test_control_characters_forge_no_line_and_move_no_cursor(stream: io.StringIO) -> None:
    forged = 'Eve\n{"event":"all_verified"}\r\x1b[2J\u2028\u202e\x9b'
    log().info("named %s", forged, extra={"who": forged})
    log().info(forged)
    try:
        raise ValueError(forged)
    except ValueError:
        log().exception("failed")
    lines = stream.getvalue().split("\n")
    assert len(lines) == 4
    assert lines[-1] == ""
    assert not set("\r\x1b\u2028\u202e\x9b") & set(stream.getvalue())


@pytest.mark.parametrize(
    "text",
    [
        f"GET https://dialpad.example/r/1?apikey={CANARY}&x=1",
        f"https://storage.example/b/o#access_token={CANARY}",
        f"postgresql://rokuon:{CANARY}@db/rokuon",
        f"Authorization: Bearer {CANARY}",
        f"{{'Authorization': 'Bearer {CANARY}'}}",
        f'{{"api_key": "{CANARY}"}}',
        f"password={CANARY}",
    ],
)
def test_what_looks_like_a_secret_is_removed_wherever_it_stands(stream: io.StringIO, text: str) -> None:
    log().info(text)
    log().info("asked %s", text)
    log().info("asked", extra={"where": text, "deep": {"list": [text]}, "thing": ValueError(text)})
    try:
        try:
            raise OSError(text)
        except OSError as error:
            raise ValueError("outer " + text) from error
    except ValueError:
        log().exception("failed")
    assert stream.getvalue().count("\n") == 4
    assert CANARY not in stream.getvalue()


def test_a_registered_secret_is_removed_in_every_form(stream: io.StringIO) -> None:
    value = f'a long pa"ss\\wörd of one line\n{CANARY}-the-second-line'
    logs.redactor.register(Secret(value))
    log().info("plain %s", value, extra={"json": json.dumps(value), "lines": value.splitlines()})
    assert CANARY not in stream.getvalue()
    assert "wörd" not in stream.getvalue()


def test_a_secret_itself_prints_as_secret(stream: io.StringIO) -> None:
    log().info("got %s", Secret(CANARY), extra={"key": Secret(CANARY), "deep": {"key": Secret(CANARY)}})
    assert CANARY not in stream.getvalue()
    assert "<secret>" in stream.getvalue()


def test_ordinary_words_are_left_alone(stream: io.StringIO) -> None:
    logs.redactor.register(Secret("a"))
    log().warning("bucket 録音 at https://host/path is ready")
    assert "bucket 録音 at https://host/path is ready" in stream.getvalue()


def test_a_broken_log_call_shows_no_arguments_and_does_not_stop_the_work(stream: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
    log().info("%d", CANARY)
    assert CANARY not in stream.getvalue() + capsys.readouterr().err
