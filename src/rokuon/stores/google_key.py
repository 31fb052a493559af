"""Checks the text of a Google key file that a person entered: the fields that are used, and messages for other kinds of files."""

import json
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from rokuon.domain.failures import N_, ConfigError

SHORTEST_RSA = 2048
"""Bits. Google creates keys of 2,048; it accepts shorter ones that were uploaded, and those can be broken."""

_TOKEN_URIS = {
    "https://oauth2.googleapis.com/token",
    "https://accounts.google.com/o/oauth2/token",
    "https://www.googleapis.com/oauth2/v4/token",
}
_NO_KEY = N_("This is not a service account key. Create a JSON key for the service account and paste the whole file.")
_OF_THIS_MACHINE = N_(
    "This is a workload identity federation file (external_account), not a key. It belongs to a machine: register the bucket without a key "
    "file, and have the operator set GOOGLE_APPLICATION_CREDENTIALS to it where Rokuon runs."
)
_OTHER_KINDS: dict[str, str] = {
    "external_account": _OF_THIS_MACHINE,
    "external_account_authorized_user": N_(
        "This is a person's sign-in through workforce identity federation (external_account_authorized_user), which ends. Use the "
        "JSON key of a service account, or the machine's own identity."
    ),
    "authorized_user": N_(
        "This is a person's own sign-in (authorized_user), as gcloud auth application-default login makes it. Use the JSON key of a "
        "service account; or, for a trial, register the bucket without a key file on the machine where that person signed in."
    ),
    "impersonated_service_account": N_(
        "This file lets another identity act as a service account (impersonated_service_account). It belongs to a machine: register the "
        "bucket without a key file, and have the operator set GOOGLE_APPLICATION_CREDENTIALS to it where Rokuon runs."
    ),
    "gdch_service_account": N_(
        "This is a key of Google Distributed Cloud (gdch_service_account), which Rokuon does not support. Use the JSON key of a service "
        "account of Google Cloud."
    ),
}
_CLIENT = N_("This is an OAuth client's file, which opens no bucket. Create a JSON key for a service account and paste the whole file.")
_API_KEYS = ("installed", "web")


def service_account(text: str, endpoint: str | None = None) -> dict[str, str]:
    """Return only the fields that are used: the file may come from a web page, and Google's format has fields that make the reader open
    files and addresses chosen by the file's author. Raises ConfigError with a sentence for the person who entered it.

    `endpoint` is the operator's own storage endpoint: its token address is trusted like Google's.
    """
    fields = fields_of(text)
    kind = fields.get("type")
    if kind != "service_account":
        raise ConfigError(_OTHER_KINDS.get(kind, _NO_KEY) if isinstance(kind, str) else _CLIENT if _is_client(fields) else _NO_KEY)
    email, key, uri = (fields.get(name) for name in ("client_email", "private_key", "token_uri"))
    if not isinstance(email, str) or "@" not in email:
        raise ConfigError(N_("The service account key has no client_email. Paste the whole file as Google created it."))
    if not isinstance(key, str):
        raise ConfigError(_UNREADABLE)
    _check_private_key(key)
    if not isinstance(uri, str) or not (uri in _TOKEN_URIS or (endpoint and _origin(uri) == _origin(endpoint))):
        raise ConfigError(N_("The service account key names a token_uri that is not Google's. Paste the whole file as Google created it."))
    return {"type": "service_account", "client_email": email, "private_key": key, "token_uri": uri}


def fields_of(text: str) -> dict[str, Any]:
    """Return the file's fields; empty if it is not a JSON object. Windows editors put a byte order mark first."""
    try:
        fields: Any = json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}


_UNREADABLE = N_("The private key in the service account key cannot be read. Paste the whole file as Google created it.")


def refuse_weak(text: str) -> None:
    """Refuse a new RSA key with fewer bits than Google's keys; a key that is already in use stays in use. Raises ConfigError."""
    if _check_private_key(str(fields_of(text).get("private_key", ""))).key_size < SHORTEST_RSA:
        raise ConfigError(
            N_("The RSA key in the service account key has fewer than 2,048 bits. Create a new JSON key in Google's console.")
        )


def _check_private_key(pem: str) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(pem.encode(), password=None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError):
        raise ConfigError(_UNREADABLE) from None
    if not isinstance(key, RSAPrivateKey):
        raise ConfigError(
            N_("The private key in the service account key is not an RSA key. Google signs with RSA: create a new JSON key in its console.")
        )
    return key


def _is_client(fields: dict[str, Any]) -> bool:
    return any(isinstance(fields.get(name), dict) for name in _API_KEYS)


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
