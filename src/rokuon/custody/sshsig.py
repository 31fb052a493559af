"""Ed25519 signatures in OpenSSH's SSHSIG frame (OpenSSH's PROTOCOL.sshsig), which `ssh-keygen -Y verify` checks without Rokuon."""

import base64
import hashlib
import struct
from textwrap import wrap

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

NAMESPACE = b"rokuon-seal@v1"
KEY_TYPE = b"ssh-ed25519"
_MAGIC = b"SSHSIG"
_HASH = b"sha512"
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
_WIDTH, _KEY_BYTES, _SIGNATURE_BYTES = 70, 32, 64


def new_key() -> str:
    """Return a new private key: 32 bytes in hexadecimal. It is a secret."""
    raw = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
    )
    return raw.hex()


def public_of(private: str) -> str:
    """Return the public half of a private key, 32 bytes in hexadecimal."""
    return (
        Ed25519PrivateKey.from_private_bytes(bytes.fromhex(private))
        .public_key()
        .public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        .hex()
    )


def digest(public: str) -> str:
    """Return the SHA-256 of the key's SSH form in hexadecimal: the name of its file in the bucket."""
    return hashlib.sha256(_wire(public)).hexdigest()


def fingerprint(public: str) -> str:
    """Return the fingerprint that OpenSSH prints, `SHA256:…`."""
    return "SHA256:" + base64.b64encode(bytes.fromhex(digest(public))).decode().rstrip("=")


def public_line(public: str) -> str:
    """Return the public key in one line, as in a file `id_ed25519.pub` without comment."""
    return f"{KEY_TYPE.decode()} {base64.b64encode(_wire(public)).decode()}"


def public_of_line(line: str) -> str:
    """Return the public key of such a line. Raises ValueError for anything else."""
    public = base64.b64decode(line.removeprefix(f"{KEY_TYPE.decode()} "), validate=True)[-_KEY_BYTES:].hex()
    if public_line(public) != line:
        raise ValueError("this is no line of an Ed25519 key")
    return public


def sign(private: str, message: bytes) -> str:
    """Return the armored signature, with its last LF. The same message and key give the same text."""
    signature = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(private)).sign(_signed(message))
    return _armored(public_of(private), signature)


def signer(message: bytes, armored: str) -> str:
    """Return the public key of which the text is exactly the signature over the message; "" if it is none."""
    try:
        blob = base64.b64decode("".join(armored.split("\n")[1:-2]), validate=True)
        start = len(_MAGIC) + 4 + 4 + 4 + len(KEY_TYPE) + 4  # version, and three lengths before the key's bytes
        public, signature = blob[start : start + _KEY_BYTES], blob[-_SIGNATURE_BYTES:]
        Ed25519PublicKey.from_public_bytes(public).verify(signature, _signed(message))
    except (ValueError, InvalidSignature):
        return ""
    return public.hex() if armored == _armored(public.hex(), signature) else ""


def _signed(message: bytes) -> bytes:
    return _MAGIC + _string(NAMESPACE) + _string(b"") + _string(_HASH) + _string(hashlib.sha512(message).digest())


def _armored(public: str, signature: bytes) -> str:
    blob = _MAGIC + struct.pack(">I", 1) + _string(_wire(public)) + _string(NAMESPACE) + _string(b"") + _string(_HASH)
    blob += _string(_string(KEY_TYPE) + _string(signature))
    return "\n".join([_BEGIN, *wrap(base64.b64encode(blob).decode(), _WIDTH), _END, ""])


def _wire(public: str) -> bytes:
    return _string(KEY_TYPE) + _string(bytes.fromhex(public))


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data
