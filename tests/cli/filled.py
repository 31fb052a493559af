"""A company with recordings in a folder, for tests of commands about what is in a bucket."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rokuon.ledger.drill_models import DrawnRecording, Drill
from rokuon.ledger.models import Copy
from rokuon.org.models import Bucket, Company, Office, Target
from tests.audio import length_ms, mp3
from tests.console.copies import add_copy

from .conftest import Answer, Rokuon

NUMBER = 30


@dataclass
class Filled:
    rokuon: Rokuon
    bucket: Bucket
    root: Path

    def __call__(self, *line: str, **environment: str) -> Answer:
        return self.rokuon("drill", *line, **environment)

    def json(self, *line: str) -> Any:
        return self("--json", "--yes", *line).json

    def file(self, copy: Copy) -> Path:
        return self.root / copy.key

    def drawn(self, drill: Drill) -> list[Copy]:
        return [one.copy for one in DrawnRecording.objects.filter(drill=drill).select_related("copy").order_by("place")]


@pytest.fixture
def filled(desk: Rokuon) -> Filled:
    """A company with a verified bucket and 30 recordings in it."""
    company = Company.objects.create(name="Acme", base_url="https://acme.example", dialpad_id="1")
    office = Office.objects.create(company=company, dialpad_id="1", name="Tokyo", timezone="Asia/Tokyo")
    target = Target.objects.create(company=company, office=office, kind="callcenter", dialpad_id="11", name="Sales", backed_up=True)
    added = desk("bucket", "add", desk.folder("main"))
    assert added.code == 0, added.err
    found = Filled(desk, Bucket.objects.get(), desk.data / "buckets" / "main")
    for number in range(NUMBER):
        copy = add_copy(target, found.bucket, number, data=mp3(number), audio_ms=length_ms())
        found.file(copy).parent.mkdir(parents=True, exist_ok=True)
        found.file(copy).write_bytes(mp3(number))
    return found
