"""Restores a dump of the database into a new installation: after a lost disk, a damaged database, or a move to another machine.

    python tools/restore.py DUMP        into the installation that ROKUON_DATA_DIR (and ROKUON_DATABASE_URL) name

The installation must be new: `rokuon init` has made it and no company was added. Put the old master key into its place first; without
it the stored credentials cannot be read. Run `rokuon migrate` afterwards.

What a dump would bring back to life ends in the same transaction: sessions, links, throttles, mails that waited. What only people can do
again is said.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from psycopg import conninfo, sql

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from rokuon.config import Config
from rokuon.domain.failures import ConfigError
from rokuon.runtime import cluster, dumps, pg_programs
from rokuon.runtime.installation import open_installation
from rokuon.runtime.mail import SET_ASIDE

ENDED = ("accounts_session", "accounts_link", "accounts_throttle", "accounts_handedout")
"""Tables of a dump whose rows let a person sign in, or record what a person was given, until they end. They may have ended since then."""

AGAIN = """What happened after {at} is not in the dump. Do again what was done since then:

  - disable the people who were disabled, and remove the roles that were removed: `rokuon people list` shows who can sign in now,
    `rokuon people disable ADDRESS` ends it. Until then they can sign in again.
  - change the passwords that were changed, above all those that someone else knew: the old ones work again.
  - set the second factor up again where it was changed, and make new recovery codes: those that were used since then work once more.
  - enter API keys and bucket credentials that were replaced, and settings, rules and recipients of notices that were changed.
  - close the failures that were closed.

Everybody has to sign in again, and links that were sent no longer work: send invitations again, and make a sign-in link with
`rokuon admin-link`. What the audit log said since then is in no dump: keep the old database where you still have it.
Next: rokuon migrate, then rokuon doctor."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("dump", type=Path, help="a file such as rokuon-20260401T020000Z.dump")
    dump: Path = parser.parse_args(arguments).dump
    try:
        if not dump.is_file():
            raise ConfigError(f"There is no dump {dump}.")
        with open_installation(Config.load()) as installation:
            refuse_used(installation.database_url)
            restore(installation.database_url, dump, now=datetime.now(UTC))
            people, mails = able_to_sign_in(installation.database_url), set_aside(installation.database_url)
    except ConfigError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    print(f"The dump was restored. Every session, link and throttle in it is ended. {people} people can sign in.\n")
    if mails:
        waited = "1 mail" if mails == 1 else f"{mails} mails"
        print(f"{waited} waited in it. What was sent since is not known, so none is sent again: `rokuon notices` names what waited.\n")
    print(AGAIN.format(at=moment(dump)))
    return 0


def moment(dump: Path) -> str:
    """Return when the dump was made, according to its name; otherwise words in place of the time."""
    made = dumps.made_at(dump)
    return f"{made:%Y-%m-%d %H:%M} UTC" if made.year > 1 else "the dump was made"


def refuse_used(dsn: str) -> None:
    """Raise ConfigError if the database contains a company: restoring would destroy its data."""
    with psycopg.connect(dsn) as connection:
        made = connection.execute("SELECT to_regclass('org_company') IS NOT NULL").fetchone()
        if made and made[0] and connection.execute("SELECT 1 FROM org_company LIMIT 1").fetchone():
            raise ConfigError("This installation holds a company already. Restore into a new one, with another ROKUON_DATA_DIR.")


def able_to_sign_in(dsn: str) -> int:
    with psycopg.connect(dsn) as connection:
        found = connection.execute("SELECT count(*) FROM accounts_person WHERE is_active").fetchone()
        return int(found[0]) if found else 0


def set_aside(dsn: str) -> int:
    """Return how many mails waited in the dump and are not sent."""
    with psycopg.connect(dsn) as connection:
        made = connection.execute("SELECT to_regclass('notify_mail') IS NOT NULL").fetchone()
        if not (made and made[0]):
            return 0
        found = connection.execute("SELECT count(*) FROM notify_mail WHERE error = %s", [str(SET_ASIDE)]).fetchone()
        return int(found[0]) if found else 0


def restore(dsn: str, dump: Path, *, now: datetime) -> None:
    """Restore the whole dump or nothing. The same transaction ends what the dump would make valid again, and adds an entry to the audit
    log. Raises ConfigError with the output of the programs.

    pg_restore writes the statements and psql executes them; the transaction commits only if pg_restore succeeded.
    """
    parts: dict[str, str] = {key: str(value) for key, value in conninfo.conninfo_to_dict(dsn).items()}
    # Not on the command line, because every user of the machine could read it there.
    secret = {"PGPASSWORD": parts.pop("password")} if "password" in parts else {}
    environment = {"PATH": os.defpath, "LC_ALL": "C", **secret}
    into = [str(pg_programs.program("psql")), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", conninfo.make_conninfo("", **parts)]
    options = ["--clean", "--if-exists", "--no-owner", "--no-privileges", "--no-comments", "--exit-on-error", "--file=-"]
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(
            into,
            env=environment,
            pass_fds=cluster.descriptors(),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=said,
        ) as psql,
    ):
        assert psql.stdin is not None
        psql.stdin.write(b"BEGIN;\n")
        psql.stdin.flush()
        written = subprocess.run(
            [str(pg_programs.program("pg_restore")), *options, str(dump)],
            env=environment,
            pass_fds=cluster.descriptors(),
            stdin=subprocess.DEVNULL,
            stdout=psql.stdin,
            stderr=said,
            check=False,
        )
        with contextlib.suppress(BrokenPipeError):  # psql has ended; its output says why
            if written.returncode == 0:
                psql.stdin.write(f"\n{ending(dump, now)}\nCOMMIT;\n".encode())
            psql.stdin.close()
        psql.wait()
        said.seek(0)
        if psql.returncode != 0 or written.returncode != 0:
            why = " ".join(said.read(2000).decode(errors="replace").split())[:500]
            raise ConfigError(f"The dump was not restored and nothing was changed: {why}")


def ending(dump: Path, now: datetime) -> str:
    """Return the statements that end what is in the dump, only for tables that exist: a dump of an older version does not have all."""
    noted = sql.SQL(
        "INSERT INTO public.accounts_auditentry (at, actor, action, subject_kind, subject_id, subject, before, after, address) "
        "VALUES ({at}, 'command line', 'installation.restore', '', '', {name}, '{{}}', jsonb_build_object('dump', {made}::text), '');"
    ).format(at=sql.Literal(now), name=sql.Literal(dump.name), made=sql.Literal(moment(dump)))
    # A dump does not know whether a waiting mail was sent since then. Sending it twice is worse than a line that reports it.
    kept = sql.SQL("UPDATE public.notify_mail SET due_at = NULL, refused_at = {at}, error = {why} WHERE due_at IS NOT NULL;").format(
        at=sql.Literal(now), why=sql.Literal(str(SET_ASIDE))
    )
    emptied = [sql.SQL("DELETE FROM {table};").format(table=sql.Identifier("public", table)) for table in ENDED]
    tables = [f"public.{table}" for table in ENDED]
    guarded = [
        sql.SQL("IF to_regclass({table}) IS NOT NULL THEN {statement} END IF;").format(table=sql.Literal(table), statement=statement)
        for table, statement in [*zip(tables, emptied, strict=True), ("public.accounts_auditentry", noted), ("public.notify_mail", kept)]
    ]
    body = sql.SQL("BEGIN {all} END").format(all=sql.SQL(" ").join(guarded)).as_string(None)
    return sql.SQL("DO {body};").format(body=sql.Literal(body)).as_string(None)


if __name__ == "__main__":
    sys.exit(main())
