"""Shared checks for signed links. Asking a store without links, or for too long a lifetime, is a bug of the caller: ValueError."""

from rokuon.domain.ports import LONGEST_LINK_S


def check(seconds: int) -> None:
    if not 1 <= seconds <= LONGEST_LINK_S:
        raise ValueError(f"a link lasts 1 to {LONGEST_LINK_S} seconds, not {seconds}")


def none_here() -> ValueError:
    return ValueError("this bucket makes no links: ask its capabilities first")
