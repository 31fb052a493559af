"""What mails say: every occasion, kind and language; nothing that could harm, or that mails must not hold (row Q39)."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html.parser import HTMLParser
from itertools import product

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from rokuon.base.i18n import _, speaking
from rokuon.domain.failures import by_reason, leaves
from rokuon.notify import samples
from rokuon.notify.message import Letter, NoticeLine, Numbers
from rokuon.notify.models import NoticeKind, Occasion
from rokuon.notify.render import MOST_LINES, Rendered, render
from rokuon.notify.text.causes import IN_BRIEF, in_brief
from rokuon.runtime.mail import MOST_SUBJECT, compose

ORIGIN = "https://rokuon.example"
JAPANESE = re.compile("[ぁ-んァ-ヶ一-龠]")
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069]")


class Page(HTMLParser):
    """What a program that reads mail would see: elements, attributes, words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.attributes: set[str] = set()
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _value in attrs}
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "background")]

    def handle_data(self, data: str) -> None:
        self.words += data


def english_left(rendered: Rendered) -> list[str]:
    """Lines of a Japanese mail in which four English words follow each other."""
    return [line for line in rendered.text.splitlines() if re.search(r"(?:\b[a-z]{2,}\s+){3}[a-z]{2,}\b", line)]


@pytest.mark.parametrize(
    ("occasion", "kind", "language"), list(product(Occasion.values, [line.kind for line in samples.LINES], ["en", "ja"]))
)
def test_every_occasion_and_kind_has_words_in_both_languages(occasion: str, kind: str, language: str) -> None:
    line = next(line for line in samples.LINES if line.kind == kind)
    rendered = render(replace(samples.LETTERS[occasion], lines=(line,)), language, ORIGIN)
    assert rendered.subject
    assert rendered.text.strip()
    assert "%(" not in rendered.subject + rendered.text + rendered.html
    assert "None" not in rendered.text
    if language == "ja":
        assert JAPANESE.search(rendered.subject.removeprefix("大阪オフィス").removeprefix("青空トラベル"))
        assert english_left(rendered) == []
    else:
        assert not JAPANESE.search(re.sub("|".join(["大阪オフィス", "青空トラベル", "大阪サポート", "受付コーチング"]), "", rendered.text))


def test_there_is_a_sample_of_each_occasion_and_a_line_of_each_kind() -> None:
    assert set(samples.LETTERS) == set(Occasion.values)
    assert {line.kind for line in samples.LINES} == set(NoticeKind.values)


def test_every_cause_has_a_few_words_in_both_languages() -> None:
    assert set(IN_BRIEF) == {leaf.reason for leaf in leaves()}
    for reason in IN_BRIEF:
        with speaking("ja"):
            assert JAPANESE.search(in_brief(reason)), reason
            assert not in_brief(reason).endswith("。")


@pytest.mark.parametrize("reason", sorted({leaf.reason for leaf in leaves()}))
@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_failure_says_what_its_class_advises(reason: str, language: str) -> None:
    rendered = render(Letter("opened", "Acme", "Tokyo", lines=(NoticeLine("failed", reason, count=2),)), language, ORIGIN)
    with speaking(language):
        assert _(by_reason(reason).advice) in rendered.text


def test_the_subject_says_what_is_wrong_where_and_how_often() -> None:
    opened = samples.LETTERS["opened"]
    assert render(opened, "ja", ORIGIN).subject == "大阪オフィス: 31 件の録音がバックアップされていません（バケットに書き込めません）"
    one = replace(opened, lines=(replace(opened.lines[0], count=1),))
    assert render(one, "en", ORIGIN).subject == "大阪オフィス: 1 recording is not backed up (the bucket cannot be written to)"
    assert render(samples.LETTERS["reminder"], "en", ORIGIN).subject.endswith("(the bucket cannot be written to), and 1 other matter")


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_mail_names_targets_counts_days_and_the_way_to_the_desk(language: str) -> None:
    rendered = render(samples.LETTERS["opened"], language, ORIGIN)
    at = {"en": "2026-11-17 14:20 (Asia/Tokyo)", "ja": "2026年11月17日(火) 14:20 (Asia/Tokyo)"}[language]
    for said in ("大阪サポート", "16", "Osaka Billing", at):
        assert said in rendered.text
        assert said in rendered.html
    link = f"{ORIGIN}/c/example/failures/failed/bucket_forbidden/"
    assert link in rendered.text.split()
    assert link in Page(rendered.html).links


