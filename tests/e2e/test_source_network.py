"""Network faults on the way to Dialpad: names that do not resolve, certificates that are not Dialpad's (row S33)."""

import ssl
from pathlib import Path

import pytest
from cryptography import x509

from rokuon.dialpad.source import DialpadSource
from rokuon.domain.failures import SourceAway, SourceCertificateIncomplete, SourceTlsInvalid
from rokuon.domain.ports import TimeRange
from rokuon.ledger.models import Hold
from rokuon.org.models import Company
from rokuon.wiring import connections
from tests.authority import DAY, HERE, Authority
from tests.e2e.conftest import MakeRig
from tests.e2e.rig import small_world


@pytest.mark.parametrize("wrong", ["expired", "for another host", "of someone else"])
def test_s33_a_certificate_that_is_not_dialpads_holds_the_source_and_nothing_is_sent(
    rig_of: MakeRig, outer: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    ours, others = Authority(outer, "ours"), Authority(outer, "others")
    good = ours.certificate(HERE)
    bad = {
        "expired": ours.certificate(HERE, -DAY),
        "for another host": ours.certificate(x509.DNSName("dialpad.com")),
        "of someone else": others.certificate(HERE),
    }[wrong]
    # The machine's own trust store, as an operator would set it; here it is read when a session is opened, not when the process starts.
    monkeypatch.setenv("SSL_CERT_FILE", str(ours.file))
    monkeypatch.setattr(connections, "DialpadSource", lambda *a, **k: DialpadSource(*a, **k, tls=ssl.create_default_context()))
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(good)
    rig = rig_of(world=small_world(recordings=20), tls=server)
    server.load_cert_chain(bad)
    rig.sim.meter.reset()
    rig.back_up_now()
    assert list(rig.sim.meter.log) == []
    assert rig.states() == {}
    seen = rig.admin_sees()
    assert (seen.held, seen.failed) == ({"source_tls_invalid": "Everything from Dialpad"}, {})
    assert seen.strip == {"source_tls_invalid": SourceTlsInvalid.advice}
    rig.pass_time(steps=(0.02, 0.1, 1))
    assert list(rig.sim.meter.log) == [], "not by a later try either"
    server.load_cert_chain(good)
    rig.pass_time(2)
    rig.check()
    assert (rig.admin_sees().mood, rig.admin_sees().held) == ("verified", {})


def test_s33_a_certificate_of_a_companys_own_authority_without_key_identifiers_is_said_to_lack_them(
    rig_of: MakeRig, outer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = Authority(outer, "old", keeps_rfc_5280=False)
    trust = ssl.create_default_context(cafile=str(old.file))
    trust.verify_flags &= ~ssl.VERIFY_X509_STRICT
    monkeypatch.setattr(connections, "DialpadSource", lambda *a, **k: DialpadSource(*a, **k, tls=trust))
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(old.certificate(HERE))
    rig = rig_of(world=small_world(recordings=20), tls=server)
    trust.verify_flags |= ssl.VERIFY_X509_STRICT  # the default of Python 3.13
    rig.back_up_now()
    assert rig.admin_sees().strip == {"source_certificate_incomplete": SourceCertificateIncomplete.advice}
    assert Hold.objects.get().detail.endswith("Key Identifier"), "what it lacks"


def test_s33_a_name_that_does_not_resolve_is_tried_again_then_held_and_goes_on_by_itself(rig_of: MakeRig, impatient: None) -> None:
    rig = rig_of(world=small_world(recordings=20))
    Company.objects.update(base_url="https://dialpad.invalid")
    now = rig.sim.now()
    rig.back_up_now(wanted=TimeRange(now - 40 * 86_400_000, now))
    assert not Hold.objects.exists(), "one time may be a hiccup"
    rig.pass_time(steps=(0.02, 0.1, 0.1))
    seen = rig.admin_sees()
    assert (seen.held, seen.failed) == ({"source_away": "Everything from Dialpad"}, {})
    assert seen.strip == {"source_away": SourceAway.advice}
    assert Hold.objects.get().detail.startswith("dialpad.invalid"), "which name it is"
    Company.objects.update(base_url=rig.sim.base_url)
    rig.pass_time(steps=(0.1, 0.1))
    rig.check()
    assert rig.admin_sees().held == {}
