"""What keeps a backup from starting, with the command that clears it away."""

from collections.abc import Iterator
from contextlib import contextmanager

from rokuon.base.i18n import _, join_sentences
from rokuon.domain.failures import ConfigError
from rokuon.wiring.backup_now import NothingToBackUp, Obstacle


@contextmanager
def advised() -> Iterator[None]:
    """Where the settings leave nothing to back up, the sentence ends with what to enter."""
    try:
        yield
    except NothingToBackUp as error:
        remedies = {
            Obstacle.NOT_ENABLED: _("Enable it with `rokuon settings set --enable`."),
            Obstacle.NO_RULE: _("Enable one with `rokuon rule enable`."),
            Obstacle.NO_BUCKET: _("Choose one with `rokuon settings set --bucket`."),
        }
        remedy = remedies.get(error.obstacle, "") if error.obstacle else ""
        raise ConfigError(join_sentences(error.detail, remedy)) from error
