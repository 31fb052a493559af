"""The strict GCS double for synchronous code: on its own event loop in a thread."""

import asyncio
import threading
from types import TracebackType

from tests.simulators.gcs import GcsDouble

PRINCIPAL = "backup@p.iam.gserviceaccount.com"
_PATIENCE_S = 20.0


class GcsThread:
    """with GcsThread() as gcs: `gcs.double`, `gcs.key` (a service-account file's text; may create and read, not delete or replace)."""

    def __init__(self, *roles: str) -> None:
        self.double = GcsDouble()
        self._roles = roles or ("objectCreator", "objectViewer")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="gcs", daemon=True)
        self.key = ""

    @property
    def url(self) -> str:
        return f"gs://{self.double.bucket_name}"

    def objects(self) -> dict[str, bytes]:
        return {name: thing.data for name, thing in self.double.bucket.things.items()}

    def __enter__(self) -> "GcsThread":
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.double.start(), self._loop).result(_PATIENCE_S)
        self.key = self.double.service_account(PRINCIPAL, *self._roles)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self.double.stop(), self._loop).result(_PATIENCE_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE_S)
        self._loop.close()
