"""Which bodies are events, and which are not (rows Q1, Q2, Q3, W4, W7)."""

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
    "a line break after it": token() + b"\n",
    "a space before it": b" " + token(),
    "a fourth part": token() + b".e30",
    "quoted": b'"' + token() + b'"',
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


MALFORMED = {
    "a key twice": b'{"call_id": 1, "call_id": 2, "state": "hangup", "date_started": 1795000000000}',
    "a key twice, deep": b'{"call_id": 1, "state": "hangup", "date_started": 1795000000000, "x": {"y": 1, "y": 1}}',
    "NaN": b'{"call_id": 1, "state": "hangup", "date_started": 1795000000000, "x": NaN}',
    "infinite": b'{"call_id": 1, "state": "hangup", "date_started": 1795000000000, "x": -Infinity}',
    "a number of 5,000 digits": b'{"call_id": 1, "state": "hangup", "date_started": 1795000000000, "x": ' + b"9" * 5000 + b"}",
    "beyond 64 bits": b'{"call_id": 9223372036854775808, "state": "hangup", "date_started": 1795000000000}',
    "a lone surrogate": b'{"call_id": 1, "state": "hangup", "date_started": 1795000000000, "x": "\\ud800"}',
    "a lone surrogate as a key": b'{"call_id": 1, "state": "hangup", "date_started": 1795000000000, "\\ud800": 1}',
    "33 deep": b'{"call_id": 1, "state": "hangup", "date_started": 1795000000000, "x": ' + b"[" * 33 + b"]" * 33 + b"}",
    "100,000 deep": b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "not UTF-8": b'{"call_id": 1, "state": "\xff"}',
    "a list": b"[]",
    "no JSON": b"hello",
    "no call": b'{"state": "hangup", "date_started": 1795000000000}',
    "a call that is true": b'{"call_id": true, "state": "hangup", "date_started": 1795000000000}',
    "a call that climbs": b'{"call_id": "../../etc", "state": "hangup", "date_started": 1795000000000}',
    "no start": b'{"call_id": 1, "state": "hangup"}',
    "a start in seconds": b'{"call_id": 1, "state": "hangup", "date_started": 1795000000}',
    "a state that is none": b'{"call_id": 1, "state": "<script>", "date_started": 1795000000000}',
}


@pytest.mark.parametrize("what", MALFORMED)
def test_w7_q3_a_signed_body_is_read_strictly(what: str) -> None:
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
