"""Who can fix a cause."""

import pytest

from rokuon.domain.failures import (
    BucketUnmarked,
    ObjectMissing,
    RecordingGone,
    RecordingTooSlow,
    Responsible,
    RokuonError,
    SourceRedirectBlocked,
    SourceUrlRefused,
    curer,
)


@pytest.mark.parametrize(
    ("failure", "who"),
    [
        (BucketUnmarked, Responsible.OPERATOR),
        (ObjectMissing, Responsible.COMPANY),
        (RecordingGone, Responsible.OFFICE),
        (RecordingTooSlow, Responsible.NOBODY),
    ],
)
def test_who_is_notified_can_fix_it(failure: type[RokuonError], who: Responsible) -> None:
    assert curer(failure) is who


@pytest.mark.parametrize("failure", [SourceRedirectBlocked, SourceUrlRefused])
def test_a_host_is_allowed_by_the_operator_although_the_company_is_notified(failure: type[RokuonError]) -> None:
    assert (failure.notify, curer(failure)) == (Responsible.COMPANY, Responsible.OPERATOR)
