"""Audio over its detours: who gets it, what every request is counted as, and where a key would leak."""

import datetime
import hashlib
import ipaddress
import ssl
from pathlib import Path
from urllib.parse import urljoin

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from rokuon.simulator import Simulator, WorldSpec, audio
from rokuon.simulator.model import Recording

from . import mp3
from .conftest import NOW, Api, Start


def one_of(api: Api, kind: str = "callrecording") -> Recording:
    return next(r for r in api.sim.world.recordings.values() if r.kind == kind)


@pytest.mark.parametrize("kind", ["callrecording", "admincallrecording", "voicemail"])
async def test_every_listed_url_leads_to_audio_of_the_listed_duration(start: Start, kind: str) -> None:
    api = await start(WorldSpec(now_ms=NOW, recordings=200))
    recording = one_of(api, kind)
    call = (await api.get(f"call/{recording.call.id}")).json
    detail = next(d for d in call["recording_details"] if d["id"] == str(recording.id))
    reply = await api.get(detail["url"], follow=True)
    assert reply.headers["Content-Type"] == "audio/mpeg"
    assert reply.headers["Content-Length"] == str(len(reply.body))
    assert abs(mp3.milliseconds(reply.body) - int(detail["duration"])) <= 72
    truth = next(t for t in (await api.get("/_simulator/truth")).json if t["id"] == recording.id)
    assert truth["sha256"] == hashlib.sha256(reply.body).hexdigest()


async def test_the_chain_has_two_redirects_and_the_first_shows_the_raw_key(start: Start) -> None:
    api = await start()
    recording = one_of(api)
    first = await api.get(f"/r/{recording.id}")
    assert first.status == 302
    assert first.headers["Location"].startswith("/secureblob/")
    assert f"apikey={api.sim.key}" in first.headers["Location"]
    second = await api.get(first.headers["Location"], key=None)
    assert second.status == 302
    assert "/blob-server/" in second.headers["Location"]
    assert api.sim.key not in second.headers["Location"]
    third = await api.get(second.headers["Location"], key=None)
    assert third.status == 200
    assert third.headers["Accept-Ranges"] == "bytes"
    meter = api.sim.meter
    assert meter.key_in_query == {"media_secureblob": 1}
    assert meter.company(api.sim.company.id).media == {"media": 1, "media_secureblob": 1, "media_blob": 1}
    assert meter.company(api.sim.company.id).audio_served == {recording.id: 1}
    assert meter.company(api.sim.company.id).audio_requests == {recording.id: 1}


async def test_without_hops_audio_comes_at_once(start: Start) -> None:
    api = await start(media_hops="0")
    assert (await api.get(f"/r/{one_of(api).id}")).body == audio.whole(one_of(api))


async def test_without_a_key_or_with_a_revoked_one_the_login_page_comes_with_status_200(start: Start) -> None:
    api = await start()
    url, key = f"/r/{one_of(api).id}", api.sim.key
    api.sim.keys.revoke(key)
    for used in (None, key):
        assert (await api.get(url, key=used)).headers["Location"] == "/login"
        page = await api.get(url, key=used, follow=True)
        assert (page.status, page.headers["Content-Type"].split(";")[0], len(page.body)) == (200, "text/html", 13_732)


async def test_a_forged_blob_address_and_unknown_ids_give_no_audio(start: Start) -> None:
    api = await start()
    recording = one_of(api)
    assert (await api.get(f"/blob-server/{recording.id}.mp3", key=None, sig="0" * 24)).headers["Location"] == "/login"
    for path in ("/r/1", "/r/x", "/blob/adminrecording/1.mp3", "/r/", "/v/1", f"/blob/adminrecording/{recording.id}.mp3", "/r"):
        assert (await api.get(path)).status == 404, path


async def test_the_other_host_name_shows_a_client_that_sends_its_key_along(start: Start) -> None:
    api = await start(blob_host="other")
    second = (await api.get(f"/r/{one_of(api).id}")).headers["Location"]
    last = (await api.get(second)).headers["Location"]
    assert last.startswith("http://localhost:")
    assert (await api.get(last, key=None)).status == 200
    assert api.sim.meter.key_to_other_host == 0
    assert (await api.get(last)).status == 200
    assert api.sim.meter.key_to_other_host == 1


