"""Private parts of libraries that Rokuon overrides or calls, each with the versions with which it is known to work.

A new version fails here first: read its changes, test the code that uses the hook, then add the version.
"""

from importlib.metadata import version
from inspect import iscoroutinefunction, signature
from pathlib import Path
from typing import Any

import pytest
from gcloud.aio.auth import Token
from gunicorn.arbiter import Arbiter
from gunicorn.workers.gthread import TConn, ThreadWorker
from xdist.scheduler import LoadFileScheduling

from tests import distribution

ROOT = Path(__file__).resolve().parents[2]

SEEN = {
    # `stores/google_account.py` asks for a token once, because the library's own retry would block a job for minutes.
    "gcloud-aio-auth": {"5.5.1", "5.6.0"},
    # `console/web/gunicorn_server.py` reads a request itself before the request gets a thread.
    "gunicorn": {"27.0.1"},
    # `tests/distribution.py` gives some files of tests to one process.
    "pytest-xdist": {"3.8.0"},
}

PARAMETERS = [
    (ThreadWorker, "enqueue_req", ["self", "conn"]),
    (ThreadWorker, "finish_request", ["self", "conn", "fs"]),
    (ThreadWorker, "murder_pending", ["self"]),
    (ThreadWorker, "handle", ["self", "conn"]),
    (Arbiter, "handle_term", ["self"]),
    (Arbiter, "handle_int", ["self"]),
    (Arbiter, "handle_hup", ["self"]),
    (Arbiter, "handle_ttin", ["self"]),
    (Arbiter, "handle_ttou", ["self"]),
    (Arbiter, "handle_usr2", ["self"]),
    (LoadFileScheduling, "_split_scope", ["self", "nodeid"]),
]


@pytest.mark.parametrize("package", SEEN)
def test_the_installed_version_is_one_in_which_the_hooks_were_seen_to_work(package: str) -> None:
    assert version(package) in SEEN[package]


@pytest.mark.parametrize(("owner", "name", "parameters"), PARAMETERS, ids=lambda value: getattr(value, "__name__", None))
def test_an_overridden_method_is_still_the_librarys_and_takes_the_same(owner: Any, name: str, parameters: list[str]) -> None:
    assert list(signature(vars(owner)[name]).parameters) == parameters


def test_the_retry_around_a_token_can_be_left_out() -> None:
    assert iscoroutinefunction(Token.acquire_access_token.__wrapped__)
    assert TConn is not None


def test_the_files_of_tests_that_go_together_exist() -> None:
    assert [name for name in distribution.GROUPS if not (ROOT / name).exists()] == []
