"""Which bodies are events, and which are not (rows Q1, Q2, Q3, W4, W7)."""

import codecs
import random

import pytest

from rokuon.dialpad.events import Event, EventMalformed, EventRefused, read_event

from .tokens import EVENT, SECRET, digest, part, token


def test_a_signed_event_is_a_hint_to_look_for_its_call() -> None:
    assert read_event(token(), [SECRET]) == Event("4503599627370497", (), "hangup", 1_795_000_000_000, 1_795_000_060_000, digest(), 0)


def test_ids_and_times_may_be_text() -> None:
    claims = {**EVENT, "call_id": "45", "date_started": "1795000000000", "event_timestamp": None}
    event = read_event(token(claims), [SECRET])
    assert (event.call_id, event.started_ms, event.happened_ms) == ("45", 1_795_000_000_000, None)


def test_the_other_legs_of_the_conversation_are_named_once_each_and_never_the_call_itself() -> None:
    claims = {**EVENT, "entry_point_call_id": 45, "operator_call_id": "45", "master_call_id": EVENT["call_id"]}
    assert read_event(token(claims), [SECRET]).other_legs == ("45",)
    odd = {**EVENT, "entry_point_call_id": "../45", "operator_call_id": True, "master_call_id": None}
    assert read_event(token(odd), [SECRET]).other_legs == ()


def test_w12_the_old_secret_counts_too_and_is_told_apart() -> None:
    assert read_event(token(secret="o" * 43), [SECRET, "o" * 43]).secret == 1


UNSIGNED = part({"alg": "none"}) + b"." + part(EVENT)
REFUSED = {
    "another secret": token(secret="x" * 43),
    "no algorithm": UNSIGNED + b".",
    "no algorithm, signature of nothing": UNSIGNED + b"." + part(b""),
    "no algorithm, but signed": token(header={"alg": "none"}),
    "upper and lower case": token(header={"alg": "hs256"}),
    "HS384": token(header={"alg": "HS384"}, algorithm="sha384"),
    "HS512": token(header={"alg": "HS512"}, algorithm="sha512"),
    "RS256 said, HS256 done": token(header={"alg": "RS256"}),
    "a key of its own": token(secret="k" * 43, header={"alg": "HS256", "jwk": {"kty": "oct", "k": part(b"k" * 43).decode()}}),
    "a key elsewhere": token(secret="k" * 43, header={"alg": "HS256", "jku": "https://evil.example/keys"}),
    "plain JSON": b'{"call_id": 1}',
    "empty": b"",
    "cut": token()[:-1],
    "padded": token() + b"=",
    "a line break in it": token()[:40] + b"\n" + token()[40:],
    "a space behind its first part": token().replace(b".", b" .", 1),
    "two of them": token() + b"\n" + token(),
    "a fourth part": token() + b".e30",
    "half quoted": b'"' + token(),
    "nothing but a quote": b'"',
    "quoted twice": b'""' + token() + b'""',
    "form": b"token=" + token(),
    "header is a list": token(header=["HS256"]),
    "header is no JSON": part(b"{") + b"." + part(EVENT) + b"." + part(b"x" * 32),
    "too large": token({**EVENT, "filler": "x" * (1 << 20)}),
}


@pytest.mark.parametrize("what", REFUSED)
def test_w4_q1_what_the_secret_has_not_signed_is_refused(what: str) -> None:
    with pytest.raises(EventRefused):
        read_event(REFUSED[what], [SECRET])


def test_q1_a_short_or_empty_secret_signs_nothing() -> None:
    for secret in ("", "short", "s" * 31):
        with pytest.raises(EventRefused):
            read_event(token(secret=secret), [secret])


def test_q1_the_spare_bits_of_the_last_character_are_not_free() -> None:
    """43 characters of base64 hold 32 bytes and two bits more: three other spellings of the same signature."""
    genuine = token()
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    place = alphabet.index(genuine[-1])
    for other in {place ^ 1, place ^ 2, place ^ 3}:
        with pytest.raises(EventRefused):
            read_event(genuine[:-1] + bytes([alphabet[other]]), [SECRET])


AROUND = {
    "a line break": (b"", b"\n"),
    "CR LF": (b"", b"\r\n"),
    "blanks on both sides": (b" \t\n", b"  \n\n"),
    "a byte order mark": (codecs.BOM_UTF8, b""),
    "the quotes of a JSON string": (b'"', b'"'),
    "all of them": (codecs.BOM_UTF8 + b' "', b'" \r\n'),
}


@pytest.mark.parametrize("what", AROUND)
def test_what_stands_around_the_token_is_passed_by(what: str) -> None:
    before, behind = AROUND[what]
    assert read_event(before + token() + behind, [SECRET]) == read_event(token(), [SECRET])