def test_days_are_those_of_the_zone() -> None:
    line = NoticeLine("failed", "bucket_forbidden", count=2, first_call="2026-11-16T15:30:00+00:00", last_call="2026-11-16T15:40:00+00:00")
    said = render(Letter("opened", "Acme", "Tokyo", "Asia/Tokyo", (line,)), "en", ORIGIN).text
    assert "The calls are from 2026-11-17." in said
    assert "The calls are from 2026-11-16." in render(Letter("opened", "Acme", "Tokyo", "", (line,)), "en", ORIGIN).text


def test_a_mail_that_had_to_wait_says_of_when_its_figures_are() -> None:
    late = render(samples.LETTERS["opened"], "en", ORIGIN, datetime(2026, 11, 17, 5, tzinfo=UTC))
    assert "the figures are those of 2026-11-17 14:00 (Asia/Tokyo)" in late.text


@pytest.mark.parametrize("occasion", Occasion.values)
def test_a_japanese_mail_breaks_its_lines_at_phrases_as_the_pages_do(occasion: str) -> None:
    letter = samples.LETTERS[occasion]
    rules = "word-break:auto-phrase;line-break:strict"
    assert rules in render(letter, "ja", ORIGIN).html.partition("<body")[2].partition(">")[0]
    assert rules not in render(letter, "en", ORIGIN).html


def test_the_end_asks_for_nothing() -> None:
    rendered = render(samples.LETTERS["ended"], "en", ORIGIN)
    assert "31 recordings were not backed up" in rendered.subject
    assert "2 of them were closed with a reason." in rendered.text
    assert "Grant" not in rendered.text


def test_c17_who_is_told_instead_of_an_office_reads_why() -> None:
    rendered = render(replace(samples.LETTERS["opened"], fallback=True), "en", ORIGIN)
    assert "nobody of 大阪オフィス can be reached" in rendered.text
    assert "Add someone for the office" in rendered.text


def test_a_mail_is_bounded_whatever_the_letter_holds() -> None:
    line = NoticeLine(
        "failed", "bucket_forbidden", count=1, targets=tuple((f"target {n} " + "x" * 500, n) for n in range(100)), path="/c/x/"
    )
    rendered = render(Letter("opened", "A" * 1000, "B" * 1000, lines=(line,) * 200), "en", ORIGIN)
    assert len(rendered.subject) <= MOST_SUBJECT
    assert len(rendered.html) < 100_000, "Gmail cuts a mail at 102 KB"
    assert f"{200 - MOST_LINES} other matters are shown in Rokuon." in rendered.text
    assert "and 90 others" in rendered.text


def test_a_letter_of_a_later_version_still_has_words() -> None:
    rendered = render(Letter("opened", "Acme", lines=(NoticeLine("something_new", "reason_new", count=4),)), "ja", ORIGIN)
    assert rendered.subject == "Acme: 確認の必要な問題があります"


HOSTILE = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from(list("\r\n\t\x00\x0b\x1b\x85\u2028\u202e\u2066\u200f<>&\"'{}%=:/@.")),
    ),
    max_size=80,
) | st.sampled_from(
    [
        "x\r\nBcc: eve@example.org\r\n\r\nhello",
        "<script>alert(1)</script>",
        '"><img src=http://evil.example/x>',
        "{{ settings.SECRET_KEY }}{% now 'Y' %}",
        "%(count)s %s %n",
        "https://evil.example/recording.mp3?token=abc",
        "\u202egnp.exe",
        "</table></body>",
        "=?utf-8?q?=0D=0ABcc:_eve?=",
    ]
)


