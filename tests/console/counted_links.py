"""Every number on a page that is a link, followed to the end of the list that it counts."""

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import urljoin

from django.test import Client

LINK = re.compile(r'<a class="count" href="([^"]*)">(.*?)</a>', re.DOTALL)
NEXT = re.compile(r'<a class="button"(?: rel="next")? href="([^"]*)">(?:(?!</a>).)*Older', re.DOTALL)
RANGES = re.compile(r'<ul class="plain" id="unlisted-days">(.*?)</ul>', re.DOTALL)


def counted(browser: Client, url: str) -> Iterator[tuple[str, int, int]]:
    """Yield the address of each such link of the page, its number, and the number of rows of the list."""
    for href, words in LINK.findall(_read(browser, url)):
        target = urljoin(url, unescape(href))
        yield target, int(re.search(r"[\d,]+", words)[0].replace(",", "")), rows(browser, target)  # type: ignore[index]


def rows(browser: Client, url: str) -> int:
    """Count the rows of a list over all its pages; for days, the days of all its ranges."""
    found, place = 0, url
    if url.endswith("#not-known"):
        ranges = RANGES.search(_read(browser, url))
        return sum(int(days.replace(",", "")) for days in re.findall(r"\(([\d,]+) days?\)", ranges[1])) if ranges else 0
    while place:
        page = _read(browser, place)
        found += page.partition("<tbody>")[2].partition("</tbody>")[0].count("<tr>")
        older = NEXT.search(page)
        place = urljoin(place, unescape(older[1])) if older else ""
    return found


def _read(browser: Client, url: str) -> str:
    answer = browser.get(url)
    assert answer.status_code == 200, url
    return str(answer.content.decode())
