"""The web server: gunicorn with threads, configured only by this module. It reads none of gunicorn's environment variables and files.

The server reads a whole request before the request gets a thread: ten seconds for its head, ten more for its body, and one more for each
16 KiB of the body. The client must read a response without a pause of more than a minute. A slower client loses the connection. A slow
sender keeps no thread busy. On SIGTERM, SIGINT and SIGHUP, requests in progress get eight seconds to finish.
"""

import io
import logging
import selectors
import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, ClassVar
from urllib.parse import urlsplit

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from gunicorn.http.errors import ParseException
from gunicorn.workers.gthread import TConn, ThreadWorker

from rokuon.runtime import stopping

from .request_reader import Arriving, Stage

STOP_WITHIN_S = 8
STALL_S = 60
READ_WITHIN_S = 10.0
"""How long a thread waits for the rest of a request that only looked complete, because its chunks are framed in an unusual way."""
KEEP_ALIVE_S = 15
STUCK_AFTER_S = 120
CONNECTIONS, MOST_ARRIVING = 800, 600
"""Limits of each process: connections, idle ones included; and of those, requests that are still arriving."""
MOST_GATHERED = 64 * 1024 * 1024
LEAVES_WITHIN_S = 2.0
_PIECE = 64 * 1024
HOOKS = "/hooks/dialpad/"

log = logging.getLogger(__name__)


class Log(Logger):  # type: ignore[misc]
    """Sends gunicorn's messages to our log, without its own files and without request URLs, which may contain a one-time link."""

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
        return  # console.web.middleware writes a line for each request


class Pieces(io.RawIOBase):
    """A chunked request body. Reading raises OSError for a body with invalid framing, as for a body that ends early."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            piece = self._body.read(len(buffer))
        except ParseException as error:
            raise OSError(str(error)) from None
        buffer[: len(piece)] = piece
        return len(piece)


def take_pieces(application: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap the application so that it gets bodies without a length as `Pieces`."""

    def taking(environ: dict[str, Any], start_response: Any) -> Any:
        if "HTTP_TRANSFER_ENCODING" in environ:
            environ["wsgi.input"] = Pieces(environ["wsgi.input"])
        return application(environ, start_response)

    return taking


