"""What a certificate may state as a whole: never more than the ledger, the listings and the seals say at one moment."""

import threading
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection

from rokuon.wiring import certificate
from rokuon.wiring.certificate import Certificate, Standing
from tests.custody.sealing import Custody

DAY = date(2026, 11, 20)
UTC_DAYS = (DAY - timedelta(days=1), DAY)
"""The UTC days that DAY overlaps in Tokyo."""


@pytest.fixture
def custody(transactional_db: None) -> Custody:
    return Custody()


def made(custody: Custody, **limits: Any) -> Certificate:
    custody.company.refresh_from_db()
    return certificate.certify(custody.company, DAY, DAY, now=custody.now, made_by="Ann", zone="Asia/Tokyo", **limits)


def test_a_listing_that_ends_meanwhile_does_not_count_without_what_it_found(custody: Custody) -> None:
    custody.recording(1, DAY)
    custody.issue()
    ended: list[bool] = []

    def listing_ends() -> None:
        try:
            custody.recording(2, DAY, store=False)
            custody.listed(*UTC_DAYS)
        finally:
            connection.close()

    def between(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "ledger_coverage" in sql and not ended:
            ended.append(True)
            beside = threading.Thread(target=listing_ends)
            beside.start()
            beside.join()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(between):
        found = made(custody)
    assert ended
    assert (found.standing, found.figures.sum.account.recordings) == (Standing.UNKNOWN, 1)
    assert (made(custody).standing, made(custody).figures.sum.account.recordings) == (Standing.UNACCOUNTED, 2)
