"""The recordings of a cause, a page at a time."""

import re
from datetime import timedelta

import pytest

from rokuon.console.failures import cause_views as failure_pages
from rokuon.ledger.models import Copy

from .conftest import Role, World
from .test_failures import START, copy_of, text


def test_a_cause_is_paged_by_place_so_that_what_fails_meanwhile_neither_repeats_nor_hides_a_recording(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failure_pages, "PER_PAGE", 3)
    for number in range(7):
        copy_of(world.desk if number % 3 else world.sales, number, "failed", "bucket_forbidden")
    url = world.url("failures/failed/bucket_forbidden/")
    seen, place = [], ""
    page = text(world.admin, url)
    while True:
        seen += re.findall(r"<code>call(\d+)</code>", page)
        copy_of(world.sales, 50 + len(seen), "failed", "bucket_forbidden")
        older = re.search(r'href="(\?page=[^"]+)">Older', page)
        if older is None:
            break
        place = older[1]
        page = text(world.admin, url + place)
    assert seen == ["6", "5", "4", "3", "2", "1", "0"]
    newer = re.search(r'href="(\?page=[^"]+)">.*?Newer', page)
    assert newer is not None
    assert re.findall(r"<code>call(\d+)</code>", text(world.admin, url + newer[1])) == ["3", "2", "1"]
    osaka = text(world.client(Role.OFFICE_ADMIN, world.osaka), url)
    assert re.findall(r"<code>call(\d+)</code>", osaka) == ["5", "4", "2"]
    assert "Older" in osaka
    assert world.admin.get(url + "?page=nonsense").status_code == 302
    Copy.objects.filter(call_started_at__lte=START + timedelta(minutes=6)).delete()
    assert world.admin.get(url + place)["Location"] == url
