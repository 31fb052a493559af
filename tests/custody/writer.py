"""A writer of custody files for tests: written from docs/design/custody.md alone, with nothing of the verifier and nothing of Rokuon.

Its signatures come from `cryptography`. A `Bucket` is a folder as somebody downloads it; `issue()` seals what has changed since the last.
"""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

BILLING, SALES = "4947068723473209", "5100000000000007"
FOLDERS = {BILLING: "Billing", SALES: "営業部 コンタクトセンター"}
BUCKET = "gs://acme-call-recordings"
README = Path(__file__).resolve().parents[2] / "src/rokuon/custody/README.txt"
STATES = ("erased", "excluded", "failed", "gone", "pending", "verified")


def canonical(record: dict[str, Any]) -> bytes:
    return json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def when(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def string(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


class Key:
    """A signing key from a seed, and its OpenSSH forms."""

    def __init__(self, seed: int = 1) -> None:
        self.private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        self.public = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.blob = string(b"ssh-ed25519", self.public)
        self.line = f"ssh-ed25519 {b64(self.blob)}"
        self.fingerprint = "SHA256:" + b64(hashlib.sha256(self.blob).digest()).rstrip("=")

    def armor(self, line: bytes) -> bytes:
        signed = b"SSHSIG" + string(b"rokuon-seal@v1", b"", b"sha512", hashlib.sha512(line).digest())
        signature = string(b"ssh-ed25519", self.private.sign(signed))
        blob = b64(b"SSHSIG" + bytes([0, 0, 0, 1]) + string(self.blob, b"rokuon-seal@v1", b"", b"sha512", signature))
        lines = [blob[at : at + 70] for at in range(0, len(blob), 70)]
        return "\n".join(["-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----", ""]).encode()


@dataclass
class Day:
    lines: list[dict[str, Any]] = field(default_factory=list)
    revision: int = 0
    listed: bool = True


class Bucket:
    def __init__(self, root: Path, *, key: Key | None = None, chain: str = "7c2e41d09ab35f68", bucket: str = BUCKET) -> None:
        self.root, self.key, self.chain, self.bucket = root, key or Key(), chain, bucket
        self.at = datetime(2026, 11, 1, 17, tzinfo=UTC)
        self.number = 0
        self.head: dict[str, Any] = {}
        self.days: dict[tuple[str, str], Day] = {}
        self.dirty: set[tuple[str, str]] = set()
        self.receipts: list[dict[str, Any]] = []
        self.files: dict[tuple[int, str], str] = {}
        self.counter = 0
        self.custody.mkdir(parents=True, exist_ok=True)
        (self.custody / "README.txt").write_bytes(README.read_bytes())

    @property
    def top(self) -> Path:
        return self.root / "call-recordings"

    @property
    def custody(self) -> Path:
        return self.top / ".rokuon-custody"

    @property
    def now(self) -> str:
        return when(self.at + timedelta(hours=1))

    def seal(self, number: int) -> Path:
        return self.custody / self.chain / f"{number:08d}" / "seal"

    def manifest(self, number: int, target: str = BILLING) -> Path:
        return next(self.seal(number).parent.glob(f"{target}-*.jsonl"))

    def day(self, target: str, day: str) -> Day:
        self.dirty.add((target, day))
        return self.days.setdefault((target, day), Day())

    def object(self, line: dict[str, Any]) -> Path:
        return next(path for path in self.top.rglob("*") if sha256(path.relative_to(self.root).as_posix().encode()) == line["key_sha256"])

    def copy(self, day: str, target: str = BILLING, *, body: bytes | None = None, elsewhere: str = "", agent: str = "Aiko - Sato") -> Path:
        """Back up one recording and note its line."""
        self.counter += 1
        call, recording = f"5211{self.counter:06d}", f"6311{self.counter:06d}"
        body = body if body is not None else hashlib.sha512(recording.encode()).digest() * (1 + self.counter % 3)
        path = self.top / FOLDERS[target] / day / f"{agent} - {call} - {recording}.mp3"
        described = self.described(path, body)
        started = f"{day}T01:{self.counter // 60 % 60:02d}:{self.counter % 60:02d}.456Z"
        line = {"audio_ms": 1000, "call": call, "kind": "callrecording", "listed_ms": 1000, "proof": "length", "recording": recording}
        line |= {"started": started, "state": "verified", "verified_at": when(self.at - timedelta(hours=2)), **described}
        if elsewhere:
            line["bucket"] = elsewhere
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
        self.day(target, day).lines.append(line)
        return path

    def described(self, path: Path, body: bytes) -> dict[str, Any]:
        key = path.relative_to(self.root).as_posix().encode()
        md5 = b64(hashlib.md5(body).digest())
        return {
            "crc32c": crc32c(body),
            "generation": str(1764432000000000 + self.counter),
            "key_sha256": sha256(key),
            "md5": md5,
            "sha256": sha256(body),
            "size": len(body),
        }

    def other(self, day: str, state: str, target: str = BILLING, **more: Any) -> dict[str, Any]:
        """Note a recording that is not verified, or a call without a recording."""
        self.counter += 1
        line = {"call": f"5211{self.counter:06d}", "started": f"{day}T02:00:00.000Z", "state": state, **more}
        if state != "without_recording":
            line |= {"kind": "callrecording", "recording": f"6311{self.counter:06d}", "reason": "recording_gone"}
        self.day(target, day).lines.append(line)
        return line

    def aside(self, day: str, target: str = BILLING) -> Path:
        """Note a failed recording whose bytes were kept aside."""
        line = self.other(day, "failed", target)
        body = b"noise" * self.counter
        path = self.top / ".rokuon-aside" / FOLDERS[target] / day / f"x - {line['call']} - {line['recording']} - {sha256(body)[:12]}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        line["aside"] = [self.described(path, body)]
        return path

    def erase(self, day: str, place: int = 0, target: str = BILLING, *, redact: bool = True) -> None:
        """Erase a recording: object, line and, if asked, the manifests that name it; a receipt says so."""
        lines = self.day(target, day).lines
        path = self.object(lines[place])
        path.unlink()
        name = f"E-{len(self.receipts) + 1:06d}"
        lines[place] = {"receipt": name, "state": "erased"}
        redacted = []
        for (number, file), digest in list(self.files.items()) if redact else ():
            old = self.seal(number).parent / file
            if file.startswith(target) and old.exists():
                redacted.append({"chain": self.chain, "issue": number, "path": file, "sha256": digest})
                self.dirty |= {one for one in self.days if one[0] == target}
                old.unlink()
        self.receipts.append(
            {"act": "erasure", "copies": 1, "receipt": name, "recordings": 1, "redacted": redacted, "issue": self.number + 1}
        )

    # What an issue writes.

    def issue(self, *, days: float = 1, sums: dict[str, int] | None = None, **more: Any) -> dict[str, Any]:
        """Seal what has changed. `more` goes into the seal; None leaves a field out. `sums` adds to the totals, as a liar would."""
        self.number += 1
        files = [self._receipts()] if any(one["issue"] == self.number for one in self.receipts) else []
        for target in sorted({target for target, _ in self.dirty}):
            files.append(self._manifest(target, sorted(day for one, day in self.dirty if one == target)))
        self.dirty.clear()
        body: dict[str, Any] = {
            "at": when(self.at), "bucket": self.bucket, "chain": self.chain, "company": "5f0e", "files": files, "format": "rokuon-seal/1",
            "installation": "a1", "issue": self.number, "key": self.key.fingerprint, "next_by": when(self.at + timedelta(hours=26)),
            "totals": {name: value + (sums or {}).get(name, 0) for name, value in self.totals().items()},
        }  # fmt: skip
        if self.head:
            body["previous"] = self.head
        body |= more
        body = {name: value for name, value in body.items() if value is not None}
        self.write_seal(body)
        self.at += timedelta(days=days)
        return body

    def write_seal(self, body: dict[str, Any], key: Key | None = None) -> None:
        key = key or self.key
        line = canonical(body)
        path = self.seal(body["issue"])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(line + key.armor(line))
        self.head = {"issue": body["issue"], "sha256": sha256(path.read_bytes())}
        public = self.custody / "keys" / f"{hashlib.sha256(key.blob).hexdigest()}.pub"
        public.parent.mkdir(exist_ok=True)
        public.write_text(key.line + "\n")

    def _receipts(self) -> dict[str, Any]:
        lines = [{name: value for name, value in one.items() if name != "issue"} for one in self.receipts if one["issue"] == self.number]
        head = {"chain": self.chain, "format": "rokuon-receipts/1", "issue": self.number}
        return self._file("receipts", b"".join(map(canonical, [head, *lines])), kind="receipts")

    def _manifest(self, target: str, days: list[str]) -> dict[str, Any]:
        head = {
            "bucket": self.bucket, "chain": self.chain, "company": "5f0e", "folder": FOLDERS[target], "format": "rokuon-manifest/1",
            "issue": self.number, "target": {"id": target, "kind": "callcenter"}, "zone": "Asia/Tokyo",
        }  # fmt: skip
        records = [head]
        for name in days:
            self.days[target, name].revision += 1
            records += [self.certificate(target, name), *self.lines(target, name)]
        return self._file(
            target, b"".join(map(canonical, records)), kind="manifest", target=target, days=len(days), first=days[0], last=days[-1]
        )

    def _file(self, stem: str, data: bytes, **entry: Any) -> dict[str, Any]:
        name = f"{stem}-{sha256(data)[:16]}.jsonl"
        path = self.seal(self.number).parent / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        self.files[self.number, name] = sha256(data)
        return {"bytes": len(data), "path": name, "sha256": sha256(data), **entry}

    def lines(self, target: str, day: str) -> list[dict[str, Any]]:
        return sorted(
            self.days[target, day].lines, key=lambda line: (line["state"] == "erased", line.get("started", ""), line.get("call", ""))
        )

    def certificate(self, target: str, day: str) -> dict[str, Any]:
        of_day = self.days[target, day]
        here = [line for line in of_day.lines if "bucket" not in line]
        copies = {state: sum(line["state"] == state for line in here) for state in STATES}
        copies["discovered"] = sum(copies.values())
        without = sum(line["state"] == "without_recording" for line in here)
        explained, unexplained = self.explained(here), self.unexplained(here)
        record = {
            "calls": {"listed": len(here) + 3, "recorded": len(here) + 1, "without_recording": without}, "copies": copies, "day": day,
            "elsewhere": len(of_day.lines) - len(here), "explained": explained, "late": 0, "lines": len(of_day.lines),
            "open": unexplained, "revision": of_day.revision, "state": "provisional",
            "verdict": "unlisted" if not of_day.listed else "incomplete" if unexplained else "complete",
        }  # fmt: skip
        return record | ({"listed_at": when(self.at - timedelta(hours=1))} if of_day.listed else {})

    def explained(self, lines: list[dict[str, Any]]) -> int:
        return sum(line["state"] in ("excluded", "erased") or "closed" in line for line in lines)

    def unexplained(self, lines: list[dict[str, Any]]) -> int:
        return sum(line["state"] not in ("verified", "excluded", "erased") and "closed" not in line for line in lines)

    def totals(self) -> dict[str, int]:
        here = [line for day in self.days.values() for line in day.lines if "bucket" not in line]
        verified = [line for line in here if line["state"] == "verified"]
        return {
            "bytes": sum(line["size"] for line in verified), "days": len(self.days),
            "erased": sum(line["state"] == "erased" for line in here),
            "explained": self.explained(here), "open": self.unexplained(here), "verified": len(verified),
        }  # fmt: skip


_TABLE: list[int] = []


def crc32c(data: bytes) -> str:
    if not _TABLE:
        for byte in range(256):
            for _ in range(8):
                byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
            _TABLE.append(byte)
    value = 0xFFFFFFFF
    for byte in data:
        value = _TABLE[(value ^ byte) & 255] ^ value >> 8
    return b64((value ^ 0xFFFFFFFF).to_bytes(4, "big"))