async def test_ranges_are_honoured_and_impossible_ones_refused(start: Start) -> None:
    api = await start(media_hops="0")
    recording = one_of(api)
    whole, url = audio.whole(recording), f"/r/{recording.id}"
    part = await api.ask("GET", url, headers={"Range": "bytes=100-199"})
    assert (part.status, part.body) == (206, whole[100:200])
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(whole)}"
    assert (await api.ask("GET", url, headers={"Range": "bytes=-10"})).body == whole[-10:]
    refused = await api.ask("GET", url, headers={"Range": f"bytes={len(whole)}-"})
    assert (refused.status, refused.headers["Content-Range"]) == (416, f"bytes */{len(whole)}")


async def test_head_answers_the_length_without_a_body(start: Start) -> None:
    api = await start(media_hops="0")
    reply = await api.ask("HEAD", f"/r/{one_of(api).id}")
    assert (reply.headers["Content-Length"], reply.body) == (str(audio.size(one_of(api))), b"")


@pytest.mark.parametrize("how", ["chunked", "close"])
async def test_media_may_omit_its_length(start: Start, how: str) -> None:
    api = await start(media_hops="0", media_length=how)
    reply = await api.get(f"/r/{one_of(api).id}")
    assert "Content-Length" not in reply.headers
    assert reply.body == audio.whole(one_of(api))
    assert (reply.headers.get("Transfer-Encoding") == "chunked") == (how == "chunked")


async def test_a_recording_too_long_for_memory_is_streamed_and_ranged(start: Start) -> None:
    api = await start(media_hops="0")
    recording = one_of(api)
    recording.duration_ms, recording.kbps = 3 * 3_600_000, 16
    assert audio.size(recording) > audio.WHOLE_LIMIT
    reply = await api.get(f"/r/{recording.id}")
    assert hashlib.sha256(reply.body).digest() == hashlib.sha256(audio.whole(recording)).digest()
    api.sim.switches.set("media_length", "close")
    assert (await api.get(f"/r/{recording.id}")).body == reply.body, "what waits in the buffer is sent before the connection ends"
    middle = await api.ask("GET", f"/r/{recording.id}", headers={"Range": "bytes=9000000-9000009"})
    assert middle.body == reply.body[9_000_000:9_000_010]


async def test_a_voicemail_link_without_a_message_is_404(start: Start) -> None:
    api = await start(WorldSpec(now_ms=NOW, recordings=400))
    calls = [c for c in api.sim.world.books[api.sim.company.id].by_id.values() if c.state == "voicemail"]
    empty, full = next(c for c in calls if not c.recordings), next(c for c in calls if c.recordings)
    link = (await api.get(f"call/{empty.id}")).json["voicemail_link"]
    assert (await api.get(link)).status == 404
    told = (await api.get(f"call/{full.id}")).json
    assert told["voicemail_recording_id"] == str(full.recordings[0].id)
    assert (await api.get(told["voicemail_link"], follow=True)).body == audio.whole(full.recordings[0])


async def test_a_deleted_recording_vanishes_from_its_call_and_its_url(start: Start) -> None:
    api = await start()
    recording = one_of(api)
    assert (await api.ask("POST", f"/_simulator/recordings/{recording.id}/delete", body={})).status == 200
    assert (await api.get(f"/r/{recording.id}")).status == 404
    told = (await api.get(f"call/{recording.call.id}")).json
    assert str(recording.id) not in [d["id"] for d in told.get("recording_details", [])]


async def test_it_speaks_tls_when_given_a_certificate(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    day = datetime.timedelta(days=1)
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - day, now + day)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (tmp_path / "c.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()) + certificate.public_bytes(pem)
    )
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(tmp_path / "c.pem")
    trusting = ssl.create_default_context(cafile=str(tmp_path / "c.pem"))
    async with Simulator(WorldSpec(now_ms=NOW, recordings=20), ssl_context=server) as sim, aiohttp.ClientSession() as session:
        assert sim.base_url.startswith("https://")
        recording = next(r for r in sim.world.recordings.values() if r.kind == "callrecording")
        async with session.get(f"{sim.base_url}/r/{recording.id}", headers={"Authorization": f"Bearer {sim.key}"}, ssl=trusting) as reply:
            assert await reply.read() == audio.whole(recording)


async def test_one_connection_carries_a_whole_chain(start: Start) -> None:
    api = await start()
    opened = 0
    trace = aiohttp.TraceConfig()

    async def count(*_: object) -> None:
        nonlocal opened
        opened += 1

    trace.on_connection_create_end.append(count)
    url = f"{api.sim.base_url}/r/{one_of(api).id}"
    async with aiohttp.ClientSession(trace_configs=[trace]) as session:
        for _ in range(3):
            async with session.get(url, headers={"Authorization": f"Bearer {api.sim.key}"}, allow_redirects=False) as reply:
                url = urljoin(url, reply.headers.get("Location", url))
                await reply.read()
    assert opened == 1
