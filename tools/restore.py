"""Restores a dump of the database into a new installation: after a lost disk, a damaged database, or a move to another machine.

    python tools/restore.py DUMP        into the installation that ROKUON_DATA_DIR (and ROKUON_DATABASE_URL) name

The installation must be new: `rokuon init` has made it and no company was added. Put the old master key into its place first; without
it the stored credentials cannot be read. Run `rokuon migrate` afterwards.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import psycopg
from psycopg import conninfo

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from rokuon.config import Config
from rokuon.domain.failures import ConfigError
from rokuon.ops import pg_programs
from rokuon.ops.installation import open_installation


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("dump", type=Path, help="a file such as rokuon-20260401T020000Z.dump")
    dump: Path = parser.parse_args(arguments).dump
    try:
        if not dump.is_file():
            raise ConfigError(f"There is no dump {dump}.")
        with open_installation(Config.load()) as installation:
            refuse_used(installation.database_url)
            restore(installation.database_url, dump)
    except ConfigError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    print("The dump was restored. Next: rokuon migrate, then rokuon doctor.")
    return 0


def refuse_used(dsn: str) -> None:
    """Raises ConfigError where the database holds a company: restoring would destroy what it knows."""
    with psycopg.connect(dsn) as connection:
        made = connection.execute("SELECT to_regclass('org_company') IS NOT NULL").fetchone()
        if made and made[0] and connection.execute("SELECT 1 FROM org_company LIMIT 1").fetchone():
            raise ConfigError("This installation holds a company already. Restore into a new one, with another ROKUON_DATA_DIR.")


def restore(dsn: str, dump: Path) -> None:
    """All of the dump or nothing of it. Raises ConfigError with what pg_restore said."""
    parts: dict[str, str] = {key: str(value) for key, value in conninfo.conninfo_to_dict(dsn).items()}
    # Not on the command line, where every user of the machine could read it.
    secret = {"PGPASSWORD": parts.pop("password")} if "password" in parts else {}
    options = ["--clean", "--if-exists", "--no-owner", "--no-privileges", "--no-comments", "--single-transaction", "--exit-on-error"]
    done = subprocess.run(
        [str(pg_programs.program("pg_restore")), *options, f"--dbname={conninfo.make_conninfo('', **parts)}", str(dump)],
        env={"PATH": os.defpath, "LC_ALL": "C", **secret},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ConfigError(f"The dump was not restored and nothing was changed: {' '.join(done.stderr.split())[:500]}")


if __name__ == "__main__":
    sys.exit(main())
