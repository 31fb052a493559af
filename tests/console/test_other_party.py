"""The company's choice of what is kept of other parties: who may change it, what it removes, and where no number ever is."""

import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import connection, transaction

from rokuon.accounts.models import AuditEntry
from rokuon.base.secrets import Vault, new_key
from rokuon.domain.other_party import ListedParty, PartyDetail, keeper
from rokuon.ledger import other_parties
from rokuon.ledger.models import OtherParty
from rokuon.org.models import Company
from rokuon.wiring import other_party

from .conftest import Role, World
from .copies import add_copy
from .test_settings import company_form

NOW = datetime(2026, 4, 2, tzinfo=UTC)
LISTED = ListedParty("inbound", "+819012345678", "山田 太郎")


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault([new_key()])


def keep(world: World, vault: Vault, number: int, detail: PartyDetail = PartyDetail.FULL) -> OtherParty:
    """A recording whose other party is kept in this detail."""
    copy = add_copy(world.sales, world.bucket, number)
    kept = keeper(detail, other_party.number_key(world.company, vault))(LISTED)
    assert kept is not None
    return OtherParty.objects.create(
        recording=copy.recording,
        company=world.company,
        detail=detail,
        direction=kept.direction,
        number_hash=kept.number_hash,
        ending=kept.ending,
        number=kept.number,
        name=kept.name,
    )


def test_the_default_is_masked(world: World) -> None:
    assert world.company.other_party == PartyDetail.MASKED
    assert 'value="masked" selected' in world.admin.get(world.url("settings/")).content.decode()


def test_a_company_admin_changes_it_and_the_change_is_in_the_audit_log(world: World) -> None:
    assert world.admin.post(world.url("settings/save/"), company_form(world.company, other_party="off")).status_code in (302, 303)
    world.company.refresh_from_db()
    assert world.company.other_party == "off"
    entry = AuditEntry.objects.get(action="settings.change")
    assert (entry.before, entry.after) == ({"other_party": "masked"}, {"other_party": "off"})
    assert "What is kept of the other party of a call" in world.admin.get(world.url("audit/")).content.decode()


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OFFICE_ADMIN])
def test_nobody_else_may_change_it(world: World, role: str) -> None:
    browser = world.client(role, world.tokyo if role == Role.OFFICE_ADMIN else None)
    assert browser.post(world.url("settings/save/"), company_form(world.company, other_party="full")).status_code == 403
    world.company.refresh_from_db()
    assert world.company.other_party == "masked"


def test_a_value_that_does_not_exist_and_a_form_without_the_field_change_nothing(world: World) -> None:
    answer = world.admin.post(world.url("settings/save/"), company_form(world.company, other_party="everything"))
    assert 'id="set-other_party_error"' in answer.content.decode()
    world.admin.post(world.url("settings/save/"), company_form(world.company, voicemail="on"))
    world.company.refresh_from_db()
    assert (world.company.other_party, world.company.voicemail) == ("masked", True)


@pytest.mark.parametrize(("chosen", "left"), [("off", 0), ("masked", 3)])
def test_a_stricter_choice_removes_what_was_kept_and_says_so_in_the_audit_log(world: World, vault: Vault, chosen: str, left: int) -> None:
    for number in range(3):
        keep(world, vault, number)
    Company.objects.filter(pk=world.company.pk).update(other_party=chosen)
    other_party.clear_what_exceeds(NOW)
    other_party.clear_what_exceeds(NOW)
    assert OtherParty.objects.count() == left
    assert not OtherParty.objects.exclude(number="").exists()
    entry = AuditEntry.objects.get(action="company.other_party")
    assert (entry.actor, entry.after) == ("Rokuon", {"other_party": chosen, "rows": 3})


def test_a_removal_that_was_stopped_is_resumed_by_the_next_tick(world: World, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        keep(world, vault, number)
    Company.objects.filter(pk=world.company.pk).update(other_party="off")
    monkeypatch.setattr(other_party, "PATIENCE_S", -1.0)
    monkeypatch.setattr(other_party.other_parties, "clear", lambda company, real=other_party.other_parties.clear: real(company, 2))
    rows = []
    while OtherParty.objects.exists():
        other_party.clear_what_exceeds(NOW)
        rows.append(OtherParty.objects.count())
    assert rows == [3, 1, 0]
    assert sum(entry.after["rows"] for entry in AuditEntry.objects.filter(action="company.other_party")) == 5


@pytest.mark.parametrize("off", [(), ("nestloop",), ("hashjoin", "mergejoin", "hashagg", "sort", "indexscan", "bitmapscan", "material")])
@pytest.mark.parametrize("chosen", ["off", "masked"])
def test_a_batch_is_never_more_than_its_limit_in_whichever_way_the_database_runs_it(
    world: World, vault: Vault, chosen: str, off: tuple[str, ...]
) -> None:
    for number in range(5):
        keep(world, vault, number)
    Company.objects.filter(pk=world.company.pk).update(other_party=chosen)
    with transaction.atomic(), connection.cursor() as cursor:
        for way in off:
            cursor.execute(f"SET LOCAL enable_{way} = off")
        assert other_parties.clear(world.company.pk, 2) == 2
        assert OtherParty.objects.filter(detail="full").count() == 3


def test_the_key_is_sealed_each_company_has_its_own_and_it_stays(world: World, vault: Vault) -> None:
    mine, theirs = other_party.number_key(world.company, vault), other_party.number_key(world.other, vault)
    assert mine != theirs
    assert other_party.number_key(Company.objects.get(pk=world.company.pk), vault) == mine
    stored = Company.objects.get(pk=world.company.pk).number_key
    assert mine.hex() not in stored
    world.other.number_key = stored
    with pytest.raises(Exception, match="moved from another place"):
        other_party.number_key(world.other, vault)


def test_a_key_that_cannot_be_read_keeps_nothing_and_stops_no_backup(world: World, vault: Vault, caplog: pytest.LogCaptureFixture) -> None:
    other_party.number_key(world.company, vault)
    with caplog.at_level(logging.WARNING):
        assert other_party.keeping(world.company, Vault([new_key()])) is None
    assert "number_key_unreadable" in caplog.text


def test_a_typed_number_finds_the_hash_of_the_number_that_was_kept(world: World, vault: Vault) -> None:
    kept = keep(world, vault, 1, PartyDetail.MASKED)
    for typed in ("090-1234-5678", "+81 90 1234 5678", "０９０１２３４５６７８"):
        assert other_party.hashes(world.company, vault, typed) == [kept.number_hash]
    assert other_party.hashes(world.company, vault, "090-1234-5679") == []
    assert other_party.hashes(world.other, vault, "090-1234-5678") == []
    world.company.other_party = "off"
    assert other_party.hashes(world.company, vault, "090-1234-5678") == []
