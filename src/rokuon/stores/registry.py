"""The kinds of store that Rokuon knows, and which of them a bucket's URL is of."""

from rokuon.domain.failures import N_, ConfigError

from .folder_kind import FolderKind
from .gcs_kind import GcsKind
from .kind import StoreKind
from .verification import SENTENCES, Advice

KINDS: tuple[StoreKind, ...] = (GcsKind(), FolderKind())
"""In the order in which a person is offered them."""


def kind_of(url: str) -> StoreKind:
    """Raises ConfigError where no kind has this scheme."""
    for kind in KINDS:
        if url.startswith(f"{kind.scheme}:"):
            return kind
    raise ConfigError(N_("Write the bucket as gs://name or file:///absolute/folder."))


def sentence_of(url: str, advice: Advice) -> str:
    """What a verification found, in the words of the URL's kind of store. A message id."""
    return kind_of(url).advice.get(advice) or SENTENCES[advice]
