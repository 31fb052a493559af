"""The Google Cloud identity of this machine, used for buckets without a credential: the principal to grant access to."""

import os
from pathlib import Path
from urllib.parse import unquote

import aiohttp
from gcloud.aio.auth.token import GCE_METADATA_BASE, GCE_METADATA_HEADERS, get_service_data

METADATA_WITHIN_S = 1.0
_MACHINE = Path("/sys/class/dmi/id/product_name")
_SIGNS = ("GCE_METADATA_HOST", "K_SERVICE")
"""Variables that Google sets where it runs the process, also where the machine itself does not show it."""


async def machine_principal() -> str:
    """Return the service account of the application default credentials; "" if there is none or its name is not known.

    It asks Google's metadata server only on a machine of Google's: elsewhere the server's name cannot be resolved, which takes long.
    """
    try:
        account = get_service_data(None)
    except (OSError, ValueError):
        # Credentials that cannot be read give no name; opening a bucket with them reports the error.
        return ""
    email = str(account.get("client_email", ""))
    impersonated = str(account.get("service_account_impersonation_url", "")).rpartition("/")[2].partition(":")[0]
    if email or impersonated:
        return email or unquote(impersonated)
    return await _of_metadata() if not account and _is_googles() else ""


async def has_credential() -> bool:
    """Whether there are application default credentials: a file that can be read, or Google's metadata server on a machine of Google's."""
    try:
        account = get_service_data(None)
    except (OSError, ValueError):
        return False
    return bool(account) or (_is_googles() and bool(await _of_metadata()))


def _is_googles() -> bool:
    if any(os.environ.get(sign) for sign in _SIGNS):
        return True
    try:
        return _MACHINE.read_text().startswith("Google")
    except OSError:
        return False


async def _of_metadata() -> str:
    limit = aiohttp.ClientTimeout(total=METADATA_WITHIN_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=limit, headers=GCE_METADATA_HEADERS, trust_env=False) as session,
            session.get(f"{GCE_METADATA_BASE}/instance/service-accounts/default/email") as response,
        ):
            said = (await response.content.read(400)).decode(errors="replace").strip()
            return said if response.status == 200 and "@" in said else ""
    except (aiohttp.ClientError, TimeoutError, OSError):
        return ""
