"""Who can fix a cause."""

import pytest

from rokuon.domain.failures import (
    BucketUnmarked,
    ObjectMissing,
    RecordingGone,
    RecordingTooSlow,
    RokuonError,
    SourceRedirectBlocked,
    SourceUrlRefused,
    Tell,
    curer,
)


@pytest.mark.parametrize(
    ("failure", "who"),
    [(BucketUnmarked, Tell.OPERATOR), (ObjectMissing, Tell.COMPANY), (RecordingGone, Tell.OFFICE), (RecordingTooSlow, Tell.NOBODY)],
)
def test_who_is_notified_can_fix_it(failure: type[RokuonError], who: Tell) -> None:
    assert curer(failure) is who


@pytest.mark.parametrize("failure", [SourceRedirectBlocked, SourceUrlRefused])
def test_a_host_is_allowed_by_the_operator_although_the_company_is_notified(failure: type[RokuonError]) -> None:
    assert (failure.tell, curer(failure)) == (Tell.COMPANY, Tell.OPERATOR)
