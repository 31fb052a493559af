"""The answer of the settings tree: who decides, and what that overrules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rokuon.domain.recording import ScopeKind
from rokuon.domain.settings import CompanySettings, Effective, EffectReason, Ignored, LevelSettings, Overruled, effective

CENTER, TEAM, OFFICE, COMPANY = ScopeKind.CONTACT_CENTER, ScopeKind.COACHING_TEAM, ScopeKind.OFFICE, ScopeKind.COMPANY

buckets = st.none() | st.integers(0, 4)
companies = st.builds(CompanySettings, st.booleans(), buckets, st.booleans())
offices = st.builds(LevelSettings, st.just(OFFICE), st.booleans(), buckets)
targets = st.builds(LevelSettings, st.sampled_from([CENTER, TEAM]), st.booleans(), buckets)


@pytest.mark.parametrize(
    ("company", "office", "target", "expected"),
    [
        (
            (False, 1, False),
            (True, 2),
            (True, 3),
            Effective(None, None, EffectReason.DISABLED, (Ignored(CENTER, Overruled.DISABLED), Ignored(OFFICE, Overruled.DISABLED))),
        ),
        ((False, 1, True), (False, 2), (False, 3), Effective(None, None, EffectReason.DISABLED)),
        (
            (True, 1, True),
            (True, 2),
            (True, 3),
            Effective(1, COMPANY, EffectReason.RESTRICTED, (Ignored(CENTER, Overruled.RESTRICTED), Ignored(OFFICE, Overruled.RESTRICTED))),
        ),
        ((True, None, True), (False, 2), (False, 3), Effective(None, COMPANY, EffectReason.RESTRICTED_WITHOUT_BUCKET)),
        ((True, 1, False), (True, 2), (True, 3), Effective(3, CENTER, EffectReason.CONTACT_CENTER, (Ignored(OFFICE, Overruled.NEARER),))),
        ((True, 1, False), (False, 2), (True, 3), Effective(3, CENTER, EffectReason.CONTACT_CENTER)),
        ((True, 1, False), (False, 2), (True, None), Effective(None, CENTER, EffectReason.CONTACT_CENTER_WITHOUT_BUCKET)),
        ((True, 1, False), (True, 2), (False, 3), Effective(2, OFFICE, EffectReason.OFFICE)),
        ((True, 1, False), (True, None), (False, 3), Effective(None, OFFICE, EffectReason.OFFICE_WITHOUT_BUCKET)),
        ((True, 1, False), (False, 2), (False, 3), Effective(1, COMPANY, EffectReason.COMPANY)),
        ((True, None, False), (False, 2), (False, 3), Effective(None, COMPANY, EffectReason.COMPANY_WITHOUT_BUCKET)),
        ((True, 0, False), (False, 2), (False, 3), Effective(0, COMPANY, EffectReason.COMPANY)),
    ],
)
def test_the_level_that_wins(
    company: tuple[bool, int | None, bool], office: tuple[bool, int | None], target: tuple[bool, int | None], expected: Effective
) -> None:
    answer = effective(CompanySettings(*company), LevelSettings(OFFICE, *office), LevelSettings(CENTER, *target))
    assert answer == expected


def test_a_coaching_team_wins_with_its_own_sentence() -> None:
    answer = effective(CompanySettings(True, 1, False), LevelSettings(OFFICE, False, None), LevelSettings(TEAM, True, 3))
    assert (answer.bucket, answer.won, answer.why) == (3, TEAM, EffectReason.COACHING_TEAM)


@given(companies, offices, targets)
def test_restriction_always_means_the_companys_bucket(company: CompanySettings, office: LevelSettings, target: LevelSettings) -> None:
    answer = effective(CompanySettings(True, company.bucket, True), office, target)
    assert (answer.bucket, answer.won) == (company.bucket, COMPANY)


@given(companies, offices, targets)
def test_nothing_is_backed_up_without_the_companys_consent(company: CompanySettings, office: LevelSettings, target: LevelSettings) -> None:
    answer = effective(CompanySettings(False, company.bucket, company.restricted), office, target)
    assert answer.bucket is None


@given(companies, offices, targets, buckets, st.booleans())
def test_changing_an_ignored_level_never_changes_the_answer(
    company: CompanySettings, office: LevelSettings, target: LevelSettings, bucket: int | None, customized: bool
) -> None:
    before = effective(company, office, target)
    ignored = {entry.kind for entry in before.ignored}
    changed_office = LevelSettings(OFFICE, customized, bucket) if OFFICE in ignored else office
    changed_target = LevelSettings(target.kind, customized, bucket) if target.kind in ignored else target
    after = effective(company, changed_office, changed_target)
    assert (after.bucket, after.won, after.why) == (before.bucket, before.won, before.why)


@given(companies, offices, targets)
def test_the_bucket_is_the_winning_levels_own(company: CompanySettings, office: LevelSettings, target: LevelSettings) -> None:
    answer = effective(company, office, target)
    own = {COMPANY: company.bucket, OFFICE: office.bucket, target.kind: target.bucket, None: None}
    assert answer.bucket == own[answer.won]
    assert (answer.won is None) == (not company.enabled)


@given(companies, offices, targets)
def test_every_customized_level_either_wins_or_is_named_as_ignored(
    company: CompanySettings, office: LevelSettings, target: LevelSettings
) -> None:
    answer = effective(company, office, target)
    customized = {level.kind for level in (office, target) if level.customized}
    ignored = [entry.kind for entry in answer.ignored]
    assert len(ignored) == len(set(ignored))
    assert customized == set(ignored) | ({answer.won} & {OFFICE, CENTER, TEAM})


@given(companies, offices, targets)
def test_the_sentence_says_whether_there_is_a_bucket(company: CompanySettings, office: LevelSettings, target: LevelSettings) -> None:
    answer = effective(company, office, target)
    assert (answer.bucket is None) == (answer.why is EffectReason.DISABLED or answer.why.name.endswith("_WITHOUT_BUCKET"))


@given(companies, offices)
def test_a_target_that_inherits_gets_what_its_office_gets(company: CompanySettings, office: LevelSettings) -> None:
    inherits = effective(company, office, LevelSettings(CENTER, False, 4))
    assert inherits == effective(company, office)


def test_no_two_reasons_share_a_sentence() -> None:
    assert len({why.value for why in EffectReason}) == len(EffectReason.__members__) == 11
    assert len({why.value for why in Overruled}) == len(Overruled.__members__) == 3
