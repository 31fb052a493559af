"""Checks a bucket of call recordings that Rokuon filled, without Rokuon.

Read this file before you trust it. It reads from top to bottom: the arithmetic of a signature, the form of a line, the seals, the files
that a seal lists, the recordings, the report, the arguments. It imports only Python's standard library, opens no network connection, and
writes nothing but a temporary SQLite database that is gone when it ends, so that its memory stays bounded. Python 3.9 or newer.

What it checks, in this order:

1. Seals. Below `call-recordings/.rokuon-custody/<chain>/<issue>/` is one file `seal` for each day: a line of JSON and an Ed25519 signature
   over exactly that line. Each names the SHA-256 of the seal before it, so none can be changed, removed or moved without a trace.
2. Manifests. A seal lists the files of its issue by SHA-256. A manifest has a line for each recording of a contact center and day. The last
   sealed revision of a day counts.
3. Totals. The days add up to the numbers in the last seal.
4. Recordings. Every recording that counts as verified is there with its bytes (a downloaded bucket) or its checksum (a listing), and there
   is no other.

What it cannot see: a bucket whose end was cut off less than 26 hours ago (`--head` shows that), what Dialpad never listed, and who spoke.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import csv
import datetime
import gzip
import hashlib
import heapq
import io
import itertools
import json
import os
import re
import sqlite3
import stat
import sys
import traceback
import unicodedata
import urllib.parse
from typing import Any, Callable, Iterable, Iterator, NamedTuple

PROVEN, FINDINGS, WRONG_INPUT, NOT_PROVEN = 0, 1, 2, 3
"""Exit codes: everything asked for is proven by a key named with --trust; something is wrong; the arguments or the input cannot be used;
nothing is wrong, but something could not be proven."""

TOP, CUSTODY = "call-recordings", ".rokuon-custody"
README_SHA256 = "4d60e2762a57ad6353d95e397d2fca07236b300a24793e57480c3d6a2ae69a4c"
PROMISE_S = 26 * 3600
"""The next seal is due this long after a seal."""
CLOCK_S = 3600
"""A seal and the store's clock may differ by this much."""
IN_FLIGHT_S = 300
"""What was stored so short before a seal may not be in it: clocks differ, and a recording is noted after it is stored."""
LONGEST_LINE, LONGEST_SEAL = 1 << 20, 64 << 20

USAGE = """
  rokuon_verify.py BUCKET_FOLDER                  a downloaded bucket, or a local folder: every byte is read
  rokuon_verify.py --listing FILE CUSTODY_FOLDER  the folder .rokuon-custody downloaded, the recordings only listed
  rokuon_verify.py --sample N --seed TEXT FOLDER  a sample: names N recordings that are drawn by lot, and reads those that are there
"""


class Refused(Exception):
    """The input cannot be used (exit code 2). The text says what to do."""


Row = tuple[Any, ...]


class Bad(Exception):
    """Bytes that are not what the format says. The text names the part."""


# ---------------------------------------------------------------------------------------------------------------------------------------
# Ed25519 (RFC 8032), checking only. A point is (X, Y, Z, T) with x = X/Z, y = Y/Z, x*y = T/Z.

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)
Point = tuple[int, int, int, int]
NEUTRAL: Point = (0, 1, 1, 0)


