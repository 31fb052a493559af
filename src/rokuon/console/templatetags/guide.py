"""What the bucket guide tells: whom to let into the bucket, and the lines that do it."""

import asyncio
from dataclasses import dataclass

from django import template

from rokuon.stores.google_principal import machine_principal

register = template.Library()

CREATOR, VIEWER, USER = "roles/storage.objectCreator", "roles/storage.objectViewer", "roles/storage.objectUser"


@dataclass(frozen=True, slots=True)
class Guide:
    """`principal` is "" where this machine has no service account of its own."""

    principal: str
    bucket: str

    @property
    def create(self) -> str:
        return (
            f"gcloud storage buckets create gs://{self.bucket} \\\n"
            "  --location=asia-northeast1 \\\n  --uniform-bucket-level-access \\\n  --public-access-prevention"
        )

    @property
    def account(self) -> str:
        return (
            "gcloud iam service-accounts create rokuon --project=PROJECT\n"
            "gcloud iam service-accounts keys create rokuon-key.json \\\n  --iam-account=rokuon@PROJECT.iam.gserviceaccount.com"
        )

    @property
    def grants(self) -> str:
        member = self.principal or "rokuon@PROJECT.iam.gserviceaccount.com"
        return "\n".join(
            f"gcloud storage buckets add-iam-policy-binding gs://{self.bucket} \\\n  --member=serviceAccount:{member} \\\n  --role={role}"
            for role in (CREATOR, VIEWER)
        )


@register.simple_tag
def bucket_guide(bucket: str = "", principal: str = "") -> Guide:
    """`principal` is the account of a bucket's own credential; without it, that of this machine."""
    return Guide(principal or asyncio.run(machine_principal()), bucket.removeprefix("gs://") or "BUCKET")
