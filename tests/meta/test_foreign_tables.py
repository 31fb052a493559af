"""SQL on another package's tables is invisible to import-linter, so this test lists each such module with its tables."""

import ast
import re
from pathlib import Path

from django.apps import apps

SOURCE = Path(__file__).resolve().parents[2] / "src" / "rokuon"

PRIVATE_OF_PROCRASTINATE = {"procrastinate_jobs", "procrastinate_workers"}

FOREIGN: dict[str, set[str]] = {
    "cli/demo/commands.py": {"org_company"},
    "cli/doctor/clocks.py": {
        "accounts_auditentry",
        "events_hint",
        "events_hook",
        "ledger_copy",
        "ledger_coverage",
        "ledger_hold",
        "ledger_run",
        "notify_mail",
        "notify_notice",
        "org_bucket",
        "org_company",
        "org_target",
    },
    "cli/doctor/database.py": {"procrastinate_workers"},
    "custody/schedule.py": {"ledger_copy", "ledger_hold", "ledger_run", "org_bucket", "org_target"},
    "custody/changes.py": {"ledger_copy", "org_bucket"},
    "custody/days.py": {"ledger_call", "ledger_callclosing", "ledger_coverage", "ledger_unreadable"},
    "custody/groups.py": {"ledger_call", "ledger_copy"},
    "custody/lines.py": {"ledger_aside", "ledger_closing", "ledger_copy", "ledger_recording", "org_bucket"},
    "events/loss.py": {"ledger_call", "org_target"},
    "jobs/future.py": {
        "custody_schedule",
        "accounts_throttle",
        "events_hint",
        "events_hook",
        "ledger_copy",
        "ledger_coverage",
        "ledger_hold",
        "ledger_inventoryschedule",
        "ledger_outsideday",
        "ledger_run",
        "ledger_window",
        "notify_mail",
        "notify_notice",
        "org_budget",
        "org_company",
        "org_target",
    },
    "ledger/expiry.py": {"org_company", "org_target"},
    "ledger/health.py": {"org_target"},
    "ledger/inventory_schedule.py": {"org_bucket"},
    "ledger/names.py": {"org_bucket"},
    "ledger/other_parties.py": {"org_company"},
    "ledger/read.py": {"org_company", "org_target"},
    "ledger/search.py": {"org_target"},
    "ledger/tally.py": {"org_target"},
    "ledger/unread.py": {"org_target"},
    "ledger/unread_closings.py": {"org_target"},
}
"""The tables of other packages that a module's SQL names, by module."""


def owner(table: str) -> str:
    """Return the package whose models define the table; only `jobs` uses Procrastinate's."""
    return "jobs" if table in PRIVATE_OF_PROCRASTINATE else table.split("_", 1)[0]


def tables() -> set[str]:
    return {model._meta.db_table for model in apps.get_models() if model.__module__.startswith("rokuon.")} | PRIVATE_OF_PROCRASTINATE


def strings(tree: ast.AST) -> list[str]:
    """Return every string literal of a module, without docstrings."""
    told = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            told.update(id(one.value) for one in body if isinstance(one, ast.Expr))
    return [
        node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told
    ]


def foreign(source: str, package: str, known: set[str]) -> set[str]:
    """Return the tables of other packages that are named in the literals of a module of `package`."""
    words = {word for text in strings(ast.parse(source)) for word in re.findall(r"\w+", text)}
    return {table for table in words & known if owner(table) != package}


def test_sql_on_another_packages_tables_is_named_here() -> None:
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        name = path.relative_to(SOURCE)
        if "migrations" not in name.parts and (reached := foreign(path.read_text(), name.parts[0], tables())):
            found[name.as_posix()] = reached
    assert found == FOREIGN, "import the other package's function instead, or name the place here"


def test_the_search_sees_every_way_to_write_a_table() -> None:
    known = {"org_company", "ledger_copy"}
    assert foreign('x = "SELECT id FROM org_company"', "ledger", known) == {"org_company"}
    assert foreign("x = f'SELECT {y} FROM ledger_copy c JOIN org_company k'", "ledger", known) == {"org_company"}
    assert foreign('"""Reads org_company."""\nx = "SELECT id FROM org_companyship"', "ledger", known) == set()
    assert foreign('x = "UPDATE ledger_copy SET a = 1"', "ledger", known) == set()
