"""Chromium for browser tests and screenshots: `find()` returns its path; run as a program, this module installs it if it is missing.

    python tools/chromium.py     installs on Debian or Ubuntu; uses sudo if it is not root

Debian's headless shell is preferred: it has no user interface and takes a third of the processor's time (decision 44).
Where a whole Chromium is there, root adds the headless shell if that is possible. Ubuntu's package is a snap, which cannot run in a
container or read /tmp: there it uses Playwright's own build.
"""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

HEADLESS = "chromium-headless-shell"
NAMES = (HEADLESS, "chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
PATIENCE_S = 30
INSTALL_S = 600
MISSING = """The browser tests need Chromium, a Japanese font and libatomic. They could not be installed here. Install them, then try again:
    apt-get install chromium-headless-shell fonts-noto-cjk libatomic1     on Debian
    .venv/bin/playwright install --with-deps chromium                     elsewhere
The other tests run without: .venv/bin/python -m pytest --ignore tests/browser"""


def find() -> str | None:
    """Return the path of a Chromium that runs, or None."""
    return next((path for path in _candidates() if path and _runs(path)), None)


def _candidates() -> Iterator[str | None]:
    yield from (shutil.which(name) for name in NAMES)
    yield _of_playwright()


def _runs(path: str) -> bool:
    if "snap" in Path(path).resolve().parts or not Path(path).exists():
        return False
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    except OSError:
        return False
    return said.returncode == 0 and "Chrom" in said.stdout


def _of_playwright() -> str:
    asked = "from playwright.sync_api import sync_playwright as s\nwith s() as p: print(p.chromium.executable_path)"
    return subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, timeout=PATIENCE_S, check=False).stdout.strip()


def has_japanese_font() -> bool:
    """Whether a page in Japanese shows letters instead of boxes."""
    if not shutil.which("fc-list"):
        return False
    return bool(subprocess.run(["fc-list", ":lang=ja"], capture_output=True, timeout=PATIENCE_S, check=False).stdout.strip())


def playwright_runs() -> bool:
    """Whether Playwright's own program starts. It is linked to libatomic, which a fresh Debian 12 has not."""
    return (
        subprocess.run([sys.executable, "-m", "playwright", "--version"], capture_output=True, timeout=PATIENCE_S, check=False).returncode
        == 0
    )


def _is_complete() -> bool:
    return playwright_runs() and has_japanese_font() and find() is not None


def _wants_headless() -> bool:
    if shutil.which(HEADLESS) or not shutil.which("apt-get"):
        return False
    return platform.freedesktop_os_release().get("ID") == "debian"


def _install() -> None:
    as_root = [] if os.geteuid() == 0 else ["sudo"]
    if not shutil.which("apt-get") or (as_root and not shutil.which("sudo")):
        return
    quietly = [*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]
    _say_and_run([*quietly, "update", "-q"])
    if not playwright_runs():
        _say_and_run([*quietly, "install", "-qy", "--no-install-recommends", "libatomic1"])
    if not has_japanese_font():
        _say_and_run([*quietly, "install", "-qy", "--no-install-recommends", "fonts-noto-cjk", "fontconfig"])
    if _wants_headless():
        _say_and_run([*quietly, "install", "-qy", "--no-install-recommends", HEADLESS])
    if not find():
        _say_and_run([*quietly, "install", "-qy", "--no-install-recommends", "chromium"])
    if not find():
        _say_and_run([sys.executable, "-m", "playwright", "install", "--with-deps", "chromium"])


def _say_and_run(command: list[str]) -> None:
    print("+ " + " ".join(command), file=sys.stderr, flush=True)
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=INSTALL_S)
    except subprocess.TimeoutExpired:
        print(f"It took more than {INSTALL_S} s.", file=sys.stderr)
        return
    if done.returncode:
        print(done.stdout[-2000:] + done.stderr[-2000:], file=sys.stderr)


def main() -> int:
    if not _is_complete() or (os.geteuid() == 0 and _wants_headless()):
        _install()
    if not _is_complete():
        print(MISSING, file=sys.stderr)
        return 1
    print(find())
    return 0


if __name__ == "__main__":
    sys.exit(main())
