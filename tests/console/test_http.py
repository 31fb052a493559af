"""The door of the console (Q42, Q50, Q51): who may forward, which host is answered, what every answer tells the browser."""

import gzip
import io
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from django.utils.translation import override

from rokuon import urls as real
from rokuon.base import addresses, logs
from rokuon.base.secrets import new_key
from rokuon.config import Config
from rokuon.console.web import static_files
from rokuon.runtime.web_settings import MOST_BODY_BYTES, web_settings
from tests.console.conftest import World

CANARY = "hush-canary-7731"
PROXY, STRANGER, CLIENT = "10.0.0.5", "203.0.113.9", "198.51.100.7"


def show(request: HttpRequest) -> HttpResponse:
    return HttpResponse(
        f"{request.client_address} {request.scheme} {request.get_host()} {sorted(k for k in request.META if 'FORWARD' in k)}"
    )  # type: ignore[attr-defined]


def fail(request: HttpRequest, how: str) -> HttpResponse:
    cause = type("Canceled", (Exception,), {"sqlstate": "57014"})()
    match how:
        case "database":
            raise OperationalError(f"connection to {CANARY} failed")
        case "closed":
            raise InterfaceError("the connection is closed")
        case "busy":
            raise OperationalError("canceling statement due to statement timeout") from cause
    raise RuntimeError(f"password={CANARY} Bearer {CANARY}")


def take(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(len(request.POST.get("text", ""))))


urlpatterns = [*real.urlpatterns, path("show/", show), path("fail/<str:how>/", fail), path("take/", take)]
handler400, handler403, handler404, handler500 = real.handler400, real.handler403, real.handler404, real.handler500

pytestmark = pytest.mark.urls(__name__)


@pytest.fixture
def browser(settings: Any) -> Client:
    """Its peer is a stranger; a proxy of ours is known at 10.0.0.5 and in 10.9.0.0/16."""
    settings.ROKUON_TRUSTED_PROXIES = addresses.networks("10.0.0.5, 10.9.0.0/16, fd00::/8")
    return Client(raise_request_exception=False, REMOTE_ADDR=STRANGER, headers={"accept-language": "en"})


@pytest.fixture
def secure(settings: Any) -> Any:
    settings.ROKUON_PUBLIC_URL = addresses.public_url("https://rokuon.example")
    settings.ALLOWED_HOSTS = ["rokuon.example"]
    return settings


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """What a real process would have written to its log, at its most talkative."""
    root, stream = logging.getLogger(), io.StringIO()
    handlers, level = list(root.handlers), root.level
    logs.set_up(level="debug", stream=stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    logging.raiseExceptions = True


@pytest.mark.parametrize(
    ("peer", "chain", "client"),
    [
        (STRANGER, "1.2.3.4", STRANGER),
        (PROXY, CLIENT, CLIENT),
        (PROXY, f"1.2.3.4, {CLIENT}", CLIENT),
        (PROXY, f"1.2.3.4, {CLIENT}, 10.9.1.1", CLIENT),
        (PROXY, f"{CLIENT}:4711", CLIENT),
        (PROXY, "[2001:db8::1]:443", "2001:db8::1"),
        (PROXY, "1.2.3.4, nonsense, 10.9.1.1", "10.9.1.1"),
        (PROXY, "", PROXY),
        (PROXY, "10.9.1.1, 10.9.1.2", "10.9.1.1"),
        (f"::ffff:{PROXY}", CLIENT, CLIENT),
        ("fd00::1", CLIENT, CLIENT),
        ("", CLIENT, ""),
    ],
)
def test_q51_the_client_is_the_nearest_address_that_is_no_proxy_of_ours(browser: Client, peer: str, chain: str, client: str) -> None:
    said = browser.get("/show/", REMOTE_ADDR=peer, headers={"x-forwarded-for": chain, "x-real-ip": "6.6.6.6", "forwarded": "for=6.6.6.6"})
    assert said.content.decode() == f"{client} http testserver []"


def test_q51_forwarded_host_and_scheme_count_from_a_proxy_of_ours_only(browser: Client) -> None:
    claim = {"x-forwarded-host": "localhost", "x-forwarded-proto": "https"}
    assert b" https localhost []" in browser.get("/show/", REMOTE_ADDR=PROXY, headers=claim).content
    assert b" http testserver []" in browser.get("/show/", headers=claim).content


def test_q51_spoofed_headers_never_change_the_address_that_is_counted(browser: Client) -> None:
    names = ("x-forwarded-for", "x-real-ip", "forwarded", "client-ip", "true-client-ip", "cf-connecting-ip")
    seen = {browser.get("/show/", headers=dict.fromkeys(names, f"192.0.2.{number}")).content for number in range(1, 20)}
    assert len(seen) == 1


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "a b", "rokuon.example@evil.example", "localhost:80:80"])
def test_q51_another_host_is_refused_before_any_page(browser: Client, host: str) -> None:
    answer = browser.get("/show/", headers={"host": host})
    assert answer.status_code == 400
    assert b"This is not the address of the console" in answer.content


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:9999", "[::1]:8377"])
def test_a_console_of_this_machine_alone_is_reached_by_all_its_own_names(browser: Client, host: str) -> None:
    assert browser.get("/show/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT", "PROPFIND", "GARBAGE"])
