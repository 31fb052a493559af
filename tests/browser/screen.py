"""Chromium as a person sits before it: contexts by language, width and role, and what went wrong in each."""

import os
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Page, Playwright, Request, Response, WebError
from tools import chromium

from .rig import Console

LANGUAGES = {"en": "en-GB", "ja": "ja-JP"}
WIDE, NARROW = 1280, 390
PATIENCE_MS = 20_000

TELL_VIOLATIONS = """
document.addEventListener('securitypolicyviolation', e => console.error(
  `content security policy: ${e.effectiveDirective} ${e.blockedURI} ${e.sample} ${e.sourceFile}:${e.lineNumber}`));
"""


def launch(playwright: Playwright) -> Browser:
    """Raises RuntimeError that says what to install."""
    path = chromium.find()
    if path is None:
        raise RuntimeError(chromium.MISSING)
    return playwright.chromium.launch(executable_path=path, args=["--no-sandbox"] if os.geteuid() == 0 else [])


@dataclass
class Screen:
    """`page` is an open tab; `problems` are what no page may cause: errors of scripts, refusals of the security policy, dialogs, 5xx."""

    context: BrowserContext
    page: Page
    address: str
    problems: list[str] = field(default_factory=list)

    def goto(self, path: str) -> Response:
        answer = self.page.goto(self.address + path)
        assert answer is not None
        return answer

    def close(self) -> None:
        self.context.close()

    def _on_console(self, message: ConsoleMessage) -> None:
        # The status of a page is the test's to judge; Chromium also reports each one from 400 here.
        if message.type == "error" and not message.text.startswith("Failed to load resource: the server responded with a status of 4"):
            self.problems.append(f"{self.page.url}: {message.text}")

    def _on_error(self, error: WebError) -> None:
        self.problems.append(f"{self.page.url}: {error.error}")

    def _on_dialog(self, dialog: Dialog) -> None:
        self.problems.append(f"{self.page.url}: a dialog says {dialog.message!r}")
        dialog.dismiss()

    def _on_response(self, answer: Response) -> None:
        if answer.status >= 500:
            self.problems.append(f"{answer.url}: {answer.status}")

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith((self.address + "/", "data:", "blob:")):
            self.problems.append(f"{self.page.url}: asks someone else: {request.url}")


def open_screen(browser: Browser, console: Console, cookie: str = "", language: str = "en", width: int = WIDE, **options: Any) -> Screen:
    """A new browser context. `cookie` is a session's; `options` are those of Playwright's new_context."""
    context = browser.new_context(
        locale=LANGUAGES[language], viewport={"width": width, "height": 900 if width > NARROW else 844}, reduced_motion="reduce", **options
    )
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(TELL_VIOLATIONS)
    if cookie:
        context.add_cookies([{"name": console.cookie_name, "value": cookie, "url": console.address}])
    screen = Screen(context, context.new_page(), console.address)
    context.on("console", screen._on_console)
    context.on("weberror", screen._on_error)
    context.on("dialog", screen._on_dialog)
    context.on("response", screen._on_response)
    context.on("request", screen._on_request)
    return screen
