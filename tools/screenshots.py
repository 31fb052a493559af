"""Pictures of every page of the console, in both languages, wide and narrow, and how long each page took.

    python -m tools.screenshots [--to FOLDER] [--dark] [PAGE ...]     PAGE: a name of console/urls.py, such as overview

Makes an installation beside a simulated Dialpad, with a few things wrong, and takes it away again.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from playwright.sync_api import sync_playwright

from rokuon.runtime.django_start import start_django

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "images" / "console"
TALLEST, LARGEST = 1500, 150_000
NAMES = {
    "../../etc": "福岡カスタマーセンター",
    "Support/East": "サポート東日本",
    "Billing": "Billing",
    "Sales / Onboarding.": "オンボーディング",
    "مركز الدعم": "مركز الدعم",
}
BAD = [{"endpoint": "media_blob", "share": 0.04, "action": {"kind": "zeros"}}]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--to", type=Path, default=FOLDER)
    parser.add_argument("--dark", action="store_true", help="in dark colours")
    parser.add_argument("pages", nargs="*")
    asked = parser.parse_args()
    start_django()
    from tests.browser.rig import running

    options = ("--recordings=300", "--days=100", "--talk=3,20,60", "--world=users=12", "--world=other_lines=2")
    with _taking_mail() as mail, running(*options, ROKUON_SMTP_URL=mail) as console:
        values, cookie = _furnish(console)
        asked.to.mkdir(parents=True, exist_ok=True)
        with sync_playwright() as playwright:
            _take(playwright, console, values, cookie, asked)
    return 0


class _Takes:
    """A mail server that accepts every mail and keeps none."""

    async def handle_DATA(self, _server: object, _session: object, _envelope: object) -> str:
        return "250 taken"


@contextmanager
def _taking_mail() -> Iterator[str]:
    """Run such a server and yield its address."""
    from tests.browser.rig import free_port

    server = Controller(_Takes(), hostname="127.0.0.1", port=free_port())
    server.start()
    try:
        yield f"smtp://127.0.0.1:{server.port}?tls=none"
    finally:
        server.stop()


def _furnish(console: Any) -> tuple[dict[str, Any], str]:
    from tests.browser.conftest import PLACES

    truth = {it["center_name"]: it["center_id"] for it in console.sim.control("GET", "truth?sha256=0") if it["center_name"]}
    for old, new in NAMES.items():
        if old in truth:
            console.sim.control("POST", "rename", {"id": truth[old], "name": new})
    console.sim.control("PUT", "faults", BAD)
    console.add_companies()
    console.rokuon("backup-now")
    console.rokuon("drill", "--yes", "--seed", "Audit 2026", "--damaged-below", "5")
    cookie = console.sign_in([{"email": "admin@rokuon.example", "role": "company_admin"}])["admin@rokuon.example"]
    console.sign_in([{"email": "tokyo@rokuon.example", "role": "office_admin", "office": 0}])
    console.serve()
    console.work()
    time.sleep(3)
    return console.python(PLACES, 0), cookie


def _take(playwright: Any, console: Any, values: dict[str, Any], cookie: str, asked: argparse.Namespace) -> None:
    from tests.browser.screen import NARROW, WIDE, launch, open_screen
    from tests.console.routes import routes

    browser = launch(playwright)
    for language in ("en", "ja"):
        for width in (WIDE, NARROW):
            colours = "dark" if asked.dark else "light"
            signed_in = open_screen(browser, console, cookie, language, width, color_scheme=colours)
            stranger = open_screen(browser, console, "", language, width, color_scheme=colours)
            for route in routes():
                name = route.name.removeprefix("console:")
                if route.guard is None or "GET" not in route.guard.methods or (asked.pages and name not in asked.pages):
                    continue
                if any(values.get(argument) is None for argument in route.arguments):
                    print(f"{name}: nothing to show")
                    continue
                path, screen = route.url(values), stranger if route.guard.open else signed_in
                if not _is_page(screen, path):
                    continue
                screen.page.set_viewport_size({"width": width, "height": 844})
                screen.goto(path)
                took = screen.page.evaluate(
                    "() => { const t = performance.getEntriesByType('navigation')[0]; return t.responseEnd - t.startTime }"
                )
                needs = screen.page.evaluate("document.documentElement.scrollHeight")
                screen.page.set_viewport_size({"width": width, "height": min(max(needs, 700), TALLEST)})
                picture = asked.to / f"{name}-{language}-{width}{'-dark' if asked.dark else ''}.png"
                size = len(screen.page.screenshot(path=picture))
                print(f"{picture.name:48} {took:6.0f} ms {size / 1000:6.0f} kB{'  too large' if size > LARGEST else ''}")
            for screen in (signed_in, stranger):
                for problem in screen.problems:
                    print(f"  {problem}", file=sys.stderr)
                screen.close()
    browser.close()


def _is_page(screen: Any, path: str) -> bool:
    answer = screen.context.request.get(screen.address + path)
    if answer.url != screen.address + path or not answer.ok:
        return False  # it redirects to a page that has its own picture
    return bool(answer.headers.get("content-type", "").startswith("text/html") and answer.text().lstrip().lower().startswith("<!doctype"))


if __name__ == "__main__":
    sys.exit(main())
