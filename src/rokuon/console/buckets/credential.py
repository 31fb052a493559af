"""The owner of a bucket's own credential, for people who may replace it."""

from rokuon.actions import buckets
from rokuon.console.web.installation import installation
from rokuon.domain.failures import ConfigError
from rokuon.org.models import Bucket


def credential_text(bucket: Bucket) -> dict[str, str]:
    """Return `credential` and `principal` of the bucket's own key, or in `credential` why it cannot be read; nothing for the machine's
    identity."""
    if not bucket.credential:
        return {}
    try:
        credential = buckets.kept_credential(installation(), bucket)
    except ConfigError as error:
        return {"credential": str(error)}
    return {"credential": buckets.credential_label(bucket.url, credential), "principal": buckets.principal(bucket.url, credential)}
