"""Certificate authorities such as companies run themselves, and a machine that trusts one."""

import datetime
import ipaddress
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

HERE = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
DAY = datetime.timedelta(days=1)


SIGNS = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


class Authority:
    """Signs certificates; `file` is its own."""

    def __init__(self, folder: Path, name: str, *, keeps_rfc_5280: bool = True) -> None:
        self._keeps_rfc_5280 = keeps_rfc_5280
        self._folder, self._name = folder, x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        own = self._builder(self._name, self._key.public_key()).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        if self._keeps_rfc_5280:
            own = own.add_extension(SIGNS, critical=True)
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(own.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey, ends: datetime.timedelta = DAY) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        made = x509.CertificateBuilder(self._name, subject, key, x509.random_serial_number(), now - 9 * DAY, now + ends)
        if not self._keeps_rfc_5280:
            return made
        return made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False).add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
        )

    def certificate(self, host: x509.GeneralName, ends: datetime.timedelta = DAY) -> Path:
        """A file with a key and its certificate for `host`."""
        key, pem = ec.generate_private_key(ec.SECP256R1()), serialization.Encoding.PEM
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "dialpad")])
        made = self._builder(subject, key.public_key(), ends).add_extension(x509.SubjectAlternativeName([host]), critical=False)
        file = self._folder / f"{x509.random_serial_number()}.pem"
        file.write_bytes(
            key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            + made.sign(self._key, hashes.SHA256()).public_bytes(pem)
        )
        return file

    def server(self, host: x509.GeneralName = HERE, ends: datetime.timedelta = DAY) -> ssl.SSLContext:
        """For a server on this machine that shows such a certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate(host, ends))
        return context


def trusted_strictly(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine trusts it, as an operator would set it, and checks certificates as Python 3.13 does, whatever Python runs."""
    plain = ssl.create_default_context

    def strict(*args: object, **options: object) -> ssl.SSLContext:
        context = plain(*args, **options)  # type: ignore[arg-type]
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    monkeypatch.setattr(ssl, "create_default_context", strict)
