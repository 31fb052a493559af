"""Fixtures of the commands about custody files: an installation with one backed-up bucket, and the commands on it."""

from pathlib import Path

import pytest

from rokuon.ledger.models import Copy
from tests.custody.backed_up import backed_up
from tests.e2e.conftest import MakeRig
from tests.e2e.rig import Rig

from .conftest import Rokuon


@pytest.fixture
def rig(rig_of: MakeRig) -> Rig:
    return backed_up(rig_of)


@pytest.fixture
def rokuon(rig: Rig, outer: Path) -> Rokuon:
    return Rokuon(outer, rig.config.data_dir, **rig.environment)


@pytest.fixture
def days(rig: Rig) -> tuple[str, ...]:
    """From the first to the last day with a recording, as options."""
    found = sorted(Copy.objects.values_list("day", flat=True))
    return ("--from", found[0].isoformat(), "--to", found[-1].isoformat())
