"""Registry of the kinds of store; finds the kind of a bucket's URL."""

from rokuon.domain.failures import N_, ConfigError

from .folder_kind import FolderKind
from .gcs_kind import GcsKind
from .kind import StoreKind
from .verification import SENTENCES, Advice

KINDS: tuple[StoreKind, ...] = (GcsKind(), FolderKind())
"""In the order in which forms offer them."""


def kind_of(url: str) -> StoreKind:
    """Return the kind of a URL. Raises ConfigError if no kind has its scheme."""
    for kind in KINDS:
        if url.startswith(f"{kind.scheme}:"):
            return kind
    raise ConfigError(N_("Write the bucket as gs://name or file:///absolute/folder."))


def sentence_of(url: str, advice: Advice) -> str:
    """Return the sentence for a result of a verification, in the words of the URL's kind of store. A message id."""
    return kind_of(url).advice.get(advice) or SENTENCES[advice]
