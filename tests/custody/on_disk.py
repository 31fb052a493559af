"""The real writer on a folder, and the real verifier in a process of its own that sees nothing of Rokuon."""

import asyncio
import base64
import json
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from google_crc32c import value as crc32c

from rokuon.custody import canonical, sshsig
from rokuon.custody.models import SealChain
from rokuon.domain.ports import Body, StoredObject
from rokuon.ledger.models import Copy
from rokuon.stores.local import LocalStore
from tests.custody.rig import Answer
from tests.custody.sealing import Custody
from tests.custody.shipped import prove

DAY = date(2026, 8, 20)
"""Long before the seals, so that what nobody names there is `extra` and not `unsealed`."""


class Folder(LocalStore):
    """A folder that is used in one event loop after another: a write ends in the loop in which it began."""

    async def put(self, key: str, body: Body, *, content_type: str, metadata: Mapping[str, str]) -> StoredObject:
        try:
            return await super().put(key, body, content_type=content_type, metadata=metadata)
        finally:
            while self._writing:
                await asyncio.sleep(0.001)


class OnDisk(Custody):
    """A company whose bucket is a folder."""

    def __init__(self, folder: Path, name: str = "Acme") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(name, Folder(folder))
        self.folder = folder

    @property
    def custody_files(self) -> Path:
        return self.folder / "call-recordings" / ".rokuon-custody"

    def audio(self, number: int) -> Path:
        (path,) = self.folder.rglob(f"* - c{number} - r{number}.mp3")
        return path

    def issue_folder(self, number: int, chain: str = "") -> Path:
        return self.custody_files / (chain or SealChain.objects.get(bucket=self.bucket, closed_at=None).name) / f"{number:08}"

    def head(self, number: int) -> str:
        """The seal as somebody notes it: number and SHA-256."""
        return f"{number}:{self.sha256((self.issue_folder(number) / 'seal').read_bytes())}"

    def check(self, *arguments: str, folder: Path | None = None, trust: str = "", later: timedelta = timedelta(0)) -> Answer:
        """Check the folder as an auditor does, so long after the last issue, trusting the company's present key."""
        now = (self.now + later).strftime("%Y-%m-%dT%H:%M:%SZ")
        code, out = prove(folder or self.folder, "", "--now", now, "--json", *arguments, trust=trust or self.fingerprint)
        return Answer(code, [json.loads(line) for line in out.splitlines()], "")

    def listing(self, path: Path, bucket: str, **seals: str) -> str:
        """Write what `gcloud storage ls --recursive --json` says of this folder as a bucket. `seals` are other times of creation than the
        seals' own, by name such as `seal_2`."""
        entries = []
        versions = dict(Copy.objects.values_list("key", "version"))
        for file in sorted(one for one in self.folder.rglob("*") if one.is_file()):
            data = file.read_bytes()
            own = json.loads(data.partition(b"\n")[0])["at"] if file.name == "seal" else "2026-08-21T00:00:00Z"
            meta = {
                "name": file.relative_to(self.folder).as_posix(),
                "bucket": bucket,
                "size": str(len(data)),
                "crc32c": base64.b64encode(crc32c(data).to_bytes(4, "big")).decode(),
                "generation": versions.get(file.relative_to(self.folder).as_posix()) or "1",
                "timeCreated": seals.get(f"seal_{int(file.parent.name)}", own) if file.name == "seal" else own,
            }
            entries.append({"url": f"gs://{bucket}/{meta['name']}#1", "type": "cloud_object", "metadata": meta})
        path.write_text(json.dumps(entries))
        return str(path)


def signed(body: dict[str, Any], private: str) -> bytes:
    """A seal with this body, by whoever has the key."""
    line = canonical.line(body)
    return line + sshsig.sign(private, line).encode()
