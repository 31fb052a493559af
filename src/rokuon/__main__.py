"""`rokuon`, also as `python -m rokuon`: sets the language, then hands over to the commands."""

import gc
import os
import sys

from rokuon.base import i18n


def main() -> None:
    """Exits with one of the codes that `rokuon --help` lists."""
    # Until the command is loaded: none of that is ever garbage, and looking for some in between takes a third of each start.
    gc.disable()
    language = i18n.preferred()
    i18n.activate(language)
    # click's own words come from gettext, which reads this variable; the database's programs run in the C locale and ignore it.
    os.environ["LANGUAGE"] = language
    from rokuon.cli.main import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
