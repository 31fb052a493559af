"""Which process runs which tests, and in what order.

A process runs whole files, since a file's tests share what they set up. Browser tests that share one running Rokuon (`place`: nine
seconds on a quiet machine) are two groups instead of eleven files, so it is set up twice and not in each process.
"""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from .time_budget import SHARES

TOGETHER = {
    "one": ("every_page", "small_screens", "without_script", "shortcuts", "hostile_names"),
    "two": ("nothing_typed_is_lost", "keyboard", "find_a_call", "pictures", "settings", "player"),
}
GROUPS = {f"tests/browser/test_{name}.py": f"browser {group}" for group, names in TOGETHER.items() for name in names}

WAITS = ("tests/cli/test_database_killed.py",)
"""What mostly waits for minutes comes first, beside what computes."""


class LoadGroupOfFiles(LoadFileScheduling):
    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return GROUPS.get(file, file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    return LoadGroupOfFiles(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """After WAITS, the folders that take longest come first: no process is left alone with them at the end."""
    places = {folder: place for place, folder in enumerate(SHARES)}
    items.sort(key=lambda item: -1 if item.nodeid.startswith(WAITS) else places.get(item.nodeid.split("/")[1], len(places)))
