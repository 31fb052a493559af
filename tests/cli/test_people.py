"""`rokuon admin-link` and `rokuon people`: the way in for whoever runs the machine."""

from .conftest import Rokuon


def test_a_fresh_installation_prints_a_link_for_its_first_operator(ready: Rokuon) -> None:
    answer = ready("admin-link", "--json", ROKUON_PUBLIC_URL="https://rokuon.example.com").json
    assert answer["url"].startswith("https://rokuon.example.com/link/")
    assert (answer["email"], answer["minutes"]) == ("operator@localhost", 15)
    assert ready("admin-link", "--email", "nonsense").code == 2


def test_people_are_invited_listed_disabled_and_enabled(ready: Rokuon) -> None:
    invited = ready("people", "invite", "Hanako@example.com", "--role", "viewer", "--json").json
    assert invited["email"] == "hanako@example.com" and "/link/" in invited["url"]
    assert ready("people", "disable", "hanako@example.com").code == 0
    listed = {one["email"]: one for one in ready("people", "list", "--json").json}
    assert (listed["hanako@example.com"]["active"], len(listed["hanako@example.com"]["roles"])) == (False, 1)
    refused = ready("admin-link", "--email", "hanako@example.com")
    assert (refused.code, "disabled" in refused.err) == (2, True)
    assert ready("people", "enable", "hanako@example.com").code == 0
    assert "hanako@example.com" in ready("people", "list").out


def test_what_makes_no_sense_is_refused(ready: Rokuon) -> None:
    assert ready("people", "invite", "x@example.com", "--role", "office_admin").code == 2
    assert ready("people", "invite", "not an address", "--role", "viewer").code == 2
    assert ready("people", "disable", "nobody@example.com").code == 2


def test_the_last_company_admin_is_not_disabled(ready: Rokuon) -> None:
    ready("admin-link")
    answer = ready("people", "disable", "operator@localhost")
    assert (answer.code, "company admin" in answer.err) == (2, True)
