import logging
from datetime import UTC, datetime

import pytest

from rokuon.domain.recording import Bound, ScopeKind
from rokuon.org import ranges, services

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 30, tzinfo=UTC)


def test_two_listings_that_note_it_in_one_millisecond_tell_of_it_once(caplog: pytest.LogCaptureFixture) -> None:
    company = services.create_company("Acme", "https://dialpad.com", "1")
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            ranges.note(company.pk, ScopeKind.COMPANY, Bound.BEFORE, NOW)
    assert [record.message for record in caplog.records] == ["range_ignored"]
    ((kind, bound),) = {(one.kind, one.bound) for one in ranges.ignored(company.pk)}
    assert (kind, bound) == (ScopeKind.COMPANY, Bound.BEFORE)
