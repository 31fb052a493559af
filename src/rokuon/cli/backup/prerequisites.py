"""Obstacles that prevent a backup from starting, each with the command that removes it."""

from collections.abc import Iterator
from contextlib import contextmanager

from rokuon.base.i18n import _, join_sentences
from rokuon.domain.failures import ConfigError
from rokuon.wiring.backup_now import NothingToBackUp, Obstacle


@contextmanager
def advised() -> Iterator[None]:
    """Add the command to enter to the error that the settings leave nothing to back up."""
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