def name_host(application: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap the application so that it sees one host: that of the request target if it has one, else the Host header. HTTP/1.1 without Host
    counts as an empty Host (RFC 9112, 3.2); otherwise WSGI would use the address of the listening socket."""

    def naming(environ: dict[str, Any], start_response: Any) -> Any:
        if environ.get("SERVER_PROTOCOL") != "HTTP/1.0":
            environ.setdefault("HTTP_HOST", "")
        target = urlsplit(str(environ.get("RAW_URI", "")))
        if target.scheme and environ.get("HTTP_HOST"):
            environ["HTTP_HOST"] = target.netloc
        return application(environ, start_response)

    return naming


class Worker(ThreadWorker):  # type: ignore[misc]
    """Gunicorn's threaded worker. Its main loop reads requests (`request_reader`) and gives them a thread when they are complete; webhook
    requests never use all threads. `hook_is_known` runs on a thread and returns whether a webhook with this path exists."""

    hook_is_known: ClassVar[Callable[[str], bool]] = staticmethod(lambda path: True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._arriving: dict[TConn, Arriving] = {}
        self._reading: dict[TConn, float] = {}
        self._leaving: dict[TConn, float] = {}
        """Refused connections, which get a moment to read the response."""
        self._of_hooks: set[TConn] = set()
        self._hooks_wait: deque[TConn] = deque()
        self._threads_of_hooks = max(1, self.cfg.threads - max(1, self.cfg.threads // 2))

    # --- read by the main loop ------------------------------------------------------------------------------------------

    def enqueue_req(self, conn: TConn) -> None:
        """Start to read a request: the connection is new, or its next request begins."""
        began = Arriving(time.monotonic())
        self._arriving[conn] = began
        conn.sock.setblocking(False)
        self.poller.register(conn.sock, selectors.EVENT_READ, lambda _sock: self._more(conn))
        if conn.parser is not None and (ahead := conn.parser.unreader.take_buffered()):
            self._take(conn, began, ahead)
        self._make_room()

    def _more(self, conn: TConn) -> None:
        arriving = self._arriving[conn]
        try:
            piece = conn.sock.recv(_PIECE)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        if not piece:
            # The client sends no more; the parser reports what is missing.
            self._begin(conn, arriving) if arriving.data else self._drop(conn)
            return
        self._take(conn, arriving, piece)
        self._make_room()

    def _take(self, conn: TConn, arriving: Arriving, piece: bytes) -> None:
        in_head = arriving.stage is Stage.HEAD
        match arriving.take(piece, time.monotonic()):
            case Stage.WHOLE:
                self._begin(conn, arriving)
            case Stage.HEAD_TOO_LONG:
                self._refuse(conn, b"431 Request Header Fields Too Large")
            case Stage.BODY_TOO_LONG:
                self._refuse(conn, b"413 Content Too Large")
            case Stage.BODY if in_head:
                self._meet(conn, arriving)
            case _:
                pass

    def _meet(self, conn: TConn, arriving: Arriving) -> None:
        """Handle a head whose body has not arrived yet: refuse it now if it names a webhook that does not exist."""
        if not arriving.path.startswith(HOOKS):
            self._welcome(conn, arriving)
            return

        def known(answer: Future[bool]) -> None:
            self.method_queue.defer(self._known, conn, arriving, answer)

        self.tpool.submit(type(self).hook_is_known, arriving.path.removeprefix(HOOKS)).add_done_callback(known)

    def _known(self, conn: TConn, arriving: Arriving, answer: "Future[bool]") -> None:
        if self._arriving.get(conn) is not arriving:
            return  # the client has left, or the body has arrived in the meantime
        if answer.exception() is None and not answer.result():
            self._refuse(conn, b"401 Unauthorized")
        else:
            self._welcome(conn, arriving)

    def _welcome(self, conn: TConn, arriving: Arriving) -> None:
        if arriving.expects:
            with suppress(OSError):
                conn.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _begin(self, conn: TConn, arriving: Arriving) -> None:
        """Give a complete request a thread. A webhook request may have to wait for one of the threads that webhooks may use."""
        self._forget(conn)
        conn.init()
        conn.parser.unreader.unread(bytes(arriving.data))
        conn.data_ready = True
        if not arriving.path.startswith(HOOKS):
            super().enqueue_req(conn)
        elif len(self._of_hooks) < self._threads_of_hooks:
            self._of_hooks.add(conn)
            super().enqueue_req(conn)
        else:
            self._hooks_wait.append(conn)

    def finish_request(self, conn: TConn, fs: Any) -> None:
        super().finish_request(conn, fs)
        if conn in self._of_hooks:
            self._of_hooks.remove(conn)
            if self._hooks_wait:
                waiting = self._hooks_wait.popleft()
                self._of_hooks.add(waiting)
                super().enqueue_req(waiting)

    # --- refused or dropped ---------------------------------------------------------------------------------------------

    def _forget(self, conn: TConn) -> None:
        self._arriving.pop(conn, None)
        self._leaving.pop(conn, None)
        with suppress(OSError, KeyError, ValueError):
            self.poller.unregister(conn.sock)

    def _drop(self, conn: TConn) -> None:
        self._forget(conn)
        self.nr_conns -= 1
        conn.close()

    def _refuse(self, conn: TConn, status: bytes) -> None:
        """Refuse a request without using a thread and without text to translate. If the server closed at once, the client could not read
        the response."""
        log.info("request_refused", extra={"status": int(status[:3])})
        self._forget(conn)
        try:
            conn.sock.send(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._drop(conn)
            return
        self._leaving[conn] = time.monotonic() + LEAVES_WITHIN_S
        self.poller.register(conn.sock, selectors.EVENT_READ, lambda _sock: self._left(conn))

    def _left(self, conn: TConn) -> None:
        try:
            gone = not conn.sock.recv(_PIECE)
        except BlockingIOError:
            return
        except OSError:
            gone = True
        if gone:
            self._drop(conn)

    def _make_room(self) -> None:
        """Drop the oldest arriving requests if too many, or too many bytes, arrive at once."""
        while len(self._arriving) > MOST_ARRIVING or sum(len(one.data) for one in self._arriving.values()) > MOST_GATHERED:
            self._drop(next(iter(self._arriving)))

    def murder_pending(self) -> None:
        """Drop late requests. The main loop calls this about once a second and after each event."""
        super().murder_pending()
        now = time.monotonic()
        for conn in [one for one, arriving in self._arriving.items() if self._is_late(arriving, now)]:
            self._drop(conn)
        for conn in [one for one, until in self._leaving.items() if now > until]:
            self._drop(conn)
        for conn, deadline in list(self._reading.items()):
            if now > deadline:
                self._reading.pop(conn, None)
                # Ends the thread's wait for more data; a response can still be written. The client may have left already.
                with suppress(OSError):
                    conn.sock.shutdown(socket.SHUT_RD)

    def _is_late(self, arriving: Arriving, now: float) -> bool:
        return arriving.is_late(now) or not (self.alive or arriving.data)

    # --- on a thread ----------------------------------------------------------------------------------------------------

    def handle(self, conn: TConn) -> Any:
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", STALL_S, 0))
        self._reading[conn] = time.monotonic() + READ_WITHIN_S
        try:
            return super().handle(conn)
        finally:
            self._reading.pop(conn, None)


class Master(Arbiter):  # type: ignore[misc]
    """Gunicorn's master process. Every signal to stop starts the same graceful shutdown; signals to reconfigure it are ignored."""

    def handle_term(self) -> None:
        stopping.begin()
        super().handle_term()

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


class ConsoleServer(BaseApplication):  # type: ignore[misc]
    """The console's web server. `load` makes the WSGI application and is called once, before the processes are forked; `begin` is called in
    each process. `listener` is the descriptor of a listening socket, which the server then owns."""

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
            # Only console.web.proxy_headers evaluates the headers of proxies.
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
        return name_host(take_pieces(self._load()))

    def run(self) -> None:
        """Serve until a signal. Ends with SystemExit, in the master and in each forked process."""
        Master(self).run()
