"""The installation that this web process serves."""

from functools import cache

from rokuon.config import Config
from rokuon.runtime.installation import Installation, open_installation


@cache
def installation() -> Installation:
    """Keys and configuration. The database is kept running by whoever started the process (`rokuon serve`).

    Raises ConfigError where a part of the installation is missing.
    """
    return open_installation(Config.load(), start_database=False)
