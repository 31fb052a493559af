"""A strict double of Google Cloud Storage's JSON API, over real HTTP. Where Google refuses, it refuses.

It judges our store, so it imports nothing of rokuon, and it is itself compared with Google's documentation, not with our client.
"""

from .faults import Fault, Op
from .server import GcsDouble

__all__ = ["Fault", "GcsDouble", "Op"]