def test_q51_methods_that_nobody_needs_are_refused(browser: Client, method: str) -> None:
    answer = browser.generic(method, "/show/", headers={"cookie": CANARY})
    assert answer.status_code == 405
    assert CANARY.encode() not in answer.content


def test_what_is_too_large_or_has_no_length_is_refused_before_it_is_read(browser: Client) -> None:
    assert browser.post("/take/", {"text": "x" * 1000}).content == b"1000"
    assert browser.post("/take/", {"text": "x" * (MOST_BODY_BYTES + 1)}).status_code == 413
    assert browser.post("/take/", {"text": "x"}, headers={"transfer-encoding": "chunked"}).status_code == 411


def test_every_answer_carries_the_headers_also_errors_and_static_files(browser: Client, world: World) -> None:
    for where in ("/show/", "/nothing-here/", "/fail/hard/", "/static/rokuon/console.css", "/healthz", "/sign-in-needed/"):
        answer = browser.get(where)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "microphone=()" in answer.headers["Permissions-Policy"]
        assert "Strict-Transport-Security" not in answer.headers
    page = world.admin.get(world.url())
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-store"


def test_q51_with_https_the_browser_is_told_to_stay_there_and_cookies_are_bound_to_the_host(browser: Client, secure: Any) -> None:
    said = browser.get("/show/", REMOTE_ADDR=PROXY, headers={"host": "rokuon.example", "x-forwarded-proto": "https"})
    assert said.status_code == 200
    assert said.headers["Strict-Transport-Security"] == "max-age=31536000"
    cookies = web_settings(Config.load({"ROKUON_PUBLIC_URL": "https://rokuon.example"}))
    assert cookies["SESSION_COOKIE_NAME"].startswith("__Host-")
    assert cookies["CSRF_COOKIE_NAME"].startswith("__Host-")
    for kind in ("SESSION", "CSRF"):
        assert (cookies[f"{kind}_COOKIE_SECURE"], cookies[f"{kind}_COOKIE_HTTPONLY"], cookies[f"{kind}_COOKIE_SAMESITE"]) == (
            True,
            True,
            "Lax",
        )


