"""The guide to preparing a bucket, as its kind of store gives it."""

from django import template

from rokuon.stores.kind import Guide, StoreKind
from rokuon.stores.registry import KINDS

register = template.Library()


@register.simple_tag
def bucket_guide(kind: StoreKind | str = "", bucket: str = "", principal: str = "") -> Guide | None:
    """`kind` is the first that is offered where a page names none. `principal` is the account of a bucket's own credential; without it,
    that of this machine."""
    return (KINDS[0] if isinstance(kind, str) else kind).guide(bucket, principal)