def add(a: Point, b: Point) -> Point:
    p, q = (a[1] - a[0]) * (b[1] - b[0]), (a[1] + a[0]) * (b[1] + b[0])
    r, s = 2 * D * a[3] * b[3], 2 * a[2] * b[2]
    e, f, g, h = q - p, s - r, s + r, q + p
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def double(a: Point) -> Point:
    p, q = a[0] * a[0], a[1] * a[1]
    h = p + q
    e, g = h - (a[0] + a[1]) ** 2, p - q
    f = 2 * a[2] * a[2] + g
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def encode(a: Point) -> bytes:
    inverse = pow(a[2], P - 2, P)
    x, y = a[0] * inverse % P, a[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def decode(data: bytes) -> Point | None:
    """Return the point of 32 bytes; None if they are none, or not in their one canonical form."""
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & ((1 << 255) - 1)
    if y >= P:
        return None
    u, v = y * y - 1, D * y * y + 1
    square = u * pow(v, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * ROOT_OF_MINUS_ONE % P
    if x * x % P != square or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


BASE = decode((4 * pow(5, P - 2, P) % P).to_bytes(32, "little")) or NEUTRAL


def signed_by(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` is this key's over the message. Keys of a small order, with which anything can be signed, are refused."""
    if len(key) != 32 or len(signature) != 64:
        return False
    a, s = decode(key), int.from_bytes(signature[32:], "little")
    if a is None or s >= ORDER or encode(double(double(double(a)))) == encode(NEUTRAL):
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    minus_a = (P - a[0], a[1], a[2], P - a[3])
    table = (NEUTRAL, BASE, minus_a, add(BASE, minus_a))
    r = NEUTRAL  # becomes s * BASE - h * A, from the highest bit down
    for bit in range(max(s.bit_length(), h.bit_length()) - 1, -1, -1):
        r = double(r)
        which = (s >> bit & 1) + 2 * (h >> bit & 1)
        if which:
            r = add(r, table[which])
    return encode(r) == signature[:32]


# ---------------------------------------------------------------------------------------------------------------------------------------
# The signature of a seal: OpenSSH's SSHSIG. `ssh-keygen -Y verify -n rokuon-seal@v1` reads the same.

NAMESPACE, KEY_TYPE = b"rokuon-seal@v1", b"ssh-ed25519"
BEGIN, END = b"-----BEGIN SSH SIGNATURE-----\n", b"-----END SSH SIGNATURE-----\n"


def packed(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def armored(key: bytes, signature: bytes) -> bytes:
    """Return the one text of this key and signature. What is in a seal has to equal it, so no byte of it can be changed."""
    frame = packed(packed(KEY_TYPE, key), NAMESPACE, b"", b"sha512", packed(KEY_TYPE, signature))
    text = base64.b64encode(b"SSHSIG" + (1).to_bytes(4, "big") + frame)
    return BEGIN + b"".join(text[at : at + 70] + b"\n" for at in range(0, len(text), 70)) + END


def opened(seal: bytes) -> tuple[bytes, bytes]:
    """Return line and public key of a seal whose signature is right. Raises Bad."""
    line, newline, rest = seal.partition(b"\n")
    line += newline
    try:
        blob = base64.b64decode(b"".join(rest[len(BEGIN) : -len(END)].split(b"\n")), validate=True)
    except ValueError:
        raise Bad("signature") from None
    key, signature = blob[33:65], blob[-64:]
    if len(blob) < 97 or armored(key, signature) != rest:
        raise Bad("signature")
    message = b"SSHSIG" + packed(NAMESPACE, b"", b"sha512", hashlib.sha512(line).digest())
    if not signed_by(key, message, signature):
        raise Bad("signature")
    return line, key


def fingerprint(digest: bytes) -> str:
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def digest_of_key(key: bytes) -> bytes:
    return hashlib.sha256(packed(KEY_TYPE, key)).digest()


def key_of_line(text: str) -> bytes:
    """Return the key of a line such as `ssh-ed25519 AAAA... comment`. Raises Bad."""
    words = text.split()
    try:
        blob = base64.b64decode(words[1], validate=True) if len(words) >= 2 and words[0] == KEY_TYPE.decode() else b""
    except ValueError:
        blob = b""
    if len(blob) != 51 or packed(KEY_TYPE, blob[-32:]) != blob:
        raise Bad("key")
    return blob[-32:]


# ---------------------------------------------------------------------------------------------------------------------------------------
# A line: one JSON object, no key twice, no fractions, nothing unknown is written as null.


def no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key twice")
    return found


def refuse(text: str) -> None:
    raise ValueError(text)


LINE = json.JSONDecoder(object_pairs_hook=no_key_twice, parse_float=refuse, parse_constant=refuse)
TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.\d{1,9})?(Z|[+-]\d\d:?\d\d)?\Z", re.ASCII)
DAY = re.compile(r"\d{4}-\d\d-\d\d\Z", re.ASCII)
HEX64, HEX16 = re.compile(r"[0-9a-f]{64}\Z"), re.compile(r"[0-9a-f]{16}\Z")
MANIFEST_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}-([0-9a-f]{16})\.jsonl\Z")


def parsed(line: bytes) -> dict[str, Any]:
    """Return the object of a line. Raises Bad."""
    try:
        if not line.endswith(b"}\n"):
            raise ValueError("no whole line")
        value = LINE.decode(line.decode("utf-8"))
    except (ValueError, RecursionError):
        raise Bad("line") from None
    if type(value) is not dict:
        raise Bad("line")
    return value


def epoch(text: Any) -> int:
    """Return the second of a time such as 2026-11-29T17:00:00Z; without a zone it is UTC. Raises Bad."""
    match = TIME.match(text) if isinstance(text, str) else None
    try:
        if not match:
            raise ValueError(text)
        zone = (match[3] or "Z").replace("Z", "+00:00")
        zone = zone if ":" in zone else zone[:3] + ":" + zone[3:]
        return int(datetime.datetime.fromisoformat(f"{match[1]}T{match[2]}{zone}").timestamp())
    except (ValueError, OverflowError):
        raise Bad("time") from None


def day_of(second: int) -> str:
    return datetime.datetime.fromtimestamp(second, datetime.timezone.utc).date().isoformat()


def whole(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**53


def hex64(value: Any) -> bool:
    return isinstance(value, str) and bool(HEX64.match(value))


def text(value: Any) -> bool:
    return isinstance(value, str)


def day(value: Any) -> bool:
    if not isinstance(value, str) or not DAY.match(value):
        return False
    try:
        datetime.date.fromisoformat(value)
    except ValueError:
        return False
    return True


def take(record: dict[str, Any], **kinds: Callable[[Any], bool]) -> list[Any]:
    """Return these fields of a record. Raises Bad with the name of the first that is missing or of another kind."""
    for name, is_kind in kinds.items():
        if name not in record or not is_kind(record[name]):
            raise Bad(name)
    return [record[name] for name in kinds]


def known_format(record: dict[str, Any], kind: str) -> None:
    """Raises Bad for another kind of file, Refused for a format that is newer than this verifier."""
    name, _, number = str(record.get("format")).partition("/")
    if name != kind:
        raise Bad("format")
    if number != "1":
        raise Refused(say("This bucket has custody files of format %(number)s. Use the verifier of a newer Rokuon.", number=number))


# ---------------------------------------------------------------------------------------------------------------------------------------
# Step 1: seals.


class Seal(NamedTuple):
    issue: int
    at: int
    sha256: str
    key: bytes
    body: dict[str, Any]


class Chain:
    """The seals of one chain that could be read, oldest first."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.seals: list[Seal] = []
        self.first = 0  # the lowest number in the folder
        self.trusted = False
        self.family = name  # the chain at the end of `continues`; chains of one family replace each other's days
        self.depth = 0

    @property
    def head(self) -> Seal:
        return self.seals[-1]

    @property
    def continues(self) -> dict[str, Any] | None:
        return self.seals[0].body.get("continues") if self.seals[0].issue == 1 else None

    def seal(self, issue: int) -> Seal | None:
        return next((seal for seal in self.seals if seal.issue == issue), None)


def is_file(path: str) -> bool:
    return stat.S_ISREG(os.lstat(path).st_mode)


class Seals:
    """Reads all seals of a custody folder into chains, and the files that they list into the table `sealed`."""

    def __init__(self, folder: str, db: sqlite3.Connection, report: Findings, options: argparse.Namespace) -> None:
        self.folder, self.db, self.report, self.options = folder, db, report, options
        self.chains: dict[str, Chain] = {}
        self.stamps = 0

    def read(self) -> None:
        self._readme_and_keys()
        for name in sorted(os.listdir(self.folder)):
            path = os.path.join(self.folder, name)
            if HEX16.match(name) and os.path.isdir(path):
                self._chain(name, path)
            elif name not in ("README.txt", "keys"):
                self.report.finding("custody_extra", "No seal and no rule of the format knows this file.", path=f"{CUSTODY}/{name}")
        self.chains = {name: chain for name, chain in self.chains.items() if chain.seals}
        if not self.chains:
            self.report.finding("seal_missing", "There is no seal that can be read. Download the whole folder %(folder)s.", folder=CUSTODY)
            return
        self._families()
        self._trust()
        for chain in self.chains.values():
            self._beginning(chain)
        self._same_bucket()
        self._heads()

    def _readme_and_keys(self) -> None:
        readme, keys = os.path.join(self.folder, "README.txt"), os.path.join(self.folder, "keys")
        if os.path.isfile(readme):
            if sha256_of_file(readme) != README_SHA256:
                self.report.finding("custody_altered", "This is not the text of format 1.", path=f"{CUSTODY}/README.txt")
        elif not self.options.scoped:
            self.report.finding("custody_missing", "The file is missing.", path=f"{CUSTODY}/README.txt")
        self.key_files = set()
        for name in sorted(os.listdir(keys)) if os.path.isdir(keys) else ():
            path = os.path.join(keys, name)
            try:
                if not is_file(path) or os.path.getsize(path) > LONGEST_LINE:
                    raise Bad("key")
                with open(path, "rb") as file:
                    data = file.read()
                line = data.decode("ascii")
                if digest_of_key(key_of_line(line)).hex() + ".pub" != name or data.count(b"\n") != 1 or not data.endswith(b"\n"):
                    raise Bad("key")
                words = line.split()
                if base64.b64encode(base64.b64decode(words[1])).decode() != words[1] or line != " ".join(words) + "\n" or len(words) != 2:
                    raise Bad("key")
            except (Bad, ValueError):
                self.report.finding("custody_altered", "This is not the key that its name says.", path=f"{CUSTODY}/keys/{name}")
            self.key_files.add(name)

    def _chain(self, name: str, folder: str) -> None:
        chain = self.chains[name] = Chain(name)
        missing: list[tuple[int, int]] = []
        expected = 0
        without: list[int] = []
        for number in sorted(os.listdir(folder)):
            path = os.path.join(folder, number)
            if not re.fullmatch(r"[0-9]{8}", number, re.ASCII) or not os.path.isdir(path) or number == "00000000":
                self.report.finding(
                    "custody_extra", "No seal and no rule of the format knows this file.", path=f"{CUSTODY}/{name}/{number}"
                )
                continue
            issue = int(number)
            if not os.path.isfile(os.path.join(path, "seal")) or not is_file(os.path.join(path, "seal")):
                without.append(issue)
                continue
            if not chain.first:
                chain.first = issue
            if expected and issue > expected:
                missing.append((expected, issue - 1))
            expected = issue + 1
            self._seal(chain, issue, path)
        for issue in without:
            if issue > expected - 1:
                said = "Files without a seal: an issue that was not finished, or a seal that was removed. Nothing counts from them."
                self.report.note("unsealed", said, path=f"{CUSTODY}/{name}/{issue:08d}/")
        for first, last in missing:
            which = f"{first:08d}" if first == last else f"{first:08d}-{last:08d}"
            self.report.finding("seal_missing", "Numbers are consecutive, so the seal was removed.", path=f"{CUSTODY}/{name}/{which}/seal")

    def _seal(self, chain: Chain, issue: int, folder: str) -> None:
        where = f"{CUSTODY}/{chain.name}/{issue:08d}"
        path = os.path.join(folder, "seal")
        names = set(os.listdir(folder)) - {"seal"}
        if os.path.getsize(path) > LONGEST_SEAL:
            self.report.finding("seal_altered", "The file is too long for a seal.", path=f"{where}/seal")
            return
        with open(path, "rb") as file:
            data = file.read()
        sha256 = hashlib.sha256(data).hexdigest()
        try:
            line, key = opened(data)
        except Bad:
            self.report.finding("seal_altered", "The signature does not belong to these bytes.", path=f"{where}/seal")
            return
        try:
            body = parsed(line)
            known_format(body, "rokuon-seal")
            files = self._checked(body)
        except Bad as error:
            self.report.finding("seal_malformed", "Signed, and not as the format says: %(part)s.", path=f"{where}/seal", part=str(error))
            return
        if (body["chain"], body["issue"]) != (chain.name, issue) or body["key"] != fingerprint(digest_of_key(key)):
            said = "The seal says chain %(chain)s, issue %(issue)s: it was taken from another place."
            self.report.finding("seal_misplaced", said, path=f"{where}/seal", chain=str(body["chain"]), issue=body["issue"])
            return
        seal = Seal(issue, epoch(body["at"]), sha256, key, {name: value for name, value in body.items() if name != "files"})
        self._link(chain, seal, f"{where}/seal")
        chain.seals.append(seal)
        rows = [
            (chain.name, issue, seal.at, one["kind"], one["path"], one["bytes"], one["sha256"])
            + tuple(one.get(part) for part in ("target", "first", "last", "days"))
            for one in files
        ]
        self.db.executemany("INSERT INTO sealed VALUES (?,?,?,?,?,?,?,?,?,?,?,0)", rows)
        if f"{digest_of_key(key).hex()}.pub" not in self.key_files:
            self.key_files.add(f"{digest_of_key(key).hex()}.pub")
            if not self.options.scoped:
                self.report.finding("custody_missing", "The file is missing.", path=f"{CUSTODY}/keys/{digest_of_key(key).hex()}.pub")
        if "seal.tsr" in names:
            self._stamp(os.path.join(folder, "seal.tsr"), sha256, f"{where}/seal.tsr")
        for name in sorted(names - {one["path"] for one in files} - {"seal.tsr"}):
            if MANIFEST_NAME.match(name):
                self.report.note("unsealed", "Left by a try that did not end. Nothing counts from it.", path=f"{where}/{name}")
            else:
                self.report.finding("custody_extra", "No seal and no rule of the format knows this file.", path=f"{where}/{name}")

    def _stamp(self, path: str, sha256: str, where: str) -> None:
        """An answer of RFC 3161 contains the hash that it stamps. Its own signature is for `openssl ts -verify`."""
        with open(path, "rb") as file:
            data = file.read(LONGEST_LINE)
        if bytes.fromhex(sha256) in data:
            self.stamps += 1
        else:
            self.report.finding("custody_altered", "The time stamp is not of this seal.", path=where)

    def _checked(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the files of a seal. Raises Bad."""
        files: list[dict[str, Any]]
        _bucket, chain, _company, files, _installation, _issue, _key = take(
            body,
            bucket=text,
            chain=text,
            company=text,
            files=lambda value: isinstance(value, list),
            installation=text,
            issue=whole,
            key=text,
        )
        at = epoch(body.get("at"))
        take(take(body, totals=lambda value: isinstance(value, dict))[0], **dict.fromkeys(TOTALS, whole))
        if not HEX16.match(chain):
            raise Bad("chain")
        if ("next_by" in body) == ("closed" in body) or not text(body.get("closed", "")):
            raise Bad("next_by")
        if "next_by" in body and not at < epoch(body["next_by"]) <= at + PROMISE_S:
            raise Bad("next_by")
        if "names_until" in body and epoch(body["names_until"]) > at:
            raise Bad("names_until")
        if "rotate" in body:
            key_of_line(str(take(body, rotate=lambda value: isinstance(value, dict))[0].get("to")))
        if "retention" in body:
            take(take(body, retention=lambda value: isinstance(value, dict))[0], days=whole)
        for name in ("previous", "continues"):
            if name in body:
                take(take(body, **{name: lambda value: isinstance(value, dict)})[0], issue=whole, sha256=hex64)
        if "continues" in body:
            take(body["continues"], chain=text, why=text)
        paths = set()
        for one in files:
            if not isinstance(one, dict):
                raise Bad("files")
            path, sha256, kind = take(one, path=text, sha256=hex64, kind=text, bytes=whole)[:3]
            form = MANIFEST_NAME.match(path)
            if not form or form[1] != sha256[:16] or path in paths or kind not in ("manifest", "receipts"):
                raise Bad("files")
            paths.add(path)
            if kind == "manifest":
                _target, first, last, days = take(one, target=text, first=day, last=day, days=whole)
                if first > last or days == 0:
                    raise Bad("files")
        return files

    def _link(self, chain: Chain, seal: Seal, where: str) -> None:
        """Check a seal against the one before it, if that one is there."""
        before = chain.seals[-1] if chain.seals and chain.seals[-1].issue == seal.issue - 1 else None
        previous = seal.body.get("previous")
        if (previous is None) != (seal.issue == 1) or ("continues" in seal.body and seal.issue != 1):
            self.report.finding("chain_broken", "The seal names no seal before it.", path=where)
        elif previous is not None and previous["issue"] != seal.issue - 1:
            self.report.finding("chain_broken", "The seal names another seal than the one before it.", path=where)
        if seal.at > self.options.now + CLOCK_S:
            self.report.finding(
                "seal_future", "The seal is of %(at)s, which is in the future. Check the clocks.", path=where, at=seal.body["at"]
            )
        if before is None:
            return
        if previous is not None and previous["sha256"] != before.sha256:
            self.report.finding("chain_broken", "The seal before it is not the one that this seal names.", path=where)
        if seal.at < before.at:
            self.report.finding("chain_broken", "The seal is older than the seal before it.", path=where)
        if "closed" in before.body:
            self.report.finding("chain_broken", "The chain was closed before this seal.", path=where)
        for part in ("bucket", "company", "installation"):
            if seal.body[part] != before.body[part]:
                said = "%(part)s differs from the seal before it: it was taken from another place."
                self.report.finding("seal_misplaced", said, path=where, part=part)
        if seal.key != next_key(before):
            said = "Signed by %(key)s, which the seal before it does not announce."
            self.report.finding("key_changed", said, path=where, key=fingerprint(digest_of_key(seal.key)))

    def _families(self) -> None:
        """Follow `continues`: chains that continue one another are one family."""
        taken: dict[str, str] = {}
        for chain in self.chains.values():
            line, now = {chain.name}, chain
            while now.continues and now.continues["chain"] in self.chains and now.continues["chain"] not in line:
                now = self.chains[now.continues["chain"]]
                line.add(now.name)
                chain.depth += 1
            chain.family = now.name
            link = chain.continues
            if not link:
                continue
            where = f"{CUSTODY}/{chain.name}/00000001/seal"
            old = self.chains.get(link["chain"])
            if old is None:
                said = "It continues chain %(chain)s, of which no seal is here."
                self.report.finding("seal_missing", said, path=where, chain=link["chain"])
                continue
            end = old.seal(link["issue"])
            if end is None or end.sha256 != link["sha256"]:
                self.report.finding("chain_broken", "The seal that it continues is missing or another one.", path=where)
            if old.head.issue > link["issue"] or taken.setdefault(old.name, chain.name) != chain.name:
                self.report.finding("fork", "The chain that it continues has another continuation too.", path=where)
            if link["why"] == "key_lost":
                said = "The old key was lost, and this key is not vouched for by it. Ask the company to confirm %(key)s, then use --trust."
                self.report.note("key_lost", said, path=where, key=fingerprint(digest_of_key(chain.seals[0].key)))
            elif end is not None and chain.seals[0].key != next_key(end):
                said = "Signed by %(key)s, which the seal before it does not announce."
                self.report.finding("key_changed", said, path=where, key=fingerprint(digest_of_key(chain.seals[0].key)))

    def _trust(self) -> None:
        """A trusted key vouches for its seals, for all seals before them (by hash), and for the keys that they announce."""
        for chain in self.chains.values():
            chain.trusted = any(fingerprint(digest_of_key(seal.key)) in self.options.trust for seal in chain.seals)
        before = -1
        while before != (before := sum(chain.trusted for chain in self.chains.values())):
            for chain in self.chains.values():
                old = self.chains.get(chain.continues["chain"]) if chain.continues else None
                if old is not None and chain.continues is not None:
                    old.trusted = old.trusted or chain.trusted
                    end = old.seal(chain.continues["issue"])
                    same = end is not None and chain.continues["why"] != "key_lost" and chain.seals[0].key == next_key(end)
                    chain.trusted = chain.trusted or (old.trusted and same)
        if not self.options.trust:
            return
        for chain in self.chains.values():
            if not chain.trusted:
                said = "Signed by %(key)s, which --trust does not name. Nothing counts from this chain."
                self.report.finding("untrusted", said, path=f"{CUSTODY}/{chain.name}/", key=fingerprint(digest_of_key(chain.head.key)))

    def counting(self) -> list[Chain]:
        """Return the chains whose statements count."""
        return [chain for chain in self.chains.values() if chain.trusted or not self.options.trust]

    def leaves(self) -> list[Chain]:
        """Return the chains that count and that no other one continues."""
        continued = {chain.continues["chain"] for chain in self.counting() if chain.continues}
        return [chain for chain in self.counting() if chain.name not in continued]

    def retention_s(self, chain: Chain) -> int:
        """Return after how many seconds the bucket's own rule deletes, as the latest seal of the family that knows it says; 0 if none."""
        family = sorted((one for one in self.counting() if one.family == chain.family), key=lambda one: one.depth)
        days = [seal.body["retention"]["days"] for one in family for seal in one.seals if "retention" in seal.body]
        return days[-1] * 86400 if days else 0

    def _beginning(self, chain: Chain) -> None:
        if chain.first <= 1:
            return
        keeps = self.retention_s(chain)
        if keeps and chain.seals[0].at + keeps <= self.options.now + 2 * 86400:
            self.report.note(
                "expired", "The chain begins here: the bucket's own rule deleted what was before.", path=f"{CUSTODY}/{chain.name}/"
            )
            self.report.expired = True
        else:
            which = f"{1:08d}-{chain.first - 1:08d}"
            self.report.finding(
                "seal_missing", "Numbers are consecutive, so the seal was removed.", path=f"{CUSTODY}/{chain.name}/{which}/seal"
            )

    def _same_bucket(self) -> None:
        counting = self.counting()
        for part in ("bucket", "company"):
            if len({chain.head.body[part] for chain in counting}) > 1:
                for chain in counting:
                    said = "Chains of several places: %(part)s is %(value)s."
                    where = f"{CUSTODY}/{chain.name}/"
                    self.report.finding("seal_misplaced", said, path=where, part=part, value=chain.head.body[part])

    def _heads(self) -> None:
        for number, sha256 in self.options.head:
            if not any(seal.issue == number and seal.sha256 == sha256 for chain in self.counting() for seal in chain.seals):
                said = "No chain has seal %(issue)s with this SHA-256: the bucket was rolled back or rewritten."
                self.report.finding("head_differs", said, issue=number)
        for chain in self.leaves():
            due = chain.head.body.get("next_by")
            if due is not None and epoch(due) < self.options.now:
                said = (
                    "The next seal was due by %(due)s. Rokuon has stopped, or the newest seals were removed: ask for the latest seal's "
                    "number."
                )
                self.report.note("stale", said, path=f"{CUSTODY}/{chain.name}/{chain.head.issue:08d}/seal", due=due)
                self.report.unproven = True
            if "names_until" in chain.head.body:
                said = (
                    "What was stored since %(at)s is named by a later seal: days still wait, or the database was restored and what it lacks "
                    "is listed again."
                )
                where = f"{CUSTODY}/{chain.name}/{chain.head.issue:08d}/seal"
                self.report.note("partial", said, path=where, at=chain.head.body["names_until"])
                self.report.partial = True
        if self.stamps:
            said = "%(count)s time stamps name their seal. Their own signatures: openssl ts -verify."
            self.report.note("stamped", said, count=self.stamps)


def names_until(seal: Seal) -> int:
    """Return the second until which this seal and those before it name what was stored."""
    return epoch(seal.body["names_until"]) if "names_until" in seal.body else seal.at


def next_key(seal: Seal) -> bytes:
    return key_of_line(seal.body["rotate"]["to"]) if "rotate" in seal.body else seal.key


def sha256_of_file(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


# ---------------------------------------------------------------------------------------------------------------------------------------
# Step 2 and 3: the files that seals list, newest issue first. The first revision of a target's day that is met is the one that counts.

TOTALS = ("bytes", "days", "erased", "explained", "open", "verified")
STATES = ("erased", "excluded", "failed", "gone", "pending", "verified")

TABLES = """
CREATE TABLE sealed (chain TEXT, issue INT, at INT, kind TEXT, path TEXT, bytes INT, sha256 TEXT, target TEXT, first TEXT, last TEXT,
                     days INT, good INT);
CREATE TABLE receipt (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE redacted (chain TEXT, issue INT, path TEXT, sha256 TEXT);
CREATE TABLE day (id INTEGER PRIMARY KEY, family TEXT, chain TEXT, issue INT, kind TEXT, target TEXT, folder TEXT, day TEXT, revision INT,
                  counts INT, verified INT, explained INT, open INT, erased INT, bytes INT, complete INT);
CREATE INDEX day_by_name ON day (family, target, kind, day);
CREATE TABLE erased (receipt TEXT, day INT);
CREATE TABLE pending (key BLOB);
CREATE TABLE aside (key BLOB);
CREATE TABLE drawn (key BLOB PRIMARY KEY, line INT) WITHOUT ROWID;
CREATE TABLE line (key BLOB, day INT, file INT, place INT, size INT, sha256 BLOB, md5 TEXT, etag TEXT, crc32c TEXT, generation TEXT, at INT,
                   name BLOB);
CREATE TABLE object (key BLOB, name BLOB, size INT, sha256 BLOB, md5 TEXT, etag TEXT, crc32c TEXT, generation TEXT, created INT);
CREATE TABLE gone (line INT);
CREATE TABLE stray (key BLOB, name BLOB, size INT, sha256 BLOB, md5 TEXT, crc32c TEXT, created INT, renamed INT, older INT,
                    pending INT);
"""


class Manifests:
    def __init__(self, seals: Seals, db: sqlite3.Connection, report: Findings, options: argparse.Namespace) -> None:
        self.seals, self.db, self.report, self.options = seals, db, report, options

    def read(self) -> None:
        chains = sorted(self.seals.counting(), key=lambda chain: (-chain.depth, chain.name))
        for chain in chains:
            for row in self._rows(chain, "receipts"):
                self._receipts(chain, row)
        found = 0
        for chain in chains:
            for row in self._rows(chain, "manifest"):
                found += 1
                self._manifest(chain, row)
        if self.options.target and not found and self.seals.chains:
            known = [name for (name,) in self.db.execute("SELECT DISTINCT target FROM sealed WHERE kind = 'manifest' ORDER BY 1 LIMIT 20")]
            said = "No seal names a manifest of target %(target)s in these days. There are: %(known)s"
            raise Refused(say(said, target=self.options.target, known=", ".join(known)))
        self._receipts_exist()
        if not self.options.scoped:
            for chain in chains:
                self._totals(chain)

    def _rows(self, chain: Chain, kind: str) -> Iterator[Row]:
        rows = self.db.execute(
            "SELECT rowid, issue, at, path, bytes, sha256, target, first, last, days FROM sealed WHERE chain = ? AND kind = ?"
            " ORDER BY issue DESC, path",
            (chain.name, kind),
        )
        return (row for row in rows if kind == "receipts" or self.options.wants(row[6], row[7], row[8]))

    def _whole(self, chain: Chain, row: Row) -> str | None:
        """Return the path of a file whose bytes are those that the seal names; None, and a finding or an explanation, if it is not."""
        rowid, issue, at, name, size, sha256 = row[:6]
        where = f"{CUSTODY}/{chain.name}/{issue:08d}/{name}"
        path = os.path.join(self.seals.folder, chain.name, f"{issue:08d}", name)
        if not os.path.lexists(path):
            keeps = self.seals.retention_s(chain)
            if keeps and at + keeps <= self.options.now:
                self.report.note("expired", "Deleted by the bucket's own rule.", path=where)
                self.report.expired = True
            elif self._redacted(chain, row, where):
                self.report.note("redacted", "Removed under a sealed receipt. Later revisions replace all of it.", path=where)
            else:
                self.report.finding("custody_missing", "The seal lists this file, and it is missing.", path=where)
                self.report.lost = True
            return None
        if not is_file(path) or os.path.getsize(path) != size or sha256_of_file(path) != sha256:
            self.report.finding("custody_altered", "These are not the bytes that the seal lists.", path=where)
            self.report.lost = True
            return None
        self.db.execute("UPDATE sealed SET good = 1 WHERE rowid = ?", (rowid,))
        return path

    def _redacted(self, chain: Chain, row: Row, where: str) -> bool:
        """Whether a receipt declares the file removed and nothing counts from it: its days have later revisions, which are read already."""
        _rowid, issue, _at, name, _size, sha256, target, first, last, days = row
        known = self.db.execute("SELECT 1 FROM redacted WHERE (chain, issue, path, sha256) = (?,?,?,?)", (chain.name, issue, name, sha256))
        if not known.fetchone():
            return False
        later = {
            found
            for (found,) in self.db.execute(
                "SELECT DISTINCT day FROM day WHERE family = ? AND target = ? AND day BETWEEN ? AND ? AND NOT (chain = ? AND issue <= ?)",
                (chain.family, target, first, last, chain.name, issue),
            )
        }
        if first in later and last in later and len(later) >= days:
            return True
        self.report.finding("redaction_differs", "A receipt declares it removed, but days still count from it.", path=where)
        return True

    def _receipts(self, chain: Chain, row: Row) -> None:
        path = self._whole(chain, row)
        if path is None:
            return
        where = f"{CUSTODY}/{chain.name}/{row[1]:08d}/{row[3]}"
        try:
            with open(path, "rb") as file:
                self._same_head(chain, row, parsed(file.readline(LONGEST_LINE)), "rokuon-receipts")
                for line in iter(lambda: file.readline(LONGEST_LINE), b""):
                    one = parsed(line)
                    (name,) = take(one, receipt=text)
                    self.db.execute("INSERT OR IGNORE INTO receipt VALUES (?)", (name,))
                    for gone in one.get("redacted", ()):
                        self.db.execute(
                            "INSERT INTO redacted VALUES (?,?,?,?)", take(gone, chain=text, issue=whole, path=text, sha256=hex64)
                        )
        except (Bad, AttributeError, TypeError) as error:
            self.report.finding("custody_malformed", "Signed, and not as the format says: %(part)s.", path=where, part=str(error))

    def _same_head(self, chain: Chain, row: Row, head: dict[str, Any], kind: str) -> None:
        known_format(head, kind)
        if (head.get("chain"), head.get("issue")) != (chain.name, row[1]):
            raise Bad("chain")

    def _manifest(self, chain: Chain, row: Row) -> None:
        path = self._whole(chain, row)
        if path is None:
            return
        where = f"{CUSTODY}/{chain.name}/{row[1]:08d}/{row[3]}"
        place = 0
        lines: list[Row] = []
        try:
            with open(path, "rb") as file:
                head = file.readline(LONGEST_LINE)
                place += len(head)
                kind, target, folder = self._head(chain, row, parsed(head))
                before, days = "", 0
                for line in iter(lambda: file.readline(LONGEST_LINE), b""):
                    place += len(line)
                    record = parsed(line)
                    (name,) = take(record, day=day)
                    if name <= before or not row[7] <= name <= row[8]:
                        raise Bad("day")
                    before, days = name, days + 1
                    day_id, counts = self._day(chain, row[1], (kind, target, folder), record, where)
                    place, summed = self._lines(file, record, (day_id, row[0], place), lines if counts else None)
                    self._sums(record, summed, f"{folder}/{name}", where)
                    self.db.execute("UPDATE day SET bytes = ? WHERE id = ?", (summed["bytes"], day_id))
                if days != row[9]:
                    raise Bad("days")
        except (Bad, AttributeError, TypeError) as error:
            self.report.finding("custody_malformed", "Signed, and not as the format says: %(part)s.", path=where, part=str(error))
        self.db.executemany("INSERT INTO line VALUES (?,?,?,?,?,?,?,?,?,?,NULL,NULL)", lines)

    def _head(self, chain: Chain, row: Row, head: dict[str, Any]) -> tuple[str, str, str]:
        self._same_head(chain, row, head, "rokuon-manifest")
        bucket, company, folder, target, _zone = take(
            head, bucket=text, company=text, folder=text, target=lambda value: isinstance(value, dict), zone=text
        )
        kind, name = take(target, kind=text, id=text)
        if name != row[6] or (bucket, company) != (chain.head.body["bucket"], chain.head.body["company"]):
            raise Bad("target")
        return kind, name, folder

    def _day(self, chain: Chain, issue: int, target: tuple[str, str, str], record: dict[str, Any], where: str) -> tuple[int, bool]:
        """Enter a target's day; return its id, and whether its lines count."""
        revision, explained, unexplained, copies = take(
            record, revision=whole, explained=whole, open=whole, copies=lambda value: isinstance(value, dict)
        )
        verified, erased = take(copies, verified=whole, erased=whole)
        kind, name, folder = target
        newer = self.db.execute(
            "SELECT chain, issue, revision FROM day WHERE (family, target, kind, day) = (?,?,?,?) ORDER BY id DESC",
            (chain.family, name, kind, record["day"]),
        ).fetchall()
        if newer and newer[0][:2] == (chain.name, issue):
            raise Bad("day")
        if newer and newer[0][2] <= revision:
            said = "%(day)s: revision %(revision)s is not below the later revision %(later)s."
            self.report.finding("revision_differs", said, path=where, day=record["day"], revision=revision, later=newer[0][2])
        counts = 2 if not newer else 1 if all(one[0] != chain.name for one in newer) else 0
        wanted = self.options.wants(name, record["day"], record["day"])
        done = self.db.execute(
            "INSERT INTO day VALUES (NULL,?,?,?,?,?,?,?,?,?,?,?,?,?,0,?)",
            (chain.family, chain.name, issue, kind, name, folder, record["day"], revision, counts if wanted else -1, verified, explained)
            + (unexplained, erased, int(record.get("verdict") == "complete")),
        )
        return int(done.lastrowid or 0), counts == 2 and wanted

    def _lines(
        self, file: io.BufferedReader, record: dict[str, Any], ids: tuple[int, int, int], into: list[Row] | None
    ) -> tuple[int, dict[str, int]]:
        """Read the lines of a day; return the place behind them and what they add up to. Raises Bad."""
        (count,) = take(record, lines=whole)
        day_id, file_id, place = ids
        summed = dict.fromkeys((*STATES, "without_recording", "elsewhere", "explained", "open", "bytes"), 0)
        for _ in range(count):
            data = file.readline(LONGEST_LINE)
            line = parsed(data)
            state = line.get("state")
            if state == "verified":
                row = checked(line)
                if "bucket" in line:
                    summed["elsewhere"] += 1
                else:
                    summed["verified"] += 1
                    summed["bytes"] += line["size"]
                    if into is not None:
                        into.append((row[0], day_id, file_id, place, *row[1:]))
            elif state in STATES or state == "without_recording":
                summed[state] += 1
                closed = state in ("excluded", "erased") or (state != "pending" and "closed" in line)
                summed["explained" if closed else "open"] += 1
                if state == "erased" and into is not None:
                    self.db.execute("INSERT INTO erased VALUES (?,?)", (*take(line, receipt=text), day_id))
                if state == "pending" and "key_sha256" in line:
                    (key,) = take(line, key_sha256=hex64)
                    if into is not None:
                        self.db.execute("INSERT INTO pending VALUES (?)", (bytes.fromhex(key),))
            else:
                raise Bad("state")
            for one in line.get("aside", ()):
                row = checked(one)
                if into is not None:
                    into.append((row[0], day_id, file_id, place, *row[1:]))
                    self.db.execute("INSERT INTO aside VALUES (?)", (row[0],))
            place += len(data)
        return place, summed

    def _sums(self, record: dict[str, Any], summed: dict[str, int], folder: str, where: str) -> None:
        """The certificate of a day has to be what its lines say."""
        copies, calls = take(record, copies=lambda value: isinstance(value, dict), calls=lambda value: isinstance(value, dict))
        without, elsewhere = take(calls, without_recording=whole)[0], take(record, elsewhere=whole)[0]
        discovered = take(copies, discovered=whole, **dict.fromkeys(STATES, whole))[0]
        listed, recorded = take(calls, listed=whole, recorded=whole)
        verdict = "unlisted" if "listed_at" not in record else "incomplete" if record["open"] else "complete"
        right = (
            all(copies[state] == summed[state] for state in STATES)
            and discovered == sum(summed[state] for state in STATES)
            and (without, elsewhere) == (summed["without_recording"], summed["elsewhere"])
            and (record["explained"], record["open"]) == (summed["explained"], summed["open"])
            and discovered + without == copies["verified"] + record["explained"] + record["open"]
            and record["lines"] == discovered + without + elsewhere
            and without <= recorded <= listed
            and record.get("verdict") == verdict
        )
        if not right:
            self.report.finding("sums_differ", "%(day)s: the sums of the day are not those of its lines.", path=where, day=folder)

    def _receipts_exist(self) -> None:
        if self.report.expired or self.report.lost:
            return
        query = (
            "SELECT DISTINCT receipt, folder, day.day FROM erased JOIN day ON day.id = erased.day"
            " WHERE receipt NOT IN (SELECT name FROM receipt)"
        )
        for name, folder, of_day in self.db.execute(query):
            said = "A recording counts as erased under receipt %(receipt)s, which no seal lists."
            self.report.finding("receipt_missing", said, folder=folder, day=of_day, receipt=name)

    def _totals(self, chain: Chain) -> None:
        """The latest revisions of the chain's days add up to the totals of its head."""
        if self.report.lost:
            return
        summed = self.db.execute(
            "SELECT total(bytes), count(*), total(erased), total(explained), total(open), total(verified) FROM day"
            " WHERE chain = ? AND counts > 0",
            (chain.name,),
        ).fetchone()
        for name, value in zip(TOTALS, summed):
            sealed = chain.head.body["totals"][name]
            if int(value) > sealed or (int(value) < sealed and not self.report.expired):
                said = "The days add up to %(name)s %(value)s, the seal says %(sealed)s."
                where = f"{CUSTODY}/{chain.name}/{chain.head.issue:08d}/seal"
                self.report.finding("totals_differ", said, path=where, name=name, value=int(value), sealed=sealed)


def checked(line: dict[str, Any]) -> Row:
    """Return key hash, size, SHA-256, MD5, ETag, CRC32C and generation of a line. Raises Bad."""
    try:
        key, size, sha256 = bytes.fromhex(line["key_sha256"]), line["size"], bytes.fromhex(line["sha256"])
        rest = (line.get("md5"), line.get("etag"), line.get("crc32c"), line.get("generation"))
        if len(key) != 32 or len(sha256) != 32 or type(size) is not int or not 0 <= size < 2**53:
            raise Bad("verified")
        if not all(one is None or type(one) is str for one in rest):
            raise Bad("verified")
    except (KeyError, ValueError, TypeError):
        raise Bad("verified") from None
    return (key, size, sha256, *rest)


# ---------------------------------------------------------------------------------------------------------------------------------------
# Step 4: what is there. A downloaded folder, or a listing in one of seven shapes, which its first characters tell.


class Object(NamedTuple):
    """One object. Checksums are bytes (SHA-256), base64 (MD5, CRC32C as Google shows them) or as they came (ETag); `created` in seconds."""

    name: bytes
    size: int | None = None
    sha256: bytes | None = None
    md5: str | None = None
    etag: str | None = None
    crc32c: str | None = None
    generation: str | None = None
    created: int | None = None
    bucket: str | None = None


def in_folder(top: str, wants: Callable[[bytes], bool], *, read: bool) -> Iterator[Object]:
    """Yield the files below a folder `call-recordings`; links are not followed and count as no files."""

    def fail(error: OSError) -> None:
        raise error

    root = os.fsencode(top)
    for folder, folders, names in os.walk(root, onerror=fail):
        folders.sort()
        for each in sorted(names):
            path = os.path.join(folder, each)
            name = TOP.encode() + b"/" + os.path.relpath(path, root).replace(os.sep.encode(), b"/")
            if not wants(name):
                continue
            if not is_file(os.fsdecode(path)):
                yield Object(name)
                continue
            sha256 = bytes.fromhex(sha256_of_file(os.fsdecode(path))) if read else None
            yield Object(name, os.path.getsize(path), sha256)


def in_listing(path: str) -> Iterator[Object]:
    """Yield the objects of a listing. Raises Refused if it cannot be read, or has none of the shapes that the verifier knows."""
    with open(path, "rb") as raw:
        start = raw.read(4)
        raw.seek(0)
        stream: Any = gzip.open(raw) if start[:2] == b"\x1f\x8b" else raw
        encoding = "utf-16" if start[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        with io.TextIOWrapper(stream, encoding=encoding, errors="surrogateescape", newline="") as file:
            try:
                yield from _by_shape(file)
            except (csv.Error, EOFError, UnicodeError, gzip.BadGzipFile, RecursionError) as error:
                raise Refused(say("%(path)s cannot be read: %(why)s.", path=path, why=str(error))) from error
            except (Bad, KeyError, ValueError, TypeError, AttributeError, IndexError):
                said = (
                    "%(path)s has none of the shapes that can be read: gcloud storage ls --recursive --json, gcloud storage objects list "
                    "--format=json, Storage Insights CSV with a header, aws s3api list-objects-v2, S3 Inventory CSV, rclone lsjson -R "
                    "--hash, sha256sum. Or it was cut off: make it again."
                )
                raise Refused(say(said, path=path)) from None


def _by_shape(file: io.TextIOWrapper) -> Iterator[Object]:
    line = file.readline(LONGEST_LINE)
    while line and not line.strip():
        line = file.readline(LONGEST_LINE)
    if line.lstrip()[:1] in ("[", "{"):
        yield from _json_shapes(Elements(file, line))
    elif re.match(r"\\?[0-9a-f]{64} [ *]", line):
        yield from map(_sha256sum, itertools.chain([line], file))
    elif line:
        rows = csv.reader(itertools.chain([line], file))
        first = next(rows)
        if {"name", "bucket", "size"} <= set(first):
            yield from (_insights(dict(zip(first, row))) for row in rows if row)
        else:
            found = map(_s3_inventory, (row for row in itertools.chain([first], rows) if row))
            yield from (one for one in found if one is not None)
    else:
        raise Bad("empty")


class Elements:
    """Reads a JSON array, or the array `Contents` of an object, element by element, so that it may be of any length. Raises ValueError."""

    def __init__(self, file: io.TextIOWrapper, start: str) -> None:
        self.file, self.buffer, self.at = file, start, 0
        self.decoder = json.JSONDecoder()

    def _more(self) -> bool:
        block = self.file.read(1 << 18)
        self.buffer, self.at = self.buffer[self.at :] + block, 0
        return bool(block)

    def char(self) -> str:
        """Return the next character that is no white space, without consuming it."""
        while True:
            while self.at < len(self.buffer):
                if self.buffer[self.at] not in " \t\r\n":
                    return self.buffer[self.at]
                self.at += 1
            if not self._more():
                raise ValueError("cut off")

    def expect(self, char: str) -> None:
        if self.char() != char:
            raise ValueError(char)
        self.at += 1

    def value(self) -> Any:
        self.char()
        while True:
            try:
                value, end = self.decoder.raw_decode(self.buffer, self.at)
                if end < len(self.buffer) or not self._more():
                    self.at = end if end <= len(self.buffer) else self.at
                    return value
            except ValueError:
                if len(self.buffer) - self.at > LONGEST_SEAL or not self._more():
                    raise

    def array(self) -> Iterator[Any]:
        self.expect("[")
        if self.char() == "]":
            self.at += 1
            return
        while True:
            yield self.value()
            if self.char() == "]":
                self.at += 1
                return
            self.expect(",")


def _json_shapes(elements: Elements) -> Iterator[Object]:
    if elements.char() == "[":
        for one in elements.array():
            found = _json_object(one)
            if found is not None:
                yield found
        return
    elements.expect("{")
    seen = False
    while elements.char() != "}":
        name = elements.value()
        elements.expect(":")
        if name == "Contents" and not seen:
            seen = True
            yield from map(_aws, elements.array())
        else:
            value = elements.value()
            if (name, bool(value)) in (("IsTruncated", True), ("NextToken", True), ("NextContinuationToken", True)):
                raise Refused(say("The listing was cut off after a page. List without --max-items and --no-paginate."))
        if elements.char() == ",":
            elements.at += 1
    if not seen:
        raise Bad("Contents")


def _json_object(one: dict[str, Any]) -> Object | None:
    """An element of an array: of rclone, of gcloud storage objects list, or of gcloud storage ls. None for what is no live object."""
    if "Path" in one:
        hashes = {name.lower().replace("-", ""): value for name, value in (one.get("Hashes") or {}).items()}
        if one.get("IsDir"):
            return None
        sha256 = bytes.fromhex(hashes["sha256"]) if hashes.get("sha256") else None
        crc32c = to_base64(hashes["crc32c"]) if hashes.get("crc32c") else None
        return Object(as_bytes(one["Path"]), one["Size"], sha256, to_base64(hashes.get("md5")), None, crc32c)
    if "storage_url" in one and "name" in one:
        if one.get("noncurrent_time"):
            return None
        return Object(
            as_bytes(one["name"]), int(one["size"]), None, one.get("md5_hash"), None, one.get("crc32c_hash"), str(one["generation"]),
            epoch(one["creation_time"]), one.get("bucket"),
        )  # fmt: skip
    if "url" in one and one.get("type") != "cloud_object":
        return None  # a prefix or a managed folder
    meta = one.get("metadata", one)
    if meta.get("timeDeleted"):
        return None
    return Object(
        as_bytes(meta["name"]), int(meta["size"]), None, meta.get("md5Hash"), None, meta.get("crc32c"), str(meta["generation"]),
        epoch(meta["timeCreated"]), meta["bucket"],
    )  # fmt: skip


def _aws(one: dict[str, Any]) -> Object:
    etag = str(one["ETag"]).strip('"')
    return Object(as_bytes(one["Key"]), int(one["Size"]), None, md5_of_etag(etag), etag, None, None, epoch(one["LastModified"]))


def md5_of_etag(etag: str | None) -> str | None:
    """On S3 the ETag of an object that was written in one part is its MD5."""
    return to_base64(etag) if etag and re.fullmatch(r"[0-9a-f]{32}", etag) else None


def _insights(row: dict[str, str]) -> Object:
    created = epoch(row["timeCreated"]) if row.get("timeCreated") else None
    return Object(
        as_bytes(row["name"]), int(row["size"]), None, row.get("md5Hash") or None, None, row.get("crc32c") or None,
        row.get("generation") or None, created, row["bucket"],
    )  # fmt: skip


ETAG = re.compile(r'"?([0-9a-f]{32}(?:-\d+)?)"?\Z')


def _s3_inventory(row: list[str]) -> Object | None:
    """Bucket, key (URL-encoded), perhaps version and two flags, size, then what was chosen; no header. None for what is not current."""
    flags = [one.lower() for one in row[3:5]]
    versions = len(flags) == 2 and set(flags) <= {"true", "false"}
    if versions and (flags[0] == "false" or flags[1] == "true"):
        return None
    place = 5 if versions else 2
    size = int(row[place])
    etag = next((match[1] for match in map(ETAG.match, row[place + 1 :]) if match), None)
    created = next((epoch(one) for one in row[place + 1 :] if TIME.match(one)), None)
    name = as_bytes(urllib.parse.unquote_plus(row[1], errors="surrogateescape"))
    return Object(name, size, None, md5_of_etag(etag), etag, None, None, created, row[0])


def _sha256sum(line: str) -> Object:
    line = line.rstrip("\r\n")
    if not line:
        return Object(b"")
    if not re.match(r"\\?[0-9a-f]{64} [ *].", line):
        raise Bad("sha256sum")
    escaped, line = line.startswith("\\"), line.lstrip("\\")
    name = line[66:]
    if escaped:
        name = re.sub(r"\\([\\nr])", lambda match: {"n": "\n", "r": "\r"}.get(match[1], "\\"), name)
    return Object(as_bytes(name), None, bytes.fromhex(line[:64]))


def as_bytes(name: str) -> bytes:
    try:
        return name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return name.encode("utf-8", "surrogatepass")


def to_base64(hexadecimal: str | None) -> str | None:
    return base64.b64encode(bytes.fromhex(hexadecimal)).decode() if hexadecimal else None


def below_top(name: bytes) -> bytes | None:
    """Return the name from `call-recordings/` on; None if it is not in there."""
    top = TOP.encode() + b"/"
    if name.startswith(top):
        return name
    at = name.find(b"/" + top)
    return name[at + 1 :] if at >= 0 else None


def folder_and_day(name: bytes) -> tuple[str, str]:
    """Return folder and day of an object's name; empty where the name has none."""
    parts = name.decode("utf-8", "surrogateescape").split("/")
    if len(parts) == 5 and parts[1] == ".rokuon-aside":
        del parts[1]
    return (parts[1], parts[2]) if len(parts) == 4 and DAY.match(parts[2]) else ("", "")


class Recordings:
    """Compares the lines that count with the objects that are there: both sorted by the hash of their name, side by side."""

    def __init__(self, seals: Seals, db: sqlite3.Connection, report: Findings, options: argparse.Namespace) -> None:
        self.seals, self.db, self.report, self.options = seals, db, report, options
        live = [names_until(chain.head) for chain in seals.leaves() if "closed" not in chain.head.body]
        self.sealed_until = min(live) if live else max((chain.head.at for chain in seals.leaves()), default=0)
        self.folders = {name for (name,) in db.execute("SELECT DISTINCT folder FROM day WHERE counts >= 0")}
        self.weak = 0
        self.custody_listed = False
        self.buckets: set[str] = set()
        self.sample: SealedSample | None = None

    def load(self) -> None:
        objects: Iterable[Object]
        if self.options.sample:
            self.sample = SealedSample(self.db, self.seals, self.report, self.options)
            objects = self.sample.objects()
        elif self.options.listing:
            self._custody_lines()
            objects = itertools.chain.from_iterable(map(in_listing, self.options.listing))
        else:
            objects = in_folder(self.options.top, self.wants, read=not self.options.sums)
        self.db.executemany("INSERT INTO object VALUES (?,?,?,?,?,?,?,?,?)", self._rows(objects))
        if self.sample:
            return
        if self.options.listing:
            if not self.db.execute("SELECT 1 FROM object LIMIT 1").fetchone() and not self.options.scoped:
                raise Refused(say("No name in the listing begins with %(top)s/. List the whole bucket.", top=TOP))
            if not self.custody_listed:
                self.db.execute("DELETE FROM line WHERE name IS NOT NULL")
        elif self.options.sums:
            self._custody_lines()

    def _rows(self, objects: Iterable[Object]) -> Iterator[Row]:
        for one in objects:
            name = below_top(one.name)
            if name is None or (name.endswith(b"/") and not one.size):
                continue
            if one.bucket:
                self.buckets.add(one.bucket)
            self.custody_listed = self.custody_listed or name.startswith(f"{TOP}/{CUSTODY}/".encode())
            if self.wants(name):
                created = None if self.options.moved else one.created  # a copy was created when it was copied
                yield (hashlib.sha256(name).digest(), name, *one[1:7], created)

    def wants(self, name: bytes) -> bool:
        """Whether an object has to be accounted for: not Rokuon's own, and within what was asked for."""
        if self.sample:
            return self.sample.wants(name)
        second = name.split(b"/", 2)[1]
        if second == CUSTODY.encode():
            return bool(self.options.listing or self.options.sums) and not self.options.scoped
        if second.startswith(b".rokuon") and second != b".rokuon-aside":
            return False
        if not self.options.scoped:
            return True
        folder, of_day = folder_and_day(name)
        if not of_day or (self.options.target and folder not in self.folders):
            return False
        return bool(self.options.within(of_day, of_day))

    def _custody_lines(self) -> None:
        """The downloaded custody files have to be those of the listing, uploaded when they say."""
        if self.options.scoped:
            return
        times = {f"{chain.name}/{seal.issue:08d}/seal": seal.at for chain in self.seals.chains.values() for seal in chain.seals}
        for folder, folders, names in os.walk(self.seals.folder):
            folders.sort()
            for each in names:
                path = os.path.join(folder, each)
                short = os.path.relpath(path, self.seals.folder).replace(os.sep, "/")
                with open(path, "rb") as file:
                    md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
                    for block in iter(lambda file=file: file.read(1 << 20), b""):  # type: ignore[misc]
                        md5.update(block)
                        sha256.update(block)
                        size += len(block)
                name = as_bytes(f"{TOP}/{CUSTODY}/{short}")
                row = (hashlib.sha256(name).digest(), size, sha256.digest(), to_base64(md5.hexdigest()), times.get(short), name)
                self.db.execute("INSERT INTO line VALUES (?,NULL,NULL,NULL,?,?,?,NULL,NULL,NULL,?,?)", row)

    def compare(self) -> None:
        self._bucket_of_listing()
        lines = groups(self.db.execute("SELECT key, rowid, * FROM line ORDER BY key"))
        objects = groups(self.db.execute("SELECT * FROM object ORDER BY key"))
        key_l, line = next(lines, (b"", []))
        key_o, found = next(objects, (b"", []))
        while line or found:
            if line and (not found or key_l < key_o):
                self._one(line)
                self.db.execute("INSERT INTO gone VALUES (?)", (line[0][1],))
                key_l, line = next(lines, (b"", []))
            elif found and (not line or key_o < key_l):
                key, name, size, sha256, md5, _etag, crc32c, _generation, created = found[0]
                self.db.execute("INSERT INTO stray VALUES (?,?,?,?,?,?,?,0,0,0)", (key, name, size, sha256, md5, crc32c, created))
                key_o, found = next(objects, (b"", []))
            else:
                self._both(self._one(line), found)
                key_l, line = next(lines, (b"", []))
                key_o, found = next(objects, (b"", []))
        self._leftovers()

    def _bucket_of_listing(self) -> None:
        for chain in self.seals.leaves():
            sealed = chain.head.body["bucket"].partition("://")[2] or chain.head.body["bucket"]
            for bucket in sorted(self.buckets - {sealed}):
                if self.options.moved:
                    self.report.note("moved", "The seals are of %(sealed)s, the listing of %(bucket)s.", sealed=sealed, bucket=bucket)
                else:
                    said = "The seals are of %(sealed)s, the listing of %(bucket)s. If the bucket was moved: --moved."
                    self.report.finding("bucket_differs", said, sealed=sealed, bucket=bucket)

    def _one(self, lines: list[Row]) -> Row:
        """Return the line of a name. Two lines for one name are a finding, unless two chains say the same."""
        first = lines[0]
        for other in lines[1:]:
            same_family = self._of_day(first[3])["family"] == self._of_day(other[3])["family"]
            if same_family or first[6:8] != other[6:8]:
                code = "double" if same_family else "chains_disagree"
                said = "Two lines claim this recording." if same_family else "Two chains say different things of this recording."
                self.report.finding(code, said, **self._whose(first))
        return first

    def _of_day(self, day_id: int | None) -> dict[str, Any]:
        row = self.db.execute("SELECT family, folder, day, target, erased FROM day WHERE id = ?", (day_id,)).fetchone()
        return dict(zip(("family", "folder", "day", "target", "erased"), row or ("", "", "", "", 0)))

    def _whose(self, line: Row) -> dict[str, Any]:
        """Return what names a line for people: folder and day, and its ids, which are read again from its manifest."""
        if line[13] is not None:
            return {"path": shown(line[13])}
        of_day = self._of_day(line[3])
        where = {"folder": of_day["folder"], "day": of_day["day"], "target": of_day["target"]}
        record = self._record(line)
        return {**where, **{name: str(record[name]) for name in ("call", "recording") if name in record}}

    def _record(self, line: Row) -> dict[str, Any]:
        chain, issue, path = self.db.execute("SELECT chain, issue, path FROM sealed WHERE rowid = ?", (line[4],)).fetchone()
        with open(os.path.join(self.seals.folder, chain, f"{issue:08d}", path), "rb") as file:
            file.seek(line[5])
            return parsed(file.readline(LONGEST_LINE))

    def _both(self, line: Row, found: list[Row]) -> None:
        one = found[0]
        if len(found) > 1 and any(other != one for other in found):
            raise Refused(say("The listing names %(name)s twice. List the live objects only.", name=shown(one[1])))
        _key, _row, _k, of_day, _file, _place, size, sha256, md5, etag, crc32c, generation, at, name = line
        _, _, o_size, o_sha256, o_md5, o_etag, o_crc32c, o_generation, created = one
        differs, strong, weak = None, False, False
        pairs = (("SHA-256", sha256, o_sha256), ("MD5", md5, o_md5), ("ETag", None if md5 else etag, o_etag), ("CRC32C", crc32c, o_crc32c))
        if o_size is None and o_sha256 is None:
            differs = say("it is no file but a link or a device")
        elif o_size is not None and size != o_size:
            differs = say("%(what)s is %(is)s, sealed is %(sealed)s", what=say("size"), sealed=size, **{"is": o_size})
        for what, sealed, is_now in pairs if differs is None else ():
            if sealed is None or is_now is None:
                continue
            if sealed != is_now:
                sealed, is_now = (one.hex() if isinstance(one, bytes) else one for one in (sealed, is_now))
                differs = say("%(what)s is %(is)s, sealed is %(sealed)s", what=what, sealed=sealed, **{"is": is_now})
                break
            strong, weak = strong or what != "CRC32C", True
        if differs is None and generation and o_generation and not self.options.moved:
            if generation == o_generation:
                strong = strong or weak
            elif strong:
                self.report.note("rewritten", "Written again with the same bytes: same MD5, another generation.", **self._whose(line))
            else:
                differs = say("%(what)s is %(is)s, sealed is %(sealed)s", what=say("generation"), sealed=generation, **{"is": o_generation})
        if differs is not None:
            if self.sample:
                self.sample.is_there(_key, one[1])
            code = "changed" if of_day is not None else "custody_altered"
            self.report.finding(code, "Not what was sealed: %(differs)s.", differs=differs, **self._whose(line))
            self.report.count(self._of_day(of_day)["target"], "changed")
            return
        if at is not None and created is not None and abs(created - at) > CLOCK_S:
            said = "The seal says %(at)s, the store's clock said %(created)s when it was written."
            self.report.finding("seal_backdated", said, path=shown(name), at=iso(at), created=iso(created))
        if of_day is not None:
            self.weak += not strong
            self.report.present += 1
            if self.sample:
                self.sample.is_there(_key, one[1])
        if self.options.sums:
            self.report.sum_line(sha256, one[1])

    def show_sample(self) -> None:
        if self.sample:
            self.sample.show(self._whose)

    def _leftovers(self) -> None:
        """Explain lines without an object and objects without a line."""
        for column in ("sha256", "md5", "crc32c"):
            self.db.execute(f"CREATE INDEX stray_{column} ON stray ({column}, size)")
        for (rowid,) in self.db.execute("SELECT line FROM gone"):
            line = self.db.execute("SELECT key, rowid, * FROM line WHERE rowid = ?", (rowid,)).fetchone()
            self._missing(line)
        self.db.execute("UPDATE stray SET pending = 1 WHERE NOT renamed AND key IN (SELECT key FROM pending)")
        early = day_of(max(self.sealed_until - PROMISE_S, 0))
        self._named_before(early)
        for name, created, older, pending in self.db.execute(
            "SELECT name, created, older, pending FROM stray WHERE NOT renamed ORDER BY name"
        ):
            self._extra(name, created, older, pending, early)

    def _missing(self, line: Row) -> None:
        size, sha256, md5, crc32c = line[6], line[7], line[8], line[10]
        if line[13] is not None:
            said = "It was downloaded, and the listing does not have it."
            self.report.finding("custody_missing", said, **self._whose(line))
            return
        if self.sample and not self.options.listing:
            return  # it is to be fetched
        where, record = self._whose(line), self._record(line)
        for column, value in (("sha256", sha256), ("md5", md5), ("crc32c", crc32c)):
            query = f"SELECT rowid, name FROM stray WHERE {column} = ? AND (size = ? OR size IS NULL) AND NOT renamed LIMIT 1"  # noqa: S608
            other = self.db.execute(query, (value, size)).fetchone() if value is not None else None
            if other:
                self.db.execute("UPDATE stray SET renamed = 1 WHERE rowid = ?", (other[0],))
                self.report.finding("renamed", "Its bytes are now under the name %(name)s.", name=shown(other[1]), **where)
                self.report.count(where["target"], "missing")
                return
        keeps = max((self.seals.retention_s(chain) for chain in self.seals.leaves()), default=0)
        if keeps and "verified_at" in record and epoch(record["verified_at"]) + keeps <= self.options.now:
            self.report.expired_recordings += 1
            self.report.note("expired", "Deleted by the bucket's own rule.", **where)
            return
        said = "%(size)s bytes, sealed with SHA-256 %(sha256)s."
        self.report.finding("missing", said, size=size, sha256=sha256.hex(), **where)
        self.report.count(where["target"], "missing")

    def _young(self, name: bytes, created: int | None, early: str) -> bool:
        """Whether an object is newer than the last seal: by the store's clock, else by the day in its name."""
        if created is not None:
            return created > self.sealed_until - IN_FLIGHT_S
        return folder_and_day(name)[1] >= early

    def _named_before(self, early: str) -> None:
        """Mark the strays that an earlier revision names. The manifests are read again for that, only if there is something to explain."""
        strays = self.db.execute("SELECT name, created FROM stray WHERE NOT renamed AND NOT pending")
        if all(self._young(name, created, early) for name, created in strays):
            return
        for chain, issue, path in self.db.execute("SELECT chain, issue, path FROM sealed WHERE good AND kind = 'manifest'").fetchall():
            with open(os.path.join(self.seals.folder, chain, f"{issue:08d}", path), "rb") as file:
                for line in file:
                    for key in re.findall(rb'"key_sha256":"([0-9a-f]{64})"', line):
                        self.db.execute("UPDATE stray SET older = 1 WHERE key = ?", (bytes.fromhex(key.decode()),))

    def _extra(self, name: bytes, created: int | None, older: int, pending: int, early: str) -> None:
        folder, of_day = folder_and_day(name)
        where = {"path": shown(name), **({"folder": folder, "day": of_day} if of_day else {})}
        at = iso(created) if created is not None else of_day
        if self._young(name, created, early):
            self.report.unsealed += 1
            self.report.note("unsealed", "As new as the last seal, or newer (%(at)s). The next seal has to name it.", at=at, **where)
        elif pending:
            self.report.unsealed += 1
            said = "Its recording was still pending when its day was sealed. The next seal has to name it."
            self.report.note("unsealed", said, **where)
        elif name.startswith(f"{TOP}/{CUSTODY}/".encode()):
            said = "The listing has it, and it was not downloaded. Download the whole folder again."
            self.report.finding("custody_missing", said, path=shown(name))
        elif self.report.partial and created is None and not older:
            self.report.unsealed += 1
            said = "It may be newer than what the last seal names; a listing with times would show it. A later seal has to name it."
            self.report.note("unsealed", said, **where)
        elif (
            older
            and self.db.execute("SELECT 1 FROM day WHERE counts = 2 AND erased AND folder = ? AND day = ?", (folder, of_day)).fetchone()
        ):
            self.report.finding("erased_but_present", "Recordings of this day were erased under a receipt; this one is here.", **where)
        elif older:
            self.report.finding("extra", "An earlier revision of its day names it, the one that counts does not.", **where)
        else:
            said = "No manifest names it; one that is missing or altered may have." if self.report.lost else "No manifest names it."
            self.report.finding("extra", said, **where)


class SealedSample:
    """Recordings drawn by lot: as many lines as are wanted, those with the smallest SHA-256 of the seed followed by `key_sha256`. Only they
    are looked for, and read where they are in the folder. `rokuon drill` draws by the same rule from its database."""

    def __init__(self, db: sqlite3.Connection, seals: Seals, report: Findings, options: argparse.Namespace) -> None:
        self.db, self.seals, self.report, self.options = db, seals, report, options
        self.seed = options.seed or self._seed_of_seal()
        rows = db.execute("SELECT DISTINCT key FROM line WHERE key NOT IN (SELECT key FROM aside)")
        self.keys = heapq.nsmallest(options.sample, (key for (key,) in rows), key=self._lot)
        (self.of,) = db.execute("SELECT count(DISTINCT key) FROM line WHERE key NOT IN (SELECT key FROM aside)").fetchone()
        db.executemany("INSERT INTO drawn VALUES (?, NULL)", ((key,) for key in self.keys))
        db.execute("DELETE FROM line WHERE key NOT IN (SELECT key FROM drawn)")
        db.execute("UPDATE drawn SET line = (SELECT min(rowid) FROM line WHERE line.key = drawn.key)")
        self.drawn = frozenset(self.keys)
        self.names: dict[bytes, bytes] = {}
        self.read: set[bytes] = set()

    def _seed_of_seal(self) -> str:
        heads = [chain.head.sha256 for chain in self.seals.leaves()]
        if len(heads) != 1:
            raise Refused(say("There are seals of several chains, or none. Name the seed with --seed."))
        return heads[0]

    def _lot(self, key: bytes) -> bytes:
        return hashlib.sha256((self.seed + key.hex()).encode()).digest()

    def wants(self, name: bytes) -> bool:
        return hashlib.sha256(name).digest() in self.drawn

    def objects(self) -> Iterator[Object]:
        """Yield the drawn recordings that are in the folder, read, and those that are only in a listing."""
        if self.options.top:
            for one in in_folder(self.options.top, self.wants, read=True):
                self.read.add(hashlib.sha256(one.name).digest())
                yield one
        for one in itertools.chain.from_iterable(map(in_listing, self.options.listing or ())):
            name = below_top(one.name)
            if name is not None and hashlib.sha256(name).digest() not in self.read:
                yield one

    def is_there(self, key: bytes, name: bytes) -> None:
        self.names[key] = name

    def missing(self) -> int:
        return len(self.drawn - self.read)

    def show(self, whose: Callable[[Row], dict[str, Any]]) -> None:
        """Print what was drawn, in the order of the draw. What is not here is to be fetched; its name is known from a listing alone."""
        for key in self.keys:
            (rowid,) = self.db.execute("SELECT line FROM drawn WHERE key = ?", (key,)).fetchone()
            where = whose(self.db.execute("SELECT key, rowid, * FROM line WHERE rowid = ?", (rowid,)).fetchone())
            if key in self.names:
                name = self.names[key]
                where = {"path": shown(name), "name": name.decode("utf-8", "backslashreplace"), **where}
            if key in self.read:
                self.report.note("drawn", "Read.", **where, key_sha256=key.hex())
            else:
                self.report.note("to_fetch", "It is not in the folder.", **where, key_sha256=key.hex())
        values = {"seed": shown(self.seed), "drawn": f"{len(self.keys):,}", "of": f"{self.of:,}"}
        self.report.say("%(drawn)s of %(of)s sealed recordings are drawn by the seed %(seed)s.", **values)


def groups(rows: Iterable[Row]) -> Iterator[tuple[bytes, list[Row]]]:
    return ((key, list(group)) for key, group in itertools.groupby(rows, lambda row: row[0]))


# ---------------------------------------------------------------------------------------------------------------------------------------
# The report.


def iso(second: int) -> str:
    return datetime.datetime.fromtimestamp(second, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def shown(name: bytes | str) -> str:
    """Return a name as it may be printed: a name in a bucket may contain what steers a terminal."""
    known = name.decode("utf-8", "backslashreplace") if isinstance(name, bytes) else name
    return "".join(char if unicodedata.category(char)[0] not in "CZ" or char == " " else ascii(char)[1:-1] for char in known)


def in_json(record: dict[str, Any]) -> str:
    """Return a line of JSON that steers no terminal either, and from which a name comes back as it is."""
    said = json.dumps(record, ensure_ascii=False, sort_keys=True)
    return "".join(char if unicodedata.category(char)[0] not in "CZ" or char == " " else json.dumps(char)[1:-1] for char in said)


def width(cell: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in cell if not unicodedata.combining(char))


HEADS = ("target", "days", "first", "last", "complete", "verified", "explained", "open", "missing", "changed")


class Findings:
    """Prints findings and notes as they come, and counts them."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.found: dict[str, int] = {}
        self.noted: dict[str, int] = {}
        self.by_target: dict[str, dict[str, int]] = {}
        self.unproven = self.partial = self.expired = False
        self.lost = False  # a manifest that should be there is not, so sums cannot be right
        self.present = self.unsealed = self.expired_recordings = 0

    def finding(self, code: str, said: str, **values: Any) -> None:
        self.found[code] = self.found.get(code, 0) + 1
        self._print("finding", code, said, values)

    def note(self, code: str, said: str, **values: Any) -> None:
        self.noted[code] = self.noted.get(code, 0) + 1
        self._print("note", code, said, values)

    def count(self, target: str, what: str) -> None:
        if target:
            of_target = self.by_target.setdefault(target, {})
            of_target[what] = of_target.get(what, 0) + 1

    def _print(self, kind: str, code: str, said: str, values: dict[str, Any]) -> None:
        named = {name: shown(value) if isinstance(value, str) else value for name, value in values.items()}
        sentence = say(said, **named)
        if self.options.json:
            parts = ("path", "folder", "day", "target", "call", "recording", "key_sha256")
            where: dict[str, Any] = {name: named[name] for name in parts if name in named}
            if "name" in values:
                where["name"] = values["name"]  # to be used and not only read
            self.write(in_json({"type": kind, "code": code, "says": sentence, **where}))
            return
        place = "/".join(str(named[name]) for name in ("folder", "day") if named.get(name)) if "path" not in named else str(named["path"])
        ids = "".join(f"  {say(name)} {named[name]}" for name in ("call", "recording") if name in named)
        mark = "!" if kind == "finding" else " "
        self.write(f"{mark} {code}  {place}{ids}{'  ' if place else ''}{sentence}")

    def write(self, line: str) -> None:
        stream = sys.stderr if self.options.sums else sys.stdout
        stream.write(line + "\n")

    def sum_line(self, sha256: bytes, name: bytes) -> None:
        escaped = name.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
        mark = b"\\" if escaped != name else b""
        sys.stdout.buffer.write(mark + sha256.hex().encode() + b"  " + escaped + b"\n")

    def table(self, db: sqlite3.Connection) -> None:
        query = (
            "SELECT target, folder, count(*), min(day), max(day), total(complete), total(verified), total(explained), total(open) FROM day"
            " WHERE counts = 2 GROUP BY target, kind ORDER BY folder, target"
        )
        rows = []
        for target, folder, *numbers in db.execute(query):
            seen = self.by_target.get(target, {})
            cells = [*(int(one) if isinstance(one, float) else one for one in numbers), seen.get("missing", 0), seen.get("changed", 0)]
            rows.append([shown(folder), *cells])
            if self.options.json:
                named = dict(zip(HEADS[1:], cells), type="target", target=shown(target), folder=shown(folder))
                self.write(json.dumps(named, ensure_ascii=False, sort_keys=True))
        if self.options.json or not rows:
            return
        table = [[say(head) for head in HEADS], *([str(cell) for cell in row] for row in rows)]
        widths = [max(width(line[column]) for line in table) for column in range(len(HEADS))]
        self.write("")
        for line in table:
            padded = [" " * (wide - width(cell)) + cell for cell, wide in zip(line, widths)]
            padded[0] = line[0] + " " * (widths[0] - width(line[0]))
            self.write("  ".join(padded).rstrip())
        self.write("")

    def end(self, seals: Seals, db: sqlite3.Connection, weak: int, sample: SealedSample | None) -> int:
        """Print the last sentences; return the exit code."""
        verified, explained, unexplained = (
            int(one) for one in db.execute("SELECT total(verified), total(explained), total(open) FROM day WHERE counts = 2").fetchone()
        )
        for chain in seals.leaves():
            key = fingerprint(digest_of_key(chain.head.key))
            by = say("trusted by you") if chain.trusted else say("not confirmed: name it with --trust")
            said = "Seal %(issue)s of %(day)s in chain %(chain)s of %(bucket)s, signed by %(key)s (%(by)s), SHA-256 %(sha256)s."
            values = {"issue": chain.head.issue, "day": day_of(chain.head.at), "chain": chain.name, "sha256": chain.head.sha256}
            self.say(said, key=key, by=by, bucket=shown(chain.head.body["bucket"]), **values)
            self._drill(chain.head.body)
        said = "%(verified)s recordings verified, %(explained)s explained, %(open)s open."
        self.say(said, verified=f"{verified:,}", explained=f"{explained:,}", open=f"{unexplained:,}")
        if self.expired_recordings:
            self.say("%(count)s recordings were deleted by the bucket's own rule.", count=f"{self.expired_recordings:,}")
        if self.unsealed:
            self.say("%(count)s objects are newer than the last seal and not proven yet.", count=f"{self.unsealed:,}")
        reasons = []
        if not self.options.trust:
            reasons.append(say("no key was named with --trust"))
        if self.unproven:
            reasons.append(say("the next seal is overdue"))
        if self.partial:
            reasons.append(say("the last seal does not name yet what was stored before it"))
        if sample and not sample.keys:
            reasons.append(say("no recording is sealed, so none was drawn"))
        if sample and sample.missing():
            reasons.append(say("%(count)s recordings of the sample were not read", count=f"{sample.missing():,}"))
        if weak and not self.options.sums and not sample:
            reasons.append(say("%(count)s recordings have no checksum that shows a forgery", count=f"{weak:,}"))
        if self.found:
            codes = ", ".join(f"{code} {count}" for code, count in sorted(self.found.items()))
            code, last = FINDINGS, say("FINDINGS: %(codes)s.", codes=codes)
        elif reasons:
            code, last = NOT_PROVEN, say("CONSISTENT, BUT NOT PROVEN: %(reasons)s.", reasons=say("; ").join(reasons))
        elif sample:
            said = "PROVEN of the sample: none of the %(drawn)s recordings is changed. The other %(rest)s were not looked for."
            code, last = PROVEN, say(said, drawn=f"{len(sample.keys):,}", rest=f"{sample.of - len(sample.keys):,}")
        elif self.options.sums:
            code, last = PROVEN, say("The sums are those that were sealed. No recording was read.")
        else:
            code, last = PROVEN, say("PROVEN: all sealed recordings are present, none is changed, none is extra.")
            if self.expired_recordings:
                last = say("PROVEN: all other sealed recordings are present, none is changed, none is extra.")
        if self.options.json:
            sums: dict[str, Any] = {
                "verified": verified,
                "explained": explained,
                "open": unexplained,
                "present": self.present,
                "unsealed": self.unsealed,
            }
            if sample:
                sums |= {"seed": sample.seed, "drawn": len(sample.keys), "of": sample.of, "read": len(sample.read)}
            counts = {"findings": self.found, "notes": self.noted, "exit": code, "says": last, "type": "result"}
            self.write(in_json({**counts, **sums}))
        else:
            self.write(last)
        return code

    def _drill(self, body: dict[str, Any]) -> None:
        """Print what the seal says of the last restore drill. It is the company's own statement: `--sample` draws the same recordings."""
        drill = body.get("drill")
        fields = {"at": text, "bad": whole, "drawn": whole, "of": whole, "read": whole, "seed": text}
        if not isinstance(drill, dict) or not all(name in drill and kind(drill[name]) for name, kind in fields.items()):
            return
        said = (
            "The seal says of the last restore drill (%(at)s, seed %(seed)s): %(read)s of %(drawn)s drawn recordings were read back, out of "
            "%(of)s; %(bad)s of them were damaged or missing."
        )
        numbers = {name: f"{drill[name]:,}" for name in ("bad", "drawn", "of", "read")}
        self.say(said, at=shown(drill["at"]), seed=shown(drill["seed"]), **numbers)

    def say(self, said: str, **values: Any) -> None:
        if not self.options.json:
            self.write(say(said, **values))


# ---------------------------------------------------------------------------------------------------------------------------------------
# Arguments, and the steps in their order.


class Options(argparse.Namespace):
    target: str | None
    sample: Any
    seed: str | None
    top: str | None = None

    @property
    def scoped(self) -> bool:
        return bool(self.target or self.since or self.until)

    def within(self, first: str, last: str) -> bool:
        return (not self.until or first <= self.until) and (not self.since or last >= self.since)

    def wants(self, target: str, first: str, last: str) -> bool:
        return (not self.target or target == self.target) and self.within(first, last)


def arguments(given: list[str]) -> Options:
    parser = argparse.ArgumentParser(
        prog="rokuon_verify.py", usage=USAGE, description=say("Check a bucket of call recordings without Rokuon.")
    )
    parser.add_argument("folder", metavar="FOLDER", help=say("the downloaded bucket; with --listing its folder .rokuon-custody is enough"))
    parser.add_argument("--listing", action="append", metavar="FILE", help=say("a listing of the recordings; may be given several times"))
    parser.add_argument("--trust", action="append", default=[], metavar="SHA256:...", help=say("a fingerprint that the company confirmed"))
    parser.add_argument("--target", metavar="ID", help=say("only this contact center or coaching team"))
    parser.add_argument("--from", dest="since", metavar="DAY", help=say("only from this day on"))
    parser.add_argument("--to", dest="until", metavar="DAY", help=say("only up to this day"))
    parser.add_argument("--now", metavar="TIME", help=say("check as of this time"))
    parser.add_argument("--head", action="append", default=[], metavar="N:SHA256", help=say("a seal that you remember, from a mail"))
    parser.add_argument("--sample", metavar="N", help=say("draw so many recordings by lot, name them, and check only these"))
    parser.add_argument("--seed", metavar="TEXT", help=say("the text that decides the lot; without it, the SHA-256 of the latest seal"))
    parser.add_argument("--moved", action="store_true", help=say("the bucket was copied to another place"))
    parser.add_argument("--json", action="store_true", help=say("one JSON object a line"))
    parser.add_argument(
        "--sums", action="store_true", help=say("print the sealed SHA-256 of every file, for sha256sum -c and rclone checksum")
    )
    parser.add_argument("--lang", choices=["en", "ja"], default="en", help=say("language of the output"))
    options = parser.parse_args(given, namespace=Options())
    for one in options.trust:
        if not re.fullmatch(r"SHA256:[A-Za-z0-9+/]{43}", one):
            raise Refused(say("%(value)s is no fingerprint. It looks like SHA256: and 43 letters, as ssh-keygen -l shows it.", value=one))
    heads = [re.fullmatch(r"0*([1-9][0-9]{0,7}):([0-9a-f]{64})", one) for one in options.head]
    for one, match in zip(options.head, heads):
        if not match:
            raise Refused(say("%(value)s is no seal. Write its number, a colon and its SHA-256.", value=one))
    options.head = [(int(match[1]), match[2]) for match in heads if match]
    if options.sample is not None and not re.fullmatch("0*[1-9][0-9]{0,8}", options.sample):
        raise Refused(say("%(value)s is no number of recordings.", value=options.sample))
    if options.seed == "":
        raise Refused(say("The seed is empty. Write a text, or leave --seed out."))
    if (options.seed is not None and options.sample is None) or (options.sample and (options.sums or options.scoped)):
        raise Refused(say("--seed belongs to --sample, and --sample goes with neither --sums nor --target, --from and --to."))
    options.sample = int(options.sample) if options.sample else None
    options.seed = unicodedata.normalize("NFC", options.seed) if options.seed else None
    for one in (options.since, options.until):
        if one is not None and not day(one):
            raise Refused(say("%(value)s is no day. Write it as YYYY-MM-DD.", value=one))
    try:
        options.now = epoch(options.now) if options.now else int(datetime.datetime.now(datetime.timezone.utc).timestamp())
    except Bad:
        raise Refused(say("%(value)s is no time. Write it as 2026-11-29T17:00:00Z.", value=options.now)) from None
    return options


def find_custody(options: Options) -> str:
    """Return the custody folder; set `options.top`, the folder `call-recordings`. Raises Refused."""
    folder = options.folder
    if not os.path.isdir(folder):
        raise Refused(say("%(folder)s is no folder.", folder=folder))
    for top in (os.path.join(folder, TOP), folder):
        if os.path.isdir(os.path.join(top, CUSTODY)):
            options.top = top
            return os.path.join(top, CUSTODY)
    if (options.listing or options.sample) and (os.path.isdir(os.path.join(folder, "keys")) or any(map(HEX16.match, os.listdir(folder)))):
        return str(folder)
    said = "%(folder)s has no folder %(top)s/%(custody)s. Download the whole bucket, hidden folders too."
    raise Refused(say(said, folder=folder, top=TOP, custody=CUSTODY))


def check(options: Options) -> int:
    with contextlib.closing(sqlite3.connect("", isolation_level=None)) as db:  # a temporary file of SQLite's own, gone when it is closed
        return check_with(db, options)


def check_with(db: sqlite3.Connection, options: Options) -> int:
    report = Findings(options)
    db.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536;" + TABLES + "BEGIN;")
    seals = Seals(find_custody(options), db, report, options)
    seals.read()
    Manifests(seals, db, report, options).read()
    recordings = Recordings(seals, db, report, options)
    recordings.load()
    recordings.compare()
    if recordings.sample:
        recordings.show_sample()
    else:
        report.table(db)
    return report.end(seals, db, recordings.weak, recordings.sample)


def main(given: list[str]) -> int:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    Words.japanese = "ja" in [value for name, value in zip(given, given[1:]) if name == "--lang"] or "--lang=ja" in given
    try:
        return check(arguments(given))
    except Refused as error:
        sys.stderr.write(f"{error}\n")
        return WRONG_INPUT
    except BrokenPipeError:  # who reads the output has gone: nothing more can be said
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return WRONG_INPUT
    except sqlite3.Error as error:
        sys.stderr.write(say("The temporary database failed: %(why)s. Set SQLITE_TMPDIR to a folder with room.", why=str(error)) + "\n")
        return WRONG_INPUT
    except OSError as error:
        sys.stderr.write(say("%(path)s cannot be read: %(why)s.", path=shown(os.fsdecode(error.filename or "")), why=error.strerror) + "\n")
        return WRONG_INPUT
    except Exception:  # noqa: BLE001 - Python would exit with 1, which means findings
        traceback.print_exc()
        return WRONG_INPUT


# ---------------------------------------------------------------------------------------------------------------------------------------
# Words. English is in the code; this is its Japanese.


class Words:
    japanese = False


def say(said: str, **values: Any) -> str:
    return (JAPANESE.get(said, said) if Words.japanese else said) % values


JAPANESE: dict[str, str] = {
    "Check a bucket of call recordings without Rokuon.": "通話録音のバケットを、Rokuon を使わずに検証します。",
    "the downloaded bucket; with --listing its folder .rokuon-custody is enough": "ダウンロードしたバケット。--listing を使うときは .rokuon-custody フォルダーだけで足ります",
    "a listing of the recordings; may be given several times": "録音の一覧。複数回指定できます",
    "a fingerprint that the company confirmed": "会社が確認したフィンガープリント",
    "only this contact center or coaching team": "このコンタクトセンターまたはコーチングチームのみ",
    "only from this day on": "この日以降のみ",
    "only up to this day": "この日まで",
    "check as of this time": "この時刻の時点で検証する",
    "a seal that you remember, from a mail": "メールなどで控えておいた封印",
    "draw so many recordings by lot, name them, and check only these": "この件数の録音を抽選で選び、名前を示し、それらだけを検証する",
    "the text that decides the lot; without it, the SHA-256 of the latest seal": "抽選を決めるシード。省略すると最新の封印の SHA-256",
    "The seed is empty. Write a text, or leave --seed out.": "シードが空です。テキストを指定するか、--seed を省略してください。",
    "%(value)s is no number of recordings.": "%(value)s は録音の件数ではありません。",
    "--seed belongs to --sample, and --sample goes with neither --sums nor --target, --from and --to.": "--seed は --sample とともに指定してください。--sample は --sums、--target、--from、--to と併用できません。",
    "There are seals of several chains, or none. Name the seed with --seed.": "複数のチェーンの封印があるか、封印がありません。--seed でシードを指定してください。",
    "Read.": "読み取りました。",
    "It is not in the folder.": "フォルダーにありません。",
    "%(drawn)s of %(of)s sealed recordings are drawn by the seed %(seed)s.": "封印された録音 %(of)s 件から、シード %(seed)s で %(drawn)s 件を抽出しました。",
    "no recording is sealed, so none was drawn": "封印された録音がないため、抽出していません",
    "%(count)s recordings of the sample were not read": "抽出した録音のうち %(count)s 件は読み取っていません",
    "PROVEN of the sample: none of the %(drawn)s recordings is changed. The other %(rest)s were not looked for.": "抽出分について証明されました: 録音 %(drawn)s 件に変更はありません。ほかの %(rest)s 件は調べていません。",
    (
        "The seal says of the last restore drill (%(at)s, seed %(seed)s): %(read)s of %(drawn)s drawn recordings were read back, out of "
        "%(of)s; %(bad)s of them were damaged or missing."
    ): "封印に記載された最新の復元訓練（%(at)s、シード %(seed)s）: %(of)s 件から抽出した %(drawn)s 件のうち %(read)s 件を読み戻し、破損または欠落は %(bad)s 件でした。",
    "the bucket was copied to another place": "バケットは別の場所にコピーされた",
    "one JSON object a line": "1 行に 1 つの JSON オブジェクト",
    "print the sealed SHA-256 of every file, for sha256sum -c and rclone checksum": "封印された SHA-256 を全ファイルについて出力（sha256sum -c と rclone checksum 用）",
    "language of the output": "出力の言語",
    "%(value)s is no fingerprint. It looks like SHA256: and 43 letters, as ssh-keygen -l shows it.": "%(value)s はフィンガープリントではありません。ssh-keygen -l の表示と同じ、SHA256: と 43 文字の形です。",
    "%(value)s is no seal. Write its number, a colon and its SHA-256.": "%(value)s は封印の指定ではありません。番号、コロン、SHA-256 の順に書いてください。",
    "%(value)s is no day. Write it as YYYY-MM-DD.": "%(value)s は日付ではありません。YYYY-MM-DD の形で書いてください。",
    "%(value)s is no time. Write it as 2026-11-29T17:00:00Z.": "%(value)s は時刻ではありません。2026-11-29T17:00:00Z の形で書いてください。",
    "%(folder)s is no folder.": "%(folder)s はフォルダーではありません。",
    "%(folder)s has no folder %(top)s/%(custody)s. Download the whole bucket, hidden folders too.": "%(folder)s に %(top)s/%(custody)s フォルダーがありません。隠しフォルダーも含めて、バケット全体をダウンロードしてください。",
    "%(path)s cannot be read: %(why)s.": "%(path)s を読み取れません: %(why)s。",
    "The temporary database failed: %(why)s. Set SQLITE_TMPDIR to a folder with room.": "一時データベースが失敗しました: %(why)s。SQLITE_TMPDIR に空きのあるフォルダーを指定してください。",
    "This bucket has custody files of format %(number)s. Use the verifier of a newer Rokuon.": "このバケットの保管証跡は形式 %(number)s です。新しい Rokuon の検証プログラムを使ってください。",
    "No seal names a manifest of target %(target)s in these days. There are: %(known)s": "対象 %(target)s のマニフェストは、この期間のどの封印にもありません。ある対象: %(known)s",
    (
        "%(path)s has none of the shapes that can be read: gcloud storage ls --recursive --json, gcloud storage objects list "
        "--format=json, Storage Insights CSV with a header, aws s3api list-objects-v2, S3 Inventory CSV, rclone lsjson -R "
        "--hash, sha256sum. Or it was cut off: make it again."
    ): (
        "%(path)s は読み取れる形式ではありません: gcloud storage ls --recursive --js"
        "on、gcloud storage objects list --format=json、ヘッダー付きの Storage"
        " Insights CSV、aws s3api list-objects-v2、S3 Inventory CSV、rcl"
        "one lsjson -R --hash、sha256sum。途中で切れている可能性もあります。一覧を作り直してください"
        "。"
    ),
    "The listing was cut off after a page. List without --max-items and --no-paginate.": "一覧が 1 ページで切れています。--max-items と --no-paginate を付けずに作り直してください。",
    "No name in the listing begins with %(top)s/. List the whole bucket.": "一覧に %(top)s/ で始まる名前がありません。バケット全体の一覧を作ってください。",
    "The listing names %(name)s twice. List the live objects only.": "一覧に %(name)s が 2 回あります。現行のオブジェクトだけの一覧を作ってください。",
    "There is no seal that can be read. Download the whole folder %(folder)s.": "読み取れる封印がありません。%(folder)s フォルダー全体をダウンロードしてください。",
    "No seal and no rule of the format knows this file.": "このファイルは、どの封印にも形式の定めにもありません。",
    "This is not the text of format 1.": "形式 1 の文面と異なります。",
    "The file is missing.": "ファイルがありません。",
    "This is not the key that its name says.": "ファイル名が示す鍵ではありません。",
    "Files without a seal: an issue that was not finished, or a seal that was removed. Nothing counts from them.": "封印のないファイルです。終わらなかった発行か、削除された封印です。検証には使いません。",
    "Numbers are consecutive, so the seal was removed.": "番号は連続するため、この封印は削除されています。",
    "The file is too long for a seal.": "封印としては長すぎるファイルです。",
    "The signature does not belong to these bytes.": "署名がこの内容のものではありません。",
    "Signed, and not as the format says: %(part)s.": "署名は正しく、内容が形式に合いません: %(part)s。",
    "The seal says chain %(chain)s, issue %(issue)s: it was taken from another place.": "封印にはチェーン %(chain)s、発行 %(issue)s とあります。別の場所のものです。",
    "Left by a try that did not end. Nothing counts from it.": "終わらなかった処理の残りです。検証には使いません。",
    "The time stamp is not of this seal.": "タイムスタンプがこの封印のものではありません。",
    "The seal names no seal before it.": "封印に、直前の封印の記載がありません。",
    "The seal names another seal than the one before it.": "封印にある直前の封印の番号が異なります。",
    "The seal is of %(at)s, which is in the future. Check the clocks.": "封印の時刻 %(at)s は未来です。時計を確認してください。",
    "The seal before it is not the one that this seal names.": "直前の封印が、この封印に記載されたものと異なります。",
    "The seal is older than the seal before it.": "封印が直前の封印より古くなっています。",
    "The chain was closed before this seal.": "チェーンはこの封印より前に終了しています。",
    "%(part)s differs from the seal before it: it was taken from another place.": "%(part)s が直前の封印と異なります。別の場所のものです。",
    "Signed by %(key)s, which the seal before it does not announce.": "署名の鍵 %(key)s は、直前の封印で予告されていません。",
    "It continues chain %(chain)s, of which no seal is here.": "継続元のチェーン %(chain)s の封印がここにありません。",
    "The seal that it continues is missing or another one.": "継続元の封印がないか、異なります。",
    "The chain that it continues has another continuation too.": "継続元のチェーンに、別の続きもあります。",
    "The old key was lost, and this key is not vouched for by it. Ask the company to confirm %(key)s, then use --trust.": "古い鍵は失われ、この鍵を保証していません。会社に %(key)s を確認してから、--trust に指定してください。",
    "Signed by %(key)s, which --trust does not name. Nothing counts from this chain.": "署名の鍵 %(key)s は --trust に指定されていません。このチェーンは検証に使いません。",
    "The chain begins here: the bucket's own rule deleted what was before.": "チェーンはここから始まります。以前のものは、バケット自身の規則で削除されました。",
    "Chains of several places: %(part)s is %(value)s.": "複数の場所のチェーンがあります: %(part)s は %(value)s です。",
    "No chain has seal %(issue)s with this SHA-256: the bucket was rolled back or rewritten.": "この SHA-256 の封印 %(issue)s は、どのチェーンにもありません。バケットが以前の状態に戻されたか、書き直されています。",
    "The next seal was due by %(due)s. Rokuon has stopped, or the newest seals were removed: ask for the latest seal's number.": "次の封印の期限 %(due)s を過ぎています。Rokuon が停止しているか、新しい封印が削除されています。最新の封印の番号を会社に確認してください。",
    "%(count)s time stamps name their seal. Their own signatures: openssl ts -verify.": "タイムスタンプ %(count)s 件は封印と一致します。タイムスタンプ自体の署名は openssl ts -verify で確認してください。",
    "Deleted by the bucket's own rule.": "バケット自身の規則で削除されました。",
    "Removed under a sealed receipt. Later revisions replace all of it.": "封印された消去記録により削除されました。内容は後の版に置き換えられています。",
    "The seal lists this file, and it is missing.": "封印に記載されたファイルがありません。",
    "These are not the bytes that the seal lists.": "封印に記載された内容と異なります。",
    "A receipt declares it removed, but days still count from it.": "消去記録では削除済みですが、このファイルによる日がまだ残っています。",
    "%(day)s: revision %(revision)s is not below the later revision %(later)s.": "%(day)s: 版 %(revision)s が後の版 %(later)s より小さくありません。",
    "%(day)s: the sums of the day are not those of its lines.": "%(day)s: 日の合計が各行と一致しません。",
    "A recording counts as erased under receipt %(receipt)s, which no seal lists.": "消去記録 %(receipt)s による消去とありますが、この消去記録はどの封印にもありません。",
    "The days add up to %(name)s %(value)s, the seal says %(sealed)s.": "各日の合計は %(name)s %(value)s ですが、封印では %(sealed)s です。",
    "The seals are of %(sealed)s, the listing of %(bucket)s.": "封印は %(sealed)s、一覧は %(bucket)s のものです。",
    "The seals are of %(sealed)s, the listing of %(bucket)s. If the bucket was moved: --moved.": "封印は %(sealed)s、一覧は %(bucket)s のものです。バケットを移動した場合は --moved を付けてください。",
    "Two lines claim this recording.": "この録音の行が 2 つあります。",
    "Two chains say different things of this recording.": "この録音について、2 つのチェーンの内容が異なります。",
    "it is no file but a link or a device": "ファイルではなく、リンクまたはデバイスです",
    "%(what)s is %(is)s, sealed is %(sealed)s": "%(what)s は %(is)s、封印では %(sealed)s",
    "size": "サイズ",
    "generation": "世代番号",
    "Not what was sealed: %(differs)s.": "封印された内容と異なります: %(differs)s。",
    "Written again with the same bytes: same MD5, another generation.": "同じ内容で書き直されています。MD5 は同じで、世代番号が異なります。",
    "The seal says %(at)s, the store's clock said %(created)s when it was written.": "封印の時刻は %(at)s ですが、書き込まれたときのストレージの時計は %(created)s でした。",
    "It was downloaded, and the listing does not have it.": "ダウンロードされたファイルが、一覧にありません。",
    "The listing has it, and it was not downloaded. Download the whole folder again.": "一覧にあるファイルが、ダウンロードされていません。フォルダー全体をダウンロードし直してください。",
    "%(size)s bytes, sealed with SHA-256 %(sha256)s.": "ありません。%(size)s バイト、封印された SHA-256 は %(sha256)s です。",
    "Its bytes are now under the name %(name)s.": "同じ内容が %(name)s という名前になっています。",
    "As new as the last seal, or newer (%(at)s). The next seal has to name it.": "最後の封印と同じころか、それより新しいものです（%(at)s）。次の封印に記載されるはずです。",
    (
        "What was stored since %(at)s is named by a later seal: days still wait, or the database was restored and what it lacks "
        "is listed again."
    ): "%(at)s 以降に保存されたものは、後の封印に記載されます。まだ待っている日があるか、復元されたデータベースに欠けているものを再照会しているためです。",
    "It may be newer than what the last seal names; a listing with times would show it. A later seal has to name it.": "最後の封印に記載された範囲より新しい可能性があります（時刻のある一覧で確かめられます）。後の封印に記載されるはずです。",
    "the last seal does not name yet what was stored before it": "最後の封印には、それまでに保存されたものがまだすべては記載されていません",
    "Its recording was still pending when its day was sealed. The next seal has to name it.": "この日が封印された時点では、この録音はまだ待機中でした。次の封印に記載されるはずです。",
    "Recordings of this day were erased under a receipt; this one is here.": "この日の録音は消去記録により消去されましたが、これが残っています。",
    "An earlier revision of its day names it, the one that counts does not.": "この日の以前の版にはありますが、有効な版にはありません。",
    "No manifest names it; one that is missing or altered may have.": "どのマニフェストにもありません。失われたか変更されたマニフェストに記載されていた可能性があります。",
    "No manifest names it.": "どのマニフェストにもありません。",
    "call": "通話",
    "recording": "録音",
    "target": "対象",
    "days": "日数",
    "first": "最初の日",
    "last": "最後の日",
    "complete": "完全な日",
    "verified": "検証済み",
    "explained": "説明済み",
    "open": "未説明",
    "missing": "欠落",
    "changed": "変更",
    "Seal %(issue)s of %(day)s in chain %(chain)s of %(bucket)s, signed by %(key)s (%(by)s), SHA-256 %(sha256)s.": "%(bucket)s のチェーン %(chain)s、%(day)s の封印 %(issue)s。署名の鍵は %(key)s（%(by)s）、SHA-256 は %(sha256)s です。",
    "trusted by you": "指定された信頼済みの鍵",
    "not confirmed: name it with --trust": "未確認。--trust で指定してください",
    "%(verified)s recordings verified, %(explained)s explained, %(open)s open.": "検証済みの録音 %(verified)s 件、説明済み %(explained)s 件、未説明 %(open)s 件。",
    "%(count)s recordings were deleted by the bucket's own rule.": "%(count)s 件の録音は、バケット自身の規則で削除されました。",
    "%(count)s objects are newer than the last seal and not proven yet.": "%(count)s 件のオブジェクトは最後の封印より新しく、まだ証明されていません。",
    "no key was named with --trust": "--trust で鍵が指定されていません",
    "the next seal is overdue": "次の封印の期限を過ぎています",
    "%(count)s recordings have no checksum that shows a forgery": "%(count)s 件の録音に、改ざんを検出できるチェックサムがありません",
    "; ": "、",
    "FINDINGS: %(codes)s.": "問題あり: %(codes)s。",
    "CONSISTENT, BUT NOT PROVEN: %(reasons)s.": "矛盾はありませんが、証明されていません: %(reasons)s。",
    "The sums are those that were sealed. No recording was read.": "出力したのは封印された SHA-256 です。録音は読み取っていません。",
    "PROVEN: all other sealed recordings are present, none is changed, none is extra.": "証明されました: ほかの封印された録音はすべて揃い、変更も余分なものもありません。",
    "PROVEN: all sealed recordings are present, none is changed, none is extra.": "証明されました: 封印された録音はすべて揃い、変更も余分なものもありません。",
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
