"""The web server: gunicorn with threads, told everything by us. Neither its environment variables nor its files are read.

A request has ten seconds to say what it wants, a body a minute to arrive, an answer a minute without progress to be taken. Who is
slower loses the connection and keeps no thread busy. SIGTERM, SIGINT and SIGHUP let what is being answered finish, for eight seconds.
"""

import logging
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from gunicorn.http.message import Request
from gunicorn.workers.gthread import TConn, ThreadWorker

STOP_WITHIN_S = 8
HEAD_WITHIN_S, BODY_WITHIN_S, STALL_S = 10.0, 60.0, 60
KEEP_ALIVE_S = 15
STUCK_AFTER_S = 120
CONNECTIONS = 200
"""Of each process, idle ones included."""

log = logging.getLogger(__name__)


class Log(Logger):  # type: ignore[misc]
    """Gunicorn's words through our log, without its own files and without addresses of requests, which may hold a one-time link."""

    def setup(self, cfg: Any) -> None:
        self.cfg = cfg
        self.error_log = log
        self._access_log_enabled = False

    def warning(self, msg: str, *args: Any, **kwargs: Any) -> None:
        if msg.startswith("Invalid request"):
            log.info("request_not_understood")
        else:
            log.warning("web_server", extra={"said": msg % args if args else msg})

    def info(self, msg: str, *args: Any, **kwargs: Any) -> None:
        log.debug("web_server", extra={"said": msg % args if args else msg})

    def debug(self, msg: str, *args: Any, **kwargs: Any) -> None:
        return

    def exception(self, msg: str, *args: Any, **kwargs: Any) -> None:
        log.error("web_server_failed", extra={"said": msg}, exc_info=True)

    def access(self, *_arguments: Any) -> None:
        return  # console.door writes a line for each request


class Worker(ThreadWorker):  # type: ignore[misc]
    """Gunicorn's threaded worker, with an end to the patience with slow clients."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._reading: dict[TConn, float] = {}

    def handle(self, conn: TConn) -> Any:
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", STALL_S, 0))
        self._reading[conn] = time.monotonic() + HEAD_WITHIN_S
        try:
            return super().handle(conn)
        finally:
            self._reading.pop(conn, None)

    def handle_request(self, req: Request, conn: TConn) -> bool:
        headers = {name for name, _value in req.headers}
        if headers & {"CONTENT-LENGTH", "TRANSFER-ENCODING"}:
            self._reading[conn] = time.monotonic() + BODY_WITHIN_S
        else:
            self._reading.pop(conn, None)
        answered: bool = super().handle_request(req, conn)
        return answered

    def murder_pending(self) -> None:
        """Called about once a second by the worker's main loop."""
        super().murder_pending()
        now = time.monotonic()
        for conn, deadline in list(self._reading.items()):
            if now > deadline:
                self._reading.pop(conn, None)
                try:
                    # Ends the thread's waiting for more; an answer can still be written.
                    conn.sock.shutdown(socket.SHUT_RD)
                except OSError:
                    continue  # it has gone by itself


class Master(Arbiter):  # type: ignore[misc]
    """Every signal that asks for an end means the same orderly one; those that would change it while it runs mean nothing."""

    def handle_int(self) -> None:
        self.handle_term()

    def handle_hup(self) -> None:
        self.handle_term()

    def handle_ttin(self) -> None:
        return

    def handle_ttou(self) -> None:
        return

    def handle_usr2(self) -> None:
        return


class Server(BaseApplication):  # type: ignore[misc]
    """`load` makes the WSGI application; it is called once, before the processes are forked, and `begin` in each of them. `listener` is
    the descriptor of a listening socket, which becomes the server's own."""

    def __init__(
        self, load: Callable[[], Callable[..., Any]], begin: Callable[[], None], listener: int, *, processes: int, threads: int
    ) -> None:
        self._load = load

        def begun(_worker: Worker) -> None:
            begin()

        self._settings = {
            "bind": f"fd://{listener}",
            "workers": processes,
            "threads": threads,
            "worker_class": Worker,
            "worker_connections": CONNECTIONS,
            "preload_app": True,
            "timeout": STUCK_AFTER_S,
            "graceful_timeout": STOP_WITHIN_S,
            "keepalive": KEEP_ALIVE_S,
            "limit_request_line": 8190,
            "limit_request_fields": 64,
            "limit_request_field_size": 8190,
            # What proxies say is judged by console.came_by alone.
            "forwarded_allow_ips": "",
            "forwarder_headers": "",
            "secure_scheme_headers": {},
            "header_map": "drop",
            "http_protocols": "h1",
            "control_socket_disable": True,
            "logger_class": Log,
            "umask": 0o077,
            "proc_name": "rokuon",
            "post_worker_init": begun,
        }
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._settings.items():
            self.cfg.set(name, value)

    def load(self) -> Callable[..., Any]:
        return self._load()

    def run(self) -> None:
        """Serves until a signal. Ends with SystemExit, in the master and in each forked process."""
        Master(self).run()
