"""The console behind the nginx that deploy/nginx.conf sets up, with TLS: the file works as it is shipped (Q51)."""

import datetime
import http.client
import re
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from .conftest import Rokuon
from .test_serve import answers, free_port, running

HOST = "rokuon.example.com"
CLIENT = "127.0.0.2"
"""Another address of this machine, which is no proxy of ours."""

SHIPPED = Path(__file__).resolve().parents[2] / "deploy" / "nginx.conf"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


def certify(folder: Path) -> None:
    """A certificate of our own for HOST: certificate and key as nginx wants them."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


@contextmanager
def nginx(folder: Path, behind: int) -> Iterator[tuple[int, int]]:
    """The ports for http and https."""
    certify(folder)
    plain, secure = free_port(), free_port()
    site = SHIPPED.read_text()
    for shipped, here in (
        ("listen 80;", f"listen 127.0.0.1:{plain};"),
        ("listen 443 ssl;", f"listen 127.0.0.1:{secure} ssl;"),
        ("/etc/ssl/rokuon", str(folder)),
        ("127.0.0.1:8377", f"127.0.0.1:{behind}"),
    ):
        assert shipped in site
        site = site.replace(shipped, here)
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (folder / "nginx.conf").write_text(
        f"daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log; events {{}} http {{ {temporary} {site} }}"
    )
    process = subprocess.Popen([str(NGINX), "-p", str(folder), "-c", str(folder / "nginx.conf")], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while not (folder / "pid").exists():
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        yield plain, secure
    finally:
        process.terminate()
        process.wait(20)


def ask(port: int, path: str, context: ssl.SSLContext | None, method: str = "GET", **headers: str) -> http.client.HTTPResponse:
    if context is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20, source_address=(CLIENT, 0))
    else:
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, source_address=(CLIENT, 0), context=context)
    try:
        connection.request(method, path, headers={"Host": HOST, **headers})
        answer = connection.getresponse()
        answer.read()
        return answer
    finally:
        connection.close()


def clients(log: str) -> list[str]:
    return re.findall(r'"event": "request".*"client": "([^"]*)"', log)


def test_q51_behind_the_shipped_nginx_the_console_knows_https_host_and_client(empty: Rokuon, tmp_path: Path) -> None:
    environment = {"ROKUON_PUBLIC_URL": f"https://{HOST}", "ROKUON_TRUSTED_PROXIES": "127.0.0.1"}
    with running(empty, "serve", **environment) as (process, port), nginx(tmp_path, port) as (plain, secure):
        context = ssl.create_default_context(cafile=str(tmp_path / "fullchain.pem"))
        context.check_hostname = False
        page = ask(secure, "/", context)
        assert page.status == 302
        assert page.headers["Location"].startswith("/sign-in/")
        assert page.headers["Strict-Transport-Security"]
        assert ask(secure, "/nothing/", context, **{"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Host": "evil.example"}).status == 404
        assert ask(secure, "/", context, Host="evil.example").status == 400
        assert ask(secure, "/", context, "TRACE").status == 405
        to_https = ask(plain, "/somewhere/", None)
        assert (to_https.status, to_https.headers["Location"]) == (301, f"https://{HOST}/somewhere/")
        beside = ask(port, "/somewhere/", None)
        assert (beside.status, beside.headers["Location"]) == (302, f"https://{HOST}/somewhere/")
        assert answers(port)
        process.terminate()
        _out, log = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "192.0.2.1" not in log, "nginx adds the address that it saw, and that is the nearest"
    assert set(clients(log)) == {CLIENT}
    assert "/somewhere/" not in log, "an address may hold a one-time link"
