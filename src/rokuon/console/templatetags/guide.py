"""Template tag of the guide to preparing a bucket, from the bucket's kind of store."""

from django import template

from rokuon.stores.kind import Guide, StoreKind
from rokuon.stores.registry import KINDS

register = template.Library()


@register.simple_tag
def bucket_guide(kind: StoreKind | str = "", bucket: str = "", principal: str = "") -> Guide | None:
    """Return the guide. `kind` defaults to the first kind that is offered. `principal` is the account of a bucket's own credential; without
    it, this machine's account is used."""
    return (KINDS[0] if isinstance(kind, str) else kind).guide(bucket, principal)
