"""Reliability.md 7.1 as a table, and by fuzz: nothing but an exactly allowed host is ever opened, and the key stays at home."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rokuon.dialpad.urls import AllowedHosts, first_hop, is_public_unicast, next_hop
from rokuon.domain.failures import ConfigError, SourceKindDenied, SourceRedirectBlocked, SourceUrlRefused

ALLOWED = AllowedHosts.of("https://dialpad.com", ["media.example.net"])
ID = "5572000000000001"
KEY = "canary-key-123"

OPENED = [
    f"https://dialpad.com/r/{ID}",
    f"https://dialpad.com/blob/adminrecording/{ID}.mp3",
    f"https://dialpad.com:443/r/{ID}",
    f"https://DialPad.com/r/{ID}",
    f"https://dialpad.com./r/{ID}",
    f"https://dialpad.com/r/{ID}?t=1%2F2&x=~",
    f"https://dialpad.com/blob?id={ID}",
    f"https://media.example.net/x/{ID}.mp3",
    f"https://dialpad.com/a%20b/{ID}",
    f"https://dialpad.com/r/{ID}/",
    f" https://dialpad.com/r/{ID}",
    f"https://dialpad.com/r/{ID} ",
    f"\x00https://dialpad.com/r/{ID}\r\n",
    f"https://dialpad.com/r/{ID}#x",
    f"https://dialpad.com/r/{ID}/é",
    f"https://dialpad.com/a b/{ID}",
    f"https://dialpad.com/r\t/{ID}",
]
REFUSED = [
    "",
    "dialpad.com",
    f"//dialpad.com/r/{ID}",
    f"/r/{ID}",
    f"http://dialpad.com/r/{ID}",
    f"HTTPS://dialpad.com/r/{ID}",
    f"ftp://dialpad.com/r/{ID}",
    f"file:///r/{ID}",
    f"https:dialpad.com/r/{ID}",
    f"https:/dialpad.com/r/{ID}",
    f"https:///dialpad.com/r/{ID}",
    f"https://dialpad.com:8443/r/{ID}",
    f"https://dialpad.com:80/r/{ID}",
    f"https://dialpad.com:0443/r/{ID}",
    f"https://dialpad.com:/r/{ID}",
    f"https://dialpad.com:99999/r/{ID}",
    f"https://user@dialpad.com/r/{ID}",
    f"https://user:pw@dialpad.com/r/{ID}",
    f"https://dialpad.com@evil.example/r/{ID}",
    f"https://evil.example\\@dialpad.com/r/{ID}",
    f"https://dialpad.com\\@evil.example/r/{ID}",
    f"https://dialpad.com\\.evil.example/r/{ID}",
    f"https://dialpad.com\t.evil.example/r/{ID}",
    f"https://dialpad.com\n/r/{ID}",
    f"https://dialpad.com/r/{ID}\r\nHost: evil.example",
    f"https://dialpad.com #/r/{ID}",
    f"https://dialpad.com .evil.example/r/{ID}",
    f"https://dialpad.com\u3000/r/{ID}",
    f"https://dialpad.com\u00ad/r/{ID}",
    f"https://dialpad.com/\n/r/{ID}",
    f"https://dialpad.com/r/{ID}\\x",
    f"https://dialpad.com/r/{ID}\ud800",
    f"https://dialpad.com#/r/{ID}",
    f"https://dialpad.com\x00/r/{ID}",
    f"https://evil.example/r/{ID}",
    f"https://dialpad.com.evil.example/r/{ID}",
    f"https://evildialpad.com/r/{ID}",
    f"https://sub.dialpad.com/r/{ID}",
    f"https://dialpad.com../r/{ID}",
    f"https://.dialpad.com/r/{ID}",
    f"https://dialpad%2ecom/r/{ID}",
    f"https://dialpad。com/r/{ID}",
    f"https://dіalpad.com/r/{ID}",
    f"https://xn--dilpad-0ya.com/r/{ID}",
    f"https://127.0.0.1/r/{ID}",
    f"https://127.1/r/{ID}",
    f"https://0x7f.1/r/{ID}",
    f"https://2130706433/r/{ID}",
    f"https://[::1]/r/{ID}",
    f"https://[::ffff:127.0.0.1]/r/{ID}",
    f"https://169.254.169.254/latest/{ID}",
    f"https://[fd00::1%25eth0]/r/{ID}",
    f"https://localhost/r/{ID}",
    f"http://127.0.0.1:80/r/{ID}",
    "https://dialpad.com/r/",
    "https://dialpad.com/r/5572000000000002",
    f"https://dialpad.com/r/{ID}7",
    f"https://dialpad.com/r/1{ID}",
    "https://dialpad.com/login",
    f"javascript:alert('{ID}')",
    f"https://dialpad.com/r/{ID}" + "a" * 9000,
    f"https://?/r/{ID}",
    f"https://dialpad.com&evil.example/r/{ID}",
    f"https://dialpad.com;evil.example/r/{ID}",
]


def test_the_table_has_sixty_addresses():
    assert len(set(OPENED + REFUSED)) >= 60


@pytest.mark.parametrize("url", OPENED)
def test_an_allowed_address_is_opened_at_the_allowed_host(url):
    hop = first_hop(url, ID, ALLOWED)
    assert hop.url.host in ("dialpad.com", "media.example.net")
    assert hop.url.scheme == "https"
    assert hop.keyed is (hop.host == "dialpad.com")


@pytest.mark.parametrize("url", REFUSED)
def test_any_other_address_is_refused(url):
    with pytest.raises(SourceUrlRefused) as caught:
        first_hop(url, ID, ALLOWED)
    assert ID not in str(caught.value)


def test_what_passes_is_sent_byte_for_byte():
    hop = first_hop(f"https://dialpad.com/a%2Fb/../{ID}?s=a+b%2B&e=", ID, ALLOWED)
    assert hop.url.raw_path_qs == f"/a%2Fb/../{ID}?s=a+b%2B&e="


def test_an_empty_recording_id_matches_no_address():
    with pytest.raises(SourceUrlRefused):
        first_hop("https://dialpad.com/r/1", "", ALLOWED)


_PIECES = st.sampled_from(
    [
        "https://",
        "http://",
        "//",
        "dialpad.com",
        "evil.example",
        "@",
        ":",
        "443",
        "/",
        "\\",
        "#",
        "?",
        ".",
        "\t",
        " ",
        "%2e",
        "[::1]",
        ID,
        "&",
        "。",
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.lists(_PIECES, max_size=12).map("".join), st.text(max_size=60).map(lambda text: f"https://{text}/{ID}")))
@example(f"https://dialpad.com\t.evil.example/{ID}")
def test_no_text_leads_to_a_host_that_is_not_allowed(text):
    try:
        hop = first_hop(text, ID, ALLOWED)
    except SourceUrlRefused:
        return
    assert hop.url.host in ("dialpad.com", "media.example.net")
    assert (hop.url.scheme, hop.url.port, hop.url.user, hop.url.fragment) == ("https", 443, None, "")
    # The letters between the scheme and the path are the host itself: no other reader can see another host.
    assert (
        text.replace("\t", "")
        .split("/")[2]
        .strip("".join(map(chr, range(33))))
        .partition("#")[0]
        .lower()
        .removesuffix(":443")
        .removesuffix(".")
        == hop.url.host
    )


HERE = first_hop(f"https://dialpad.com/r/{ID}", ID, ALLOWED)


@pytest.mark.parametrize(
    ("location", "leads_to"),
    [
        ("/secureblob/a%2Fb?x=1+2&y=%2B", "https://dialpad.com/secureblob/a%2Fb?x=1+2&y=%2B"),
        ("//dialpad.com/b", "https://dialpad.com/b"),
        ("https://media.example.net/z", "https://media.example.net/z"),
        ("?y=2", f"https://dialpad.com/r/{ID}?y=2"),
        (f"/b?a=1&apikey={KEY}&z=2", "https://dialpad.com/b?a=1&z=2"),
        ("/b?apikey=another", "https://dialpad.com/b"),
        ("/b?ApiKey=another&z", "https://dialpad.com/b?z"),
        ("/b?%61pikey=another&z", "https://dialpad.com/b?z"),
        (f"/b?token={KEY}&z=1", "https://dialpad.com/b?z=1"),
        ("/b?token=canary%2Dkey-123&z=1", "https://dialpad.com/b?z=1"),
        (f"https://media.example.net/z?apikey={KEY}", "https://media.example.net/z"),
        ("/über", "https://dialpad.com/%C3%BCber"),
        ("/録音/1.mp3?n=録", "https://dialpad.com/%E9%8C%B2%E9%9F%B3/1.mp3?n=%E9%8C%B2"),
        ("/caf\udce9", "https://dialpad.com/caf%E9"),
        ("/a b/c?x=1 2", "https://dialpad.com/a%20b/c?x=1%202"),
        ("  /b\t", "https://dialpad.com/b"),
        ("/se\tcure", "https://dialpad.com/secure"),
        ("\x00\x1f/b", "https://dialpad.com/b"),
        ("/b#part", "https://dialpad.com/b"),
        ("blob/x", "https://dialpad.com/r/blob/x"),
        ("../b/./c", "https://dialpad.com/b/c"),
        (f"/b?api\tkey={KEY}&z=2", "https://dialpad.com/b?z=2"),
        (" https://media.example.net/z z ", "https://media.example.net/z%20z"),
    ],
)
def test_a_redirect_is_followed_within_the_allowed_hosts_and_without_the_key(location, leads_to):
    hop = next_hop(HERE, location, KEY, ALLOWED)
    assert str(hop.url) == leads_to
    assert hop.keyed is (hop.host == "dialpad.com")


@pytest.mark.parametrize(
    "location",
    [
        "http://dialpad.com/b",
        "https://evil.example/b",
        "https://evil.example/login",
        "//evil.example/b",
        "\\\\evil.example/b",
        "/\\evil.example/b",
        "https://127.0.0.1/b",
        "https://[::1]/b",
        "https://10.0.0.1/b",
        "javascript:alert(1)",
        "data:text/html,x",
        "/b\r\nX: y",
        "/b\x00c",
        "https://dialpad.com\t.evil.example/b",
        "https://dialpad。com/b",
        "https://dialpad.com @evil.example/b",
        "https://us er@dialpad.com/b",
        " //evil.example/b",
        "/\t/evil.example/b",
        "ht\ttp://dialpad.com/b",
        f"/blob/{KEY[:5]}\t{KEY[5:]}/x",
        f"/blob/{KEY}/x",
        "/blob/canary%2Dkey-123/x",
    ],
)
def test_a_redirect_elsewhere_is_blocked_and_tells_no_path(location):
    with pytest.raises(SourceRedirectBlocked) as caught:
        next_hop(HERE, location, KEY, ALLOWED)
    assert KEY not in str(caught.value)
    assert "/b" not in str(caught.value)


@pytest.mark.parametrize(
    "location", ["/login", "/login?next=%2Fr%2F1", "https://dialpad.com/app/login/", "https://www.dialpad.com/login", "/LOGIN#x"]
)
def test_a_redirect_to_the_login_page_means_that_this_kind_is_denied(location):
    with pytest.raises(SourceKindDenied):
        next_hop(HERE, location, KEY, ALLOWED)


@pytest.mark.parametrize(
    "setting",
    [
        "",
        "dialpad.com",
        "http://dialpad.com",
        "https://",
        "https://10.0.0.5",
        "https://2130706433",
        "https://0x7f.1",
        "https://127.1",
        "https://dialpad.com/api/v2",
        "https://key@dialpad.com",
        "https://dialpad.com?x=1",
        "https://dialpad..com",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "https://[fd00::1]",
        "https://dialpad.com:70000",
        "ftp://127.0.0.1",
    ],
)
def test_a_base_address_that_is_no_https_host_is_an_error_in_a_sentence(setting):
    with pytest.raises(ConfigError) as caught:
        AllowedHosts.of(setting)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("setting", "base"),
    [
        ("https://dialpad.com", "https://dialpad.com:443"),
        ("https://Sandbox.dialpad.com/", "https://sandbox.dialpad.com:443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.3.2.1:1", "http://127.3.2.1:1"),
        ("http://localhost:9", "http://localhost:9"),
        ("http://[::1]:9", "http://[::1]:9"),
        ("https://localhost:9", "https://localhost:9"),
    ],
)
def test_an_https_host_or_this_machine_is_a_base_address(setting, base):
    assert AllowedHosts.of(setting).base == base


def test_the_simulators_own_addresses_open_and_its_neighbour_port_does_not():
    allowed = AllowedHosts.of("http://127.0.0.1:8080")
    assert first_hop(f"http://127.0.0.1:8080/r/{ID}", ID, allowed).keyed
    with pytest.raises(SourceUrlRefused):
        first_hop(f"http://127.0.0.1:8081/r/{ID}", ID, allowed)


@pytest.mark.parametrize("address", ["8.8.8.8", "142.250.1.1", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_a_public_address_is_public(address):
    assert is_public_unicast(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "192.0.0.8",
        "192.0.0.9",
        "192.0.2.1",
        "198.18.0.1",
        "240.0.0.1",
        "::",
        "::1",
        "::127.0.0.1",
        "::8.8.8.8",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "fc00::1",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "localhost",
        "127.1",
        "text",
    ],
)
def test_every_other_address_is_not(address):
    assert not is_public_unicast(address)