def test_without_https_a_page_leads_to_https_and_a_form_is_not_taken(browser: Client, secure: Any) -> None:
    answer = browser.get("/show/?a=1", headers={"host": "rokuon.example"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "https://rokuon.example/show/?a=1")
    assert browser.post("/take/", {"text": "x"}, headers={"host": "rokuon.example"}).status_code == 400


def test_a_proxy_that_is_not_known_or_says_nothing_is_named_instead_of_a_redirect_for_ever(browser: Client, secure: Any) -> None:
    unknown = browser.get("/show/", headers={"host": "rokuon.example", "x-forwarded-proto": "https"})
    assert unknown.status_code == 400
    assert f"A proxy at {STRANGER}".encode() in unknown.content
    silent = browser.get("/show/", REMOTE_ADDR=PROXY, headers={"host": "rokuon.example"})
    assert silent.status_code == 400
    assert b"X-Forwarded-Proto" in silent.content


def test_q43_an_exception_at_the_door_lets_nobody_in(browser: Client, settings: Any) -> None:
    settings.ROKUON_TRUSTED_PROXIES = [None]
    answer = browser.get("/show/")
    assert answer.status_code == 500
    assert b"testserver" not in answer.content


def test_q50_healthz_says_only_ok_to_anybody_and_needs_no_database(browser: Client) -> None:
    for host in ("10.1.2.3", "testserver"):
        answer = browser.get("/healthz", headers={"host": host})
        assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert browser.post("/healthz").status_code in (403, 404)


def test_q50_readyz_says_no_more_than_that_something_is_missing(browser: Client, db: None, tmp_path: Path, monkeypatch: Any) -> None:
    key = tmp_path / "master.key"
    monkeypatch.setenv("ROKUON_MASTER_KEY_FILE", str(key))
    missing = browser.get("/readyz")
    assert (missing.status_code, missing.content) == (503, b"not ready\n")
    key.write_text(new_key())
    assert (browser.get("/readyz").status_code, browser.get("/readyz").content) == (200, b"ok\n")


def test_robots_are_sent_away(browser: Client) -> None:
    assert b"Disallow: /" in browser.get("/robots.txt").content


@pytest.mark.parametrize(
    ("where", "status", "words"),
    [
        ("/nothing-here/", 404, "There is no such page"),
        ("/fail/hard/", 500, "Something inside Rokuon failed"),
        ("/fail/database/", 503, "The database does not answer"),
        ("/fail/closed/", 503, "The database does not answer"),
        ("/fail/busy/", 503, "The database is busy"),
    ],
)
def test_q22_q42_an_error_is_a_page_with_a_number_and_nothing_of_the_inside(
    browser: Client, logged: io.StringIO, where: str, status: int, words: str
) -> None:
    answer = browser.get(f"{where}?token={CANARY}", headers={"authorization": f"Bearer {CANARY}", "cookie": f"sessionid={CANARY}"})
    page = answer.content.decode()
    assert answer.status_code == status
    assert words in page
    assert answer.headers["X-Request-Id"] in page
    assert ("Retry-After" in answer.headers) == (status == 503)
    for inside in (CANARY, "Traceback", "RuntimeError", "OperationalError", ".py", "Django"):
        assert inside not in page
    said = logged.getvalue()
    assert f'"request": "{answer.headers["X-Request-Id"]}"' in said
    assert where not in said, "an address may hold a one-time link"
    assert CANARY not in said.replace(f"connection to {CANARY} failed", "")


def test_an_error_speaks_the_readers_language(browser: Client) -> None:
    page = browser.get("/fail/hard/", headers={"accept-language": "ja"}).content.decode()
    assert '<html lang="ja">' in page
    assert "Something" not in page
    with override("en"):
        assert '<html lang="en">' in browser.get("/nothing-here/").content.decode()


def test_q32_a_form_without_its_token_is_refused_with_a_page_that_says_why(world: World) -> None:
    browser = Client(enforce_csrf_checks=True, headers={"accept-language": "en"})
    browser.force_login(world.person("company_admin"))
    answer = browser.post("/theme/", {"theme": "dark"})
    assert answer.status_code == 403
    assert b"This form is no longer valid" in answer.content


def test_static_files_are_kept_for_ever_under_their_hash_and_briefly_without(browser: Client) -> None:
    name = "js-lib-bootstrap5/css/bootstrap.min.css"
    versioned = static_files.VersionedFiles().url(name)
    assert versioned == f"/static/{name}?v={static_files.version_of(name)}"
    for_ever = browser.get(versioned)
    assert for_ever.headers["Cache-Control"] == static_files.FOR_EVER
    assert for_ever.headers["Content-Type"].startswith("text/css")
    assert "Access-Control-Allow-Origin" not in for_ever.headers
    for stale in (f"/static/{name}", f"/static/{name}?v=000000000000"):
        answer = browser.get(stale)
        assert answer.headers["Cache-Control"] == "max-age=60, public"
    again = browser.get(versioned, headers={"if-none-match": for_ever.headers["ETag"]})
    assert again.status_code == 304


def test_static_text_is_compressed_for_who_takes_it(browser: Client) -> None:
    name = "/static/js-lib-bootstrap5/css/bootstrap.min.css"
    plain = browser.get(name).content
    small = browser.get(name, headers={"accept-encoding": "br, gzip"})
    assert small.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(small.content) == plain
    assert len(small.content) * 4 < len(plain)
    assert browser.get(name, headers={"accept-encoding": "gzip", "if-none-match": small.headers["ETag"]}).status_code == 304
    refused = browser.get(name, headers={"accept-encoding": "gzip;q=0, br"})
    assert "Content-Encoding" not in refused.headers


@pytest.mark.parametrize(
    "where", ["/static/", "/static/rokuon/", "/static/../settings.py", "/static/rokuon/../../settings.py", "/static/%2e%2e/urls.py"]
)
def test_no_folder_is_listed_and_nothing_else_is_reached_below_static(browser: Client, where: str) -> None:
    assert browser.get(where).status_code == 404


def test_only_files_of_installed_packages_are_static() -> None:
    roots = {Path(storage.location).name for finder in finders.get_finders() for _path, storage in finder.list(None)}
    assert roots == {"static"}


FORMS = {
    "another name for the console": ({"HTTP_ORIGIN": "https://backup.acme.example"}, "https://backup.acme.example", "ROKUON_PUBLIC_URL"),
    "the wrong scheme": ({"HTTP_ORIGIN": "http://rokuon.example"}, "http://rokuon.example", "ROKUON_PUBLIC_URL"),
    "another port": ({"HTTP_ORIGIN": "https://rokuon.example:8443"}, "https://rokuon.example:8443", "ROKUON_PUBLIC_URL"),
    "another site's referer": ({"HTTP_REFERER": "https://evil.example/x?y"}, "https://evil.example", "ROKUON_PUBLIC_URL"),
    "an origin that is held back": ({"HTTP_ORIGIN": "null"}, "does not say from which page", "privacy"),
    "neither origin nor referer": ({}, "does not say from which page", "the proxy"),
    "markup": ({"HTTP_ORIGIN": "https://<script>alert(1)</script>"}, "&lt;script&gt;", "ROKUON_PUBLIC_URL"),
}


@pytest.mark.parametrize("what", FORMS)
def test_a_form_from_another_address_is_told_from_one_that_was_open_for_too_long(browser: Client, secure: Any, what: str) -> None:
    """What the browser says of itself, what is expected, and who sets it."""
    headers, seen, fix = FORMS[what]
    browser = Client(enforce_csrf_checks=True, headers={"accept-language": "en"}, REMOTE_ADDR=PROXY)  # known by the fixture
    answer = browser.post("/language/", {"language": "ja"}, HTTP_HOST="rokuon.example", HTTP_X_FORWARDED_PROTO="https", **headers)
    page = answer.content.decode()
    assert (answer.status_code, "open for too long" in page, "<script>" in page) == (403, False, False)
    assert seen in page and fix in page and "https://rokuon.example" in page


def test_a_form_without_a_cookie_or_with_an_old_token_says_so(browser: Client, secure: Any) -> None:
    browser = Client(enforce_csrf_checks=True, headers={"accept-language": "en"}, REMOTE_ADDR=PROXY)  # known by the fixture
    way = {"HTTP_HOST": "rokuon.example", "HTTP_X_FORWARDED_PROTO": "https", "HTTP_ORIGIN": "https://rokuon.example"}
    without = browser.post("/language/", {"language": "ja"}, **way).content.decode()
    assert "The browser sent no cookie with it" in without and "open for too long" not in without
    browser.cookies[secure.CSRF_COOKIE_NAME] = "q" * 32
    old = browser.post("/language/", {"language": "ja", "csrfmiddlewaretoken": "xyz9" * 16}, **way).content.decode()
    assert "open for too long" in old and "another address" not in old
