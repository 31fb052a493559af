"""An id on the command line that is none is a mistake of usage (2), and no failure of ours."""

import pytest

from tests.console.odd_ids import ODD_IDS
from tests.ledger.factory import World

from .conftest import Rokuon
from .test_failures import world as world

COMMANDS = (["retry", "ID"], ["close", "--note", "x", "ID"], ["runs", "--pause", "ID"], ["notices", "ack", "ID"])
GIVEN = [text for text in ODD_IDS if not text.startswith("-") and "\0" not in text]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_an_id_that_is_none_is_refused_before_anything_is_done(desk: Rokuon, world: World, command: list[str]) -> None:
    for text in (GIVEN[0], GIVEN[2], GIVEN[6]):
        answer = desk(*(text if word == "ID" else word for word in command))
        assert (answer.code, "Traceback" in answer.err, "is no id" in answer.err) == (2, False, True), (text[:20], answer.err)
        assert len(answer.err) < 1000
    nowhere = desk(*("9223372036854775807" if word == "ID" else word for word in command))
    assert (nowhere.code, "Traceback" in nowhere.err) == (2, False), nowhere.err
