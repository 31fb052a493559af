from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import impatient
from tests.weeks.weeks import Weeks

__all__ = ["impatient"]

MakeWeeks = Callable[..., Weeks]


@pytest.fixture
def weeks_of(outer: Path, database_url: str, settings: Any, impatient: None) -> Iterator[MakeWeeks]:
    """Returns a function that makes an installation that sends mail and is judged each day. Its mails stay in the outbox, where the judge
    reads them."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    made: list[Weeks] = []

    def make(**how: Any) -> Weeks:
        made.append(Weeks(outer, database_url, **how))
        return made[-1]

    yield make
    for one in made:
        one.close()
