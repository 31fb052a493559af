"""Pictures of the mails: an example of each, in both languages, wide and narrow.

python -m tools.mail_pictures [--to FOLDER] [--dark]
"""

import argparse
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from rokuon.runtime.django_start import start_django

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "images" / "mails"
WIDE, NARROW = 760, 390


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--to", type=Path, default=FOLDER)
    parser.add_argument("--dark", action="store_true", help="in dark colours")
    asked = parser.parse_args()
    start_django()
    from tests.browser.screen import launch

    from rokuon.notify import samples
    from rokuon.notify.render import render

    asked.to.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for width in (WIDE, NARROW):
            page = browser.new_page(viewport={"width": width, "height": 300}, color_scheme="dark" if asked.dark else "light")
            for name, letter in samples.LETTERS.items():
                for language in ("en", "ja"):
                    page.set_content(render(letter, language, "https://rokuon.example.com").html)
                    too_wide = page.evaluate("document.documentElement.scrollWidth") > width
                    picture = asked.to / f"{name}-{language}{'-narrow' if width == NARROW else ''}.png"
                    page.screenshot(path=picture, full_page=True)
                    print(f"{picture.name}{'  too wide' if too_wide else ''}")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
