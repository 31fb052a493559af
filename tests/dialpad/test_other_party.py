"""The other party of a call, as Dialpad lists it."""

from typing import Any

import pytest

from rokuon.dialpad.schema import ParsedCall, parse_call
from rokuon.domain.other_party import ListedParty

LATEST = 2_000_000_000_000


def parsed(**fields: Any) -> ListedParty:
    found = parse_call({"call_id": "1", "date_started": "1790000000000", **fields}, LATEST)
    assert isinstance(found, ParsedCall)
    return found.call.other


def test_direction_number_and_name_are_read() -> None:
    contact = {"id": "1", "name": "山田 太郎", "phone": "+819012345678"}
    assert parsed(direction="inbound", external_number="+819012345678", contact=contact) == ListedParty(
        "inbound", "+819012345678", "山田 太郎"
    )


def test_without_an_external_number_the_contacts_own_is_taken() -> None:
    assert parsed(direction="Outbound", contact={"phone": "+14155550123"}) == ListedParty("outbound", "+14155550123", "")


@pytest.mark.parametrize("odd", [None, 7, [], {}, "", "x\0y", {"name": ["a"], "phone": 7}])
def test_whatever_else_is_listed_there_is_read_as_none_and_loses_no_call(odd: Any) -> None:
    other = parsed(direction=odd, contact=odd)
    assert other == ListedParty()
