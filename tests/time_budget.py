"""Time budget of the suite: which share of all its seconds each folder of tests may take.

Shares and not seconds, because machines differ and may be busy. A folder that takes half as much again as its share fails the run. Only
a run of almost all tests is judged; `python -m pytest tests/unit` is not. CI only reports: its machine is not known here.
"""

from collections import Counter

import pytest

SHARES = {
    "browser": 14.0,
    "cli": 24.0,
    "e2e": 13.0,
    "console": 14.0,
    "events": 6.0,
    "crash": 6.0,
    "ops": 4.0,
    "custody": 4.0,
}
"""Per cent, as measured on two cores that were also doing other work. Folders below 2 % are left out. They run in this order."""

WHOLE = 6_000
"""A run of fewer tests is not the whole suite."""

TOLERATED = 1.5
SMALL = 3.0
"""Per cent. A folder below this share is too short to be judged."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--time-budget", choices=["fail", "report"], default="fail", help="what a folder over its budget does")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(TimeBudget(fails=config.getoption("time_budget") == "fail"))


class TimeBudget:
    def __init__(self, *, fails: bool) -> None:
        self.fails = fails
        self.seconds: Counter[str] = Counter()
        self.tests = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid.split("/")[1]] += report.duration  # type: ignore[assignment]
        self.tests += report.when == "call"

    def over(self) -> list[str]:
        """A sentence for each folder that takes too much; none where this was not the whole suite."""
        if self.tests < WHOLE:
            return []
        total = sum(self.seconds.values())
        shares = {folder: 100 * spent / total for folder, spent in self.seconds.items()}
        return [
            f"tests/{folder} took {share:.1f} % of the suite's time; its budget is {SHARES.get(folder, 0):.1f} %."
            for folder, share in sorted(shares.items())
            if share > max(SMALL, TOLERATED * SHARES.get(folder, 0))
        ]

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.fails and self.over() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.tests < WHOLE:
            return
        total = sum(self.seconds.values())
        terminalreporter.section("time by folder")
        for folder, spent in self.seconds.most_common():
            terminalreporter.line(f"{folder:15} {spent:7.0f} s {100 * spent / total:5.1f} %")
        for sentence in self.over():
            terminalreporter.line(f"{sentence} Make its tests faster, or change SHARES in tests/time_budget.py and say why.", red=True)
