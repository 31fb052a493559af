"""What doctor says about the way to the console: each mistake that an operator can make is named with its remedy."""

import datetime
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from rokuon.cli.doctor import mail as mail_checks
from rokuon.cli.doctor import web as web_checks
from rokuon.cli.doctor.check import Check, Level
from rokuon.config import Config
from rokuon.runtime.web_settings import web_settings
from tests.authority import Authority, trusted_strictly

from .conftest import Rokuon
from .test_serve import free_port, running


def levels(checks: Iterator[Check]) -> list[Level]:
    return [check.level for check in checks]


@pytest.mark.parametrize(
    ("environment", "level"),
    [
        ({}, Level.OK),
        ({"ROKUON_LISTEN": "0.0.0.0:8377"}, Level.WARNING),
        ({"ROKUON_LISTEN": "0.0.0.0:8377", "ROKUON_PUBLIC_URL": "https://rokuon.example"}, Level.OK),
    ],
)
def test_a_console_that_others_reach_without_tls_is_warned_about(environment: dict[str, str], level: Level) -> None:
    check = web_checks._address(Config.load(environment))
    assert check.level is level
    assert bool(check.todo) == (level is not Level.OK)


@pytest.mark.parametrize(
    ("proxies", "url", "expected"),
    [
        ("", "", []),
        ("", "https://rokuon.example", [Level.PROBLEM]),
        ("127.0.0.1", "https://rokuon.example", [Level.OK]),
        ("10.0.0.0/8", "https://rokuon.example", [Level.OK]),
        ("0.0.0.0/0", "https://rokuon.example", [Level.PROBLEM]),
        ("::/0", "", [Level.PROBLEM]),
        ("127.0.0.1, 52.0.0.0/11", "", [Level.PROBLEM]),
    ],
)
def test_proxies_are_known_and_are_not_everybody(proxies: str, url: str, expected: list[Level]) -> None:
    assert levels(web_checks._proxies(Config.load({"ROKUON_TRUSTED_PROXIES": proxies, "ROKUON_PUBLIC_URL": url}))) == expected


@contextmanager
def web(answers: dict[str, tuple[int, bytes]], context: ssl.SSLContext | None = None) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers.get(self.path, (404, b""))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: Any) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def answer(scheme: str, port: int) -> Check:
    [check] = web_checks._answer(Config.load({"ROKUON_PUBLIC_URL": f"{scheme}://127.0.0.1:{port}"}).public)
    return check


@pytest.mark.parametrize(
    ("answers", "level", "words"),
    [
        ({"/healthz": (200, b"ok\n"), "/robots.txt": (200, b"")}, Level.OK, ""),
        ({"/healthz": (200, b"ok\n"), "/robots.txt": (302, b"")}, Level.PROBLEM, "status 302"),
        ({"/healthz": (200, b"<html>Welcome to nginx!")}, Level.PROBLEM, "something else"),
        ({"/healthz": (502, b"Bad gateway")}, Level.PROBLEM, "something else"),
    ],
)
def test_what_answers_at_the_public_address_is_looked_at(answers: dict[str, tuple[int, bytes]], level: Level, words: str) -> None:
    with web(answers) as port:
        check = answer("http", port)
    assert (check.level, words in check.says) == (level, True)


def test_nothing_at_the_public_address_is_a_warning() -> None:
    with web({}) as port:
        free = port
    assert answer("http", free).level is Level.WARNING


def test_a_certificate_that_browsers_refuse_is_a_problem(tmp_path: Path) -> None:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    until = now + datetime.timedelta(days=3)
    certificate = x509.CertificateBuilder(name, name, key.public_key(), 1, now, until).sign(key, hashes.SHA256())
    (tmp_path / "key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (tmp_path / "certificate").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate", tmp_path / "key")
    with web({"/healthz": (200, b"ok\n")}, context) as port:
        check = answer("https", port)
    assert (check.level, "certificate" in check.says) == (Level.PROBLEM, True)


@contextmanager
def mail_server(**options: Any) -> Iterator[int]:
    def authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=data.password == b"right-password", handled=False)

    controller = Controller(object(), "127.0.0.1", free_port(), authenticator=authenticate, auth_require_tls=False, **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def mail(settings: Any, url: str) -> Check:
    config = Config.load({"ROKUON_SMTP_URL": url, "ROKUON_PUBLIC_URL": "https://rokuon.example"})
    for name, value in web_settings(config).items():
        if name.startswith("EMAIL_"):
            setattr(settings, name, value)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    return mail_checks._server(config)


def test_a_mail_server_is_asked_with_the_very_settings_that_mails_are_sent_with(settings: Any) -> None:
    with mail_server() as port:
        right = mail(settings, f"smtp://me:right-password@127.0.0.1:{port}?tls=none")
        wrong = mail(settings, f"smtp://me:wrong-password@127.0.0.1:{port}?tls=none")
        unencrypted = mail(settings, f"smtp://me:right-password@127.0.0.1:{port}")
    gone = mail(settings, f"smtp://me:right-password@127.0.0.1:{port}?tls=none")
    assert [check.level for check in (right, wrong, unencrypted, gone)] == [
        Level.OK,
        Level.PROBLEM,
        Level.PROBLEM,
        Level.PROBLEM,
    ]
    assert "535" in wrong.says
    for check in (right, wrong, unencrypted, gone):
        assert "password@" not in check.says + check.todo
        assert "right-password" not in check.says + check.todo


@pytest.mark.parametrize("way", ["tls", "starttls"])
def test_a_mail_servers_certificate_without_key_identifiers_is_said_to_lack_them(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    offered = "ssl_context" if way == "tls" else "tls_context"
    found = []
    for name, keeps in (("ours", True), ("old", False)):
        authority = Authority(tmp_path, name, keeps_rfc_5280=keeps)
        with monkeypatch.context() as machine, mail_server(**{offered: authority.server()}) as port:
            trusted_strictly(authority, machine)
            found.append(mail(settings, f"smtp://me:right-password@127.0.0.1:{port}?tls={way}"))
    right, old = found
    assert (right.level, old.level) == (Level.OK, Level.PROBLEM)
    assert ("Key Identifier" in old.says, "lacks what RFC 5280" in old.todo, "key identifiers" in old.todo) == (True, True, True)


def test_without_a_mail_server_doctor_says_what_that_means() -> None:
    check = mail_checks._server(Config.load({}))
    assert (check.level, "pass on yourself" in check.says, "ROKUON_SMTP_URL" in check.todo) == (Level.WARNING, True, True)


def test_doctor_finds_the_running_console(empty: Rokuon) -> None:
    with running(empty, "serve") as (_process, port):
        told = empty("doctor", "--json", ROKUON_LISTEN=f"127.0.0.1:{port}").json["checks"]
    assert {check["what"]: check["level"] for check in told}["Answer of the console"] == "ok"
