"""A rig whose events really arrive: the simulated Dialpad posts them over a socket to the application as it is served."""

import threading
from collections.abc import Callable, Iterator
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from django.core.wsgi import get_wsgi_application
from django.db import connections

from rokuon.console.web import installation
from rokuon.events.models import Hook
from rokuon.wiring import webhook_upkeep
from tests.e2e.conftest import impatient, rig_of
from tests.e2e.rig import Rig

__all__ = ["impatient", "rig_of"]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = False


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


def _application(environ: Any, start_response: Any) -> Any:
    try:
        yield from get_wsgi_application()(environ, start_response)
    finally:
        connections.close_all()


@pytest.fixture
def address() -> Iterator[str]:
    """Where the application is served."""
    server = make_server("127.0.0.1", 0, _application, _Server, _Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def live_rig(rig_of: Callable[..., Rig], address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Rig]]:
    """Makes a rig whose first company's events come to `address`."""

    def make(**how: Any) -> Rig:
        rig = rig_of(**how, ROKUON_PUBLIC_URL=address)
        for name, value in rig.environment.items():
            monkeypatch.setenv(name, value)
        installation.installation.cache_clear()
        assert webhook_upkeep.companies_due(rig.config.public, rig.clock()) == [rig.company.pk]
        rig.run_async(lambda engine: engine.hook(rig.company.pk))
        assert the_hook(rig).reason == ""
        assert webhook_upkeep.companies_due(rig.config.public, rig.clock()) == []
        return rig

    yield make
    installation.installation.cache_clear()


def the_hook(rig: Rig) -> Hook:
    return Hook.objects.get(company=rig.company)
