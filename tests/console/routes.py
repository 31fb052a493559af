"""Every address of the web, read from the router, for tests that must not forget one."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver, reverse

from rokuon.console.web.guards import Guard


@dataclass(frozen=True)
class Route:
    """`name` as reverse() takes it; `arguments` are what the address is made from."""

    name: str
    arguments: tuple[str, ...]
    view: Callable[..., Any]

    @property
    def guard(self) -> Guard | None:
        """None for views that are not the console's own."""
        return getattr(self.view, "guard", None)

    def url(self, values: Mapping[str, object]) -> str:
        """Fails for an argument that the values do not name."""
        unknown = set(self.arguments) - values.keys()
        assert not unknown, f"{self.name}: say in town.py, browser/places.py and browser/hostile.py what stands for {unknown}"
        return reverse(self.name, kwargs={name: values[name] for name in self.arguments})


def routes() -> list[Route]:
    """In the router's order. Raises AssertionError for an address without a name, which no test could call."""
    return list(_below(get_resolver(), "", ()))


def _below(resolver: URLResolver, namespace: str, arguments: tuple[str, ...]) -> Iterator[Route]:
    for one in resolver.url_patterns:
        known = (*arguments, *one.pattern.converters, *getattr(getattr(one.pattern, "regex", None), "groupindex", {}))
        inner = tuple(dict.fromkeys(known))
        if isinstance(one, URLPattern):
            assert one.name, f"the address {one.pattern} has no name"
            yield Route(namespace + one.name, inner, one.callback)
        else:
            yield from _below(one, f"{namespace}{one.namespace}:" if one.namespace else namespace, inner)
