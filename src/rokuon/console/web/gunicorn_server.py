"""The web server: gunicorn with threads, told everything by us. Neither its environment variables nor its files are read.

A request is gathered before it gets a thread: ten seconds for its head, ten more for its body, and one for each 16 KiB of that. An answer
has a minute without progress to be taken. Who is slower loses the connection, and has kept no thread busy. SIGTERM, SIGINT and SIGHUP
let what is being answered finish, for eight seconds.
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
"""A thread waits so long for what a request lacks though it looked whole: pieces that are framed in an odd way."""
KEEP_ALIVE_S = 15
STUCK_AFTER_S = 120
CONNECTIONS, MOST_ARRIVING = 800, 600
"""Of each process, idle ones included; and of those, requests on their way in."""
MOST_GATHERED = 64 * 1024 * 1024
LEAVES_WITHIN_S = 2.0
_PIECE = 64 * 1024
HOOKS = "/hooks/dialpad/"

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
        return  # console.web.middleware writes a line for each request


class Pieces(io.RawIOBase):
    """A body that comes in pieces. One that is not framed as HTTP wants it breaks off, with an OSError, as one does that ends early."""

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
    """The application, given bodies without a length as Pieces."""

    def taking(environ: dict[str, Any], start_response: Any) -> Any:
        if "HTTP_TRANSFER_ENCODING" in environ:
            environ["wsgi.input"] = Pieces(environ["wsgi.input"])
        return application(environ, start_response)

    return taking


def name_host(application: Callable[..., Any]) -> Callable[..., Any]:
    """The application, told of one host: that of the request's target where it has one, else of its Host. HTTP/1.1 without Host is as
    with an empty one (RFC 9112, 3.2): by itself WSGI would put the address of the listening socket into its place."""

    def naming(environ: dict[str, Any], start_response: Any) -> Any:
        if environ.get("SERVER_PROTOCOL") != "HTTP/1.0":
            environ.setdefault("HTTP_HOST", "")
        target = urlsplit(str(environ.get("RAW_URI", "")))
        if target.scheme and environ.get("HTTP_HOST"):
            environ["HTTP_HOST"] = target.netloc
        return application(environ, start_response)

    return naming


class Worker(ThreadWorker):  # type: ignore[misc]
    """Gunicorn's threaded worker. Requests are gathered by its main loop (`arriving`) and get a thread when they are whole; those of the
    hooks never have all of the threads. `hook_is_known` is asked on a thread; it says of a path whether there is such a hook."""

    hook_is_known: ClassVar[Callable[[str], bool]] = staticmethod(lambda path: True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._arriving: dict[TConn, Arriving] = {}
        self._reading: dict[TConn, float] = {}
        self._leaving: dict[TConn, float] = {}
        """Refused, and given a moment to take the answer."""
        self._of_hooks: set[TConn] = set()
        self._hooks_wait: deque[TConn] = deque()
        self._threads_of_hooks = max(1, self.cfg.threads - max(1, self.cfg.threads // 2))

    # --- gathered by the main loop --------------------------------------------------------------------------------------

    def enqueue_req(self, conn: TConn) -> None:
        """A connection is new, or its next request begins."""
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
            # It will say no more: what it lacks, the parser tells.
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
        """A head has come, and its body has not: who knocks at no hook is sent away now."""
        if not arriving.path.startswith(HOOKS):
            self._welcome(conn, arriving)
            return

        def known(answer: Future[bool]) -> None:
            self.method_queue.defer(self._known, conn, arriving, answer)

        self.tpool.submit(type(self).hook_is_known, arriving.path.removeprefix(HOOKS)).add_done_callback(known)

    def _known(self, conn: TConn, arriving: Arriving, answer: "Future[bool]") -> None:
        if self._arriving.get(conn) is not arriving:
            return  # it has gone, or its body came meanwhile
        if answer.exception() is None and not answer.result():
            self._refuse(conn, b"401 Unauthorized")
        else:
            self._welcome(conn, arriving)

    def _welcome(self, conn: TConn, arriving: Arriving) -> None:
        if arriving.expects:
            with suppress(OSError):
                conn.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _begin(self, conn: TConn, arriving: Arriving) -> None:
        """The request is whole: it gets a thread, or waits until one of those that hooks may have is free."""
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

    # --- sent away ------------------------------------------------------------------------------------------------------

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
        """Without a thread, and without a word that has to be translated. Closing at once would take the answer away unread."""
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
        """Where too many arrive at once, or too much, the one that has been at it longest makes room."""
        while len(self._arriving) > MOST_ARRIVING or sum(len(one.data) for one in self._arriving.values()) > MOST_GATHERED:
            self._drop(next(iter(self._arriving)))

    def murder_pending(self) -> None:
        """Called about once a second by the main loop, and after whatever happens in it."""
        super().murder_pending()
        now = time.monotonic()
        for conn in [one for one, arriving in self._arriving.items() if self._is_late(arriving, now)]:
            self._drop(conn)
        for conn in [one for one, until in self._leaving.items() if now > until]:
            self._drop(conn)
        for conn, deadline in list(self._reading.items()):
            if now > deadline:
                self._reading.pop(conn, None)
                # Ends the thread's waiting for more; an answer can still be written. Or it has gone by itself.
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
    """Every signal that asks for an end means the same orderly one; those that would change it while it runs mean nothing."""

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
            # What proxies say is judged by console.web.proxy_headers alone.
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
        """Serves until a signal. Ends with SystemExit, in the master and in each forked process."""
        Master(self).run()
