"""`rokuon audit`: who did what, also what belongs to no company, and who signed in or tried to."""

import re

from django.test import Client

from rokuon.accounts.models import AuditEntry
from tests.ledger.factory import World

from .conftest import Rokuon


def test_lines_without_a_company_are_read_by_a_command(desk: Rokuon) -> None:
    world = World()
    assert desk("admin-link").code == 0
    assert desk("people", "invite", "hanako@acme.example", "--role", "viewer").code == 0
    assert desk("people", "disable", "hanako@acme.example").code == 0
    shown = desk("audit", "log", "--installation").out
    assert all(words in shown for words in ("Person disabled", "hanako@acme.example", "Sign-in link made", "Operator made", "command line"))
    assert "Role given" not in shown
    of_the_company = desk("audit", "log", "--company", world.company.name, "--json").json
    assert {one["action"] for one in of_the_company} == {"person.role", "person.invite"}
    everything = desk("audit", "log", "--json", "--limit", "1000").json
    assert len(everything) == AuditEntry.objects.count()
    assert {one["company"] for one in everything} == {None, world.company.name}
    assert len(desk("audit", "log", "--json", "--limit", "1").json) == 1
    assert desk("audit", "log", "--installation", "--company", "x").code == 2
    assert desk("audit", "log", "--limit", "0").code == 2


def test_sign_ins_are_read_by_a_command(desk: Rokuon) -> None:
    assert "Nothing is written down" in desk("audit", "sign-ins").out
    link = re.search(r"/link/[\w-]+/", desk("admin-link").out)
    assert link is not None
    Client().post(link[0])
    Client().post("/sign-in/", {"login": "nobody@example.com", "password": "wrong"})
    Client().post("/sign-in/", {"login": "nobody@example.com", "password": "wrong"})
    shown = desk("audit", "sign-ins").out
    assert all(
        words in shown for words in ("operator@localhost", "Signed in", "sign-in link", "nobody@example.com", "2 times", "127.0.0.1")
    )
    (refused,) = desk("audit", "sign-ins", "--refused", "--json").json
    assert (refused["email"], refused["way"], refused["result"], refused["times"]) == ("nobody@example.com", "password", "wrong", 2)
    assert len(desk("audit", "sign-ins", "--email", "Operator@localhost", "--json").json) == 1
    assert "サインイン済み" in desk("audit", "sign-ins", ROKUON_LANGUAGE="ja").out


def test_an_unknown_company_is_refused(desk: Rokuon) -> None:
    World()
    for what in ("log", "sign-ins"):
        answer = desk("audit", what, "--company", "Nowhere")
        assert (answer.code, "There is no company" in answer.err) == (2, True)
