"""Who is told."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Address:
    """Where a mail goes. `language` is "en" or "ja"; `name` is the reader's, "" where it is not known; `source` says why: "member",
    "added" by hand, or Dialpad's "directory"."""

    email: str
    language: str
    name: str = ""
    source: str = ""