REST = b'"state": "hangup", "date_started": 1795000000000'
UNUSED = {
    "half an emoji": b'"\\ud83d"',
    "a lone surrogate as a key": b'{"\\ud800": 1}',
    "NaN": b"NaN",
    "infinite": b"-Infinity",
    "a float that is too large": b"1e999",
    "a fraction": b"1795000000000.75",
    "2^63": b"9223372036854775808",
    "a number of 5,000 digits": b"9" * 5000,
    "200 deep": b"[" * 200 + b"]" * 200,
    "a key twice": b'{"y": 1, "y": 2}',
    "no UTF-8": b'"\xff\xfe\xed\xa0\x80"',
    "NUL": b'"\\u0000"',
    "a raw line break and a raw NUL": b'"\n\x00"',
    "half a megabyte": b'"' + b"x" * 500_000 + b'"',
    "an empty key": b'{"": ""}',
}


@pytest.mark.parametrize("what", UNUSED)
def test_w7_q3_a_field_that_nobody_uses_costs_no_event(what: str) -> None:
    event = read_event(token(b'{"call_id": 45, ' + REST + b', "x": ' + UNUSED[what] + b"}"), [SECRET])
    assert (event.call_id, event.state, event.started_ms) == ("45", "hangup", 1_795_000_000_000)


@pytest.mark.parametrize("what", UNUSED)
@pytest.mark.parametrize("name", ["state", "date_started", "event_timestamp", "operator_call_id"])
def test_a_field_that_cannot_be_read_is_a_field_that_was_not_sent(what: str, name: str) -> None:
    """But for a fraction of a millisecond, and for a number that may be an id."""
    event = read_event(token(b'{"call_id": 45, "' + name.encode() + b'": ' + UNUSED[what] + b"}"), [SECRET])
    time = 1_795_000_000_000 if what == "a fraction" else None
    legs = ("9223372036854775808",) if what == "2^63" else ()
    expected: dict[str, object] = {"state": "", "started_ms": None, "happened_ms": None, "other_legs": ()}
    match name:
        case "date_started":
            expected["started_ms"] = time
        case "event_timestamp":
            expected["happened_ms"] = time
        case "operator_call_id":
            expected["other_legs"] = legs
    assert {key: getattr(event, key) for key in expected} == expected and event.call_id == "45"


IDS = {
    "a number": (b"45", "45"),
    "text": (b'"45"', "45"),
    "text with blanks": (b'" 45\n"', "45"),
    "a float": (b"4503599627370496.0", "4503599627370496"),
    "beyond 64 bits": (b"9223372036854775808", "9223372036854775808"),
    "not of digits": (b'"call-45:a"', "call-45:a"),
    "the last of two": (b'44, "call_id": 45', "45"),
}


@pytest.mark.parametrize("what", IDS)
def test_a_call_id_is_all_that_an_event_needs(what: str) -> None:
    told, read = IDS[what]
    event = read_event(token(b'\xef\xbb\xbf {"call_id": ' + told + b"}\n"), [SECRET])
    assert (event.call_id, event.state, event.started_ms, event.happened_ms) == (read, "", None, None)


@pytest.mark.parametrize(
    "started", [b"1795000000", b"0", b"-1795000000000", b"true", b'"yesterday"', b"[1795000000000]", b"99999999999999999"]
)
def test_a_start_that_cannot_be_is_none(started: bytes) -> None:
    assert read_event(token(b'{"call_id": 1, "date_started": ' + started + b"}"), [SECRET]).started_ms is None


MALFORMED = {
    "10,000 deep": b'{"call_id": 1, "x": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "100,000 deep": b'{"call_id": 1, "x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "a list": b"[]",
    "no JSON": b"hello",
    "cut": b'{"call_id": 1',
    "no call": b'{"state": "hangup", "date_started": 1795000000000}',
    "a call that is true": b'{"call_id": true, "state": "hangup", "date_started": 1795000000000}',
    "a call that is null": b'{"call_id": null}',
    "a call that is NaN": b'{"call_id": NaN}',
    "a call that is half": b'{"call_id": 45.5}',
    "a call too large for a float": b'{"call_id": 1e30}',
    "a call that is infinite": b'{"call_id": 1e999}',
    "a call of 5,000 digits": b'{"call_id": ' + b"9" * 5000 + b"}",
    "a call of half an emoji": b'{"call_id": "\\ud83d"}',
    "a call that climbs": b'{"call_id": "../../etc", "state": "hangup", "date_started": 1795000000000}',
    "a call that is no UTF-8": b'{"call_id": "\xff"}',
}


@pytest.mark.parametrize("what", MALFORMED)
def test_w7_q3_a_signed_body_without_a_call_that_can_be_read_is_no_event(what: str) -> None:
    with pytest.raises(EventMalformed):
        read_event(token(MALFORMED[what]), [SECRET])


def test_q1_no_change_of_a_genuine_body_is_accepted() -> None:
    """Seeded; `make fuzz` has no part in it, 20,000 changes take two seconds."""
    chance, genuine = random.Random(7), token()
    for _ in range(20_000):
        body = bytearray(genuine)
        for _ in range(chance.randint(1, 3)):
            place = chance.randrange(len(body))
            body[place : place + chance.randint(0, 2)] = bytes(chance.choice(b"ABCxyz019-_.=") for _ in range(chance.randint(0, 2)))
        if bytes(body) != genuine:
            with pytest.raises(EventRefused):
                read_event(bytes(body), [SECRET])
