"""The certificate as PDF: the words of the page in both languages, its own font, and nothing that depends on the machine."""

import io
import re

import pypdf
import pytest
from django.utils import timezone

from rokuon.accounts.models import AuditEntry
from rokuon.base.i18n import speaking
from rokuon.org.models import Target
from rokuon.wiring import certificate, certificate_pdf
from rokuon.wiring.certificate_sheet import Sheet, sheet

from .conftest import Role, World
from .test_certificate import DAY, filled

__all__ = ["filled"]


def made(world: World) -> Sheet:
    day = DAY.date()
    return sheet(certificate.certify(world.company, day, day, now=timezone.now(), made_by="ann@example.com", zone="Asia/Tokyo"))


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def words_of(data: bytes) -> str:
    return squeezed("".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages))


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_text_of_the_sheet_is_in_the_file(filled: World, language: str) -> None:
    with speaking(language):
        read = made(filled)
        said = words_of(certificate_pdf.write(read))
    texts = [read.title, read.about, read.verdict, *read.doubts, *read.sentences]
    for section in read.sections:
        texts += [section.heading, *section.paragraphs, section.command, *(text for fact in section.facts for text in fact)]
        texts += [cell for table in section.tables for row in (table.headings, *table.rows) for cell in row]
    assert [text for text in texts if squeezed(text) not in said] == []
    assert len(texts) > 60


def test_the_font_is_in_the_file_and_the_pages_are_numbered(filled: World) -> None:
    for number in range(60):
        Target.objects.create(
            company=filled.company, office=filled.tokyo, kind="callcenter", dialpad_id=f"9{number}", name=f"回線{number}", backed_up=True
        )
    with speaking("ja"):
        data = certificate_pdf.write(made(filled))
    file = pypdf.PdfReader(io.BytesIO(data))
    fonts = [font.get_object() for font in file.pages[0]["/Resources"]["/Font"].values()]  # type: ignore[index]
    used = [font for font in fonts if "NotoSansJP" in str(font["/BaseFont"])]
    assert used and all("/FontFile2" in font["/FontDescriptor"] for font in used if "/FontDescriptor" in font)
    assert len(file.pages) > 2
    assert f"2/{len(file.pages)}ページ" in squeezed(file.pages[1].extract_text())
    assert len(data) < 400_000


def test_the_same_sheet_gives_the_same_bytes(filled: World) -> None:
    read = made(filled)
    assert certificate_pdf.write(read) == certificate_pdf.write(read)


def test_a_name_in_a_script_that_the_font_lacks_is_marked_and_markup_in_a_name_is_text(filled: World) -> None:
    Target.objects.filter(pk=filled.sales.pk).update(name="مركز")
    Target.objects.filter(pk=filled.desk.pk).update(name="<b>Desk</b> & <font size=99>x")
    said = words_of(certificate_pdf.write(made(filled)))
    assert "〓〓〓〓" in said
    assert "areshownas〓" in said
    assert squeezed("<b>Desk</b> & <font size=99>x") in said


def test_it_is_downloaded_by_who_may_and_named_in_the_audit_log(filled: World) -> None:
    form = {"of": "company", "since": "2026-10-14", "until": "2026-10-14", "as": "PDF"}
    answer = filled.client(Role.OFFICE_ADMIN, filled.osaka).post(filled.url("certificate/export/"), form)
    assert answer.content.startswith(b"%PDF")
    said = words_of(answer.content)
    assert "5recordingsareings://acme-recordings,verified." in said
    assert "AcmeSales" not in said
    assert AuditEntry.objects.get(action="certificate.export").after["form"] == "PDF"
    assert filled.client(Role.VIEWER).post(filled.url("certificate/export/"), form).status_code == 403
