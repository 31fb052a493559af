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


def test_an_account_says_since_when_it_exists_and_how_its_address_was_proven(ready: Rokuon) -> None:
    ready("people", "invite", "hanako@example.com", "--role", "viewer")
    (listed,) = (one for one in ready("people", "list", "--json").json if one["email"] == "hanako@example.com")
    assert listed["created_at"] and (listed["proven_at"], listed["proven_by"], listed["disabled_at"]) == (None, None, None)
    assert "not proven" in ready("people", "list").out
    answer = ready("people", "reset", "Hanako@Example.com")
    assert (answer.code, "rokuon admin-link --email hanako@example.com" in answer.out) == (0, True)
    assert ready("people", "reset", "nobody@example.com").code == 2


def test_a_company_does_not_enable_whom_the_operator_disabled(ready: Rokuon) -> None:
    ready("people", "invite", "hanako@example.com", "--role", "viewer")
    ready("people", "disable", "hanako@example.com")
    answer = ready("people", "invite", "hanako@example.com", "--role", "viewer")
    assert (answer.code, "rokuon people enable" in answer.err) == (2, True)


def test_what_makes_no_sense_is_refused(ready: Rokuon) -> None:
    assert ready("people", "invite", "x@example.com", "--role", "office_admin").code == 2
    assert ready("people", "invite", "not an address", "--role", "viewer").code == 2
    assert ready("people", "disable", "nobody@example.com").code == 2


def test_the_last_company_admin_is_not_disabled(ready: Rokuon) -> None:
    ready("admin-link")
    answer = ready("people", "disable", "operator@localhost")
    assert (answer.code, "company admin" in answer.err) == (2, True)


def test_the_sign_in_of_the_directorys_admins_is_switched_off_and_on(ready: Rokuon) -> None:
    assert ready("people", "set", "--no-directory-sign-in", "--json").json == {"changed": True, "ended": 0}
    assert ready("people", "set", "--no-directory-sign-in", "--json").json == {"changed": False, "ended": 0}
    assert "Saved" in ready("people", "set", "--directory-sign-in").out


def test_a_setting_that_is_not_named_is_refused(ready: Rokuon) -> None:
    answer = ready("people", "set")
    assert (answer.code, "--directory-sign-in" in answer.err) == (2, True)
