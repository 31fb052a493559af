"""The installation that this web process serves."""

from functools import cache

from rokuon.config import Config
from rokuon.runtime.installation import Installation, open_installation


@cache
def installation() -> Installation:
    """Return keys and configuration. The command that started the process (`rokuon serve`) keeps the database running.

    Raises ConfigError if a part of the installation is missing.
    """
    return open_installation(Config.load(), start_database=False)