@hypothesis_settings(deadline=None)
@given(
    company=HOSTILE,
    office=HOSTILE,
    target=HOSTILE,
    bucket=HOSTILE,
    occasion=st.sampled_from(Occasion.values),
    language=st.sampled_from(["en", "ja"]),
)
def test_q39_no_name_can_change_what_a_mail_is(company: str, office: str, target: str, bucket: str, occasion: str, language: str) -> None:
    lines = tuple(replace(line, name=bucket, targets=((target, 3),)) for line in samples.LINES)
    numbers = Numbers(verified=5, calls=9, events_lost=1)
    letter = Letter(
        occasion, company, office, "Asia/Tokyo", lines, numbers, "2026-11-09", "2026-11-15", "/c/x/", fallback=len(office) % 2 == 0
    )
    rendered = render(letter, language, ORIGIN)
    plain = render(
        replace(letter, company="A", office="B", lines=tuple(replace(line, name="C", targets=(("D", 3),)) for line in samples.LINES)),
        language,
        ORIGIN,
    )

    assert not CONTROLS.search(rendered.subject.replace("\n", "\x00") + rendered.text.replace("\n", ""))
    page, other = Page(rendered.html), Page(plain.html)
    assert page.tags == other.tags, "the same elements whatever the names are"
    assert page.links == other.links
    assert all(link.startswith(f"{ORIGIN}/") for link in page.links)
    assert page.attributes == other.attributes
    assert not set(page.tags) & {"img", "script", "iframe", "link", "form", "object", "style"}
    assert "//evil.example" not in re.sub("：//", "", rendered.text + page.words)
    assert len(rendered.text.splitlines()) <= len(plain.text.splitlines())

    raw = compose(rendered.subject, rendered.text, rendered.html, "ken@acme.example", language=language).message().as_bytes(linesep="\r\n")
    mail = message_from_bytes(raw, policy=default)
    assert isinstance(mail, EmailMessage)
    assert mail.keys() == [
        "Content-Type",
        "MIME-Version",
        "Subject",
        "From",
        "To",
        "Message-ID",
        "Date",
        "Auto-Submitted",
        "X-Auto-Response-Suppress",
        "Content-Language",
    ]
    assert mail["To"] == "ken@acme.example"
    assert mail["Subject"] == rendered.subject
    assert mail.get_body(("plain",)).get_content().replace("\r\n", "\n").strip() == rendered.text.strip()  # type: ignore[union-attr]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_line_on_the_wire_is_short_ascii_and_reads_as_written(language: str) -> None:
    rendered = render(samples.LETTERS["reminder"], language, ORIGIN)
    raw = compose(rendered.subject, rendered.text, rendered.html, "ken@acme.example", language=language).message().as_bytes(linesep="\r\n")
    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 78
    mail = message_from_bytes(raw, policy=default)
    assert isinstance(mail, EmailMessage)
    assert mail["Subject"] == rendered.subject
    assert mail.get_body(("plain",)).get_content().replace("\r\n", "\n") == rendered.text  # type: ignore[union-attr]
    assert mail.get_body(("html",)).get_content().replace("\r\n", "\n").strip() == rendered.html.strip()  # type: ignore[union-attr]


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("occasion", Occasion.values)
def test_q39_no_mail_holds_a_number_to_call_audio_or_a_secret(occasion: str, language: str) -> None:
    """Of the samples, which are as full as letters get: a letter has no place for such a thing (`notify.message`)."""
    rendered = render(replace(samples.LETTERS[occasion], lines=samples.LINES), language, ORIGIN)
    for said in (rendered.subject, rendered.text, rendered.html):
        assert not re.search(r"\+\d{6,}|\b0\d{1,4}-\d{2,4}-\d{3,4}\b", said)
        assert not re.search(r"\.mp3|/play|/audio|token=|signature=|dialpad\.com|password", said, re.IGNORECASE)
