"""The kind of store `gs://name`: a Google Cloud Storage bucket."""

import asyncio
import ipaddress
import re
import shlex
from pathlib import Path

from rokuon.domain.failures import N_, ConfigError
from rokuon.domain.ports import Store

from .google_key import fields_of, refuse_weak, service_account
from .kind import Guide, StoreKind, StoreSettings
from .verification import Advice

CREATOR, VIEWER, USER = "roles/storage.objectCreator", "roles/storage.objectViewer", "roles/storage.objectUser"
_COMPONENT = re.compile(r"[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?")
_SHOWN_OF_KEY_ID = 4
_SOME_ACCOUNT = "rokuon@PROJECT.iam.gserviceaccount.com"


class GcsKind(StoreKind):
    id = "gcs"
    scheme = "gs"
    title = N_("Google Cloud Storage")
    example = "gs://NAME"
    takes_credential = True
    grants_arrive_late = True
    forbidden = ""
    advice = {
        Advice.LACKS_CREATE: N_("The credential may not create objects. Grant it Storage Object Creator on the bucket."),
        Advice.LACKS_GET: N_(
            "The credential may not read objects, so no backup could be verified. Grant it Storage Object Viewer on the bucket."
        ),
        Advice.LACKS_LIST: N_(
            "The credential may not list objects, so nothing could be proven complete. Grant it Storage Object Viewer on the bucket."
        ),
        Advice.MAY_DELETE: N_(
            "The credential may delete and overwrite objects. Rokuon never does; grant Storage Object Creator and Storage Object Viewer "
            "instead of Storage Object User, and nobody can in its name."
        ),
    }

    def canonical(self, url: str, settings: StoreSettings) -> str:
        return f"gs://{self._bucket(url)}"

    def name(self, url: str) -> str:
        return url.removeprefix("gs://")

    def folder(self, url: str, settings: StoreSettings) -> Path | None:
        return None

    def check_credential(self, text: str, settings: StoreSettings) -> None:
        service_account(text, settings.gcs_endpoint)
        refuse_weak(text)

    def machine_credential(self, settings: StoreSettings) -> bool:
        from .google_principal import has_credential

        return bool(settings.gcs_endpoint) or asyncio.run(has_credential())

    def principal(self, credential: str) -> str:
        return str(fields_of(credential).get("client_email", ""))

    def credential_label(self, credential: str) -> str:
        """Return the account and the end of its key's public id."""
        fields = fields_of(credential)
        return f"{fields.get('client_email', '?')} …{str(fields.get('private_key_id', ''))[-_SHOWN_OF_KEY_ID:]}".rstrip(" …")

    def guide(self, name: str, principal: str) -> Guide:
        from .google_principal import machine_principal

        bucket, principal = name or "BUCKET", principal or asyncio.run(machine_principal())
        return Guide(
            principal,
            f"gcloud storage buckets create gs://{bucket} \\\n"
            "  --location=asia-northeast1 \\\n  --uniform-bucket-level-access \\\n  --public-access-prevention",
            "gcloud iam service-accounts create rokuon --project=PROJECT\n"
            f"gcloud iam service-accounts keys create rokuon-key.json \\\n  --iam-account={_SOME_ACCOUNT}",
            "\n".join(
                f"gcloud storage buckets add-iam-policy-binding gs://{bucket} \\\n"
                f"  --member=serviceAccount:{principal or _SOME_ACCOUNT} \\\n  --role={role}"
                for role in (CREATOR, VIEWER)
            ),
        )

    def grant_command(self, url: str) -> str:
        return f"gcloud storage buckets add-iam-policy-binding {url} --member=serviceAccount:EMAIL --role={USER}"

    def restore_command(self, url: str, key: str, version: str, *, noncurrent: bool) -> str:
        former = shlex.quote(f"{url}/{key}#{version}")
        return f"gcloud storage cp {former} {shlex.quote(f'{url}/{key}')}" if noncurrent else f"gcloud storage restore {former}"

    def open(self, url: str, credential: str | None, settings: StoreSettings) -> Store:
        # Imported here, because the HTTP client and Google's library take a third of a second to load, and most commands open no bucket.
        from .gcs import GcsStore

        bucket, endpoint = self._bucket(url), settings.gcs_endpoint
        account = None if credential is None else service_account(credential, endpoint)
        if not endpoint:
            return GcsStore(bucket, account)
        return GcsStore(bucket, account or {}, endpoint=(endpoint if "://" in endpoint else f"http://{endpoint}").rstrip("/"))

    def _bucket(self, url: str) -> str:
        """Check a name by Google's rules: 3 to 63 of a-z 0-9 - _ . (222 with dots), no IP address, no name that imitates Google."""
        name = url.removeprefix("gs://").removesuffix("/")
        if "/" in name:
            raise ConfigError(N_("Give the bucket alone, as gs://name: Rokuon chooses the folders below it."))
        longest = 222 if "." in name else 63
        if not 3 <= len(name) <= longest or not all(_COMPONENT.fullmatch(part) for part in name.split(".")):
            raise ConfigError(
                N_(
                    "This is not a bucket name. Use 3 to 63 lower-case letters, digits, hyphens, underscores or dots, as the console shows "
                    "it."
                )
            )
        if name.startswith("goog") or "google" in name or "g00gle" in name or _is_ip(name):
            raise ConfigError(N_("Google does not allow this bucket name: it may not look like an IP address nor contain google."))
        return name


def _is_ip(name: str) -> bool:
    try:
        return bool(ipaddress.ip_address(name))
    except ValueError:
        return False
