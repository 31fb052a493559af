"""A process that uses the embedded database of a data folder, for tests about several of them.

hold    says "ready" and holds the server until a line comes in
write   inserts rows one by one, says each number once it is committed, until the database goes away
"""

import signal
import sys
from pathlib import Path

import psycopg

from rokuon.runtime import postgres


def main() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    what, data_dir = sys.argv[1], Path(sys.argv[2])
    with postgres.ensure_running(data_dir) as server:
        if what == "hold":
            print("ready", flush=True)
            sys.stdin.readline()
            return
        try:
            with psycopg.connect(server.dsn, autocommit=True) as connection:
                connection.execute("CREATE TABLE IF NOT EXISTS copies (id bigserial PRIMARY KEY, state text NOT NULL)")
                while True:
                    row = connection.execute("INSERT INTO copies (state) VALUES ('verified') RETURNING id").fetchone()
                    print(row[0], flush=True)  # type: ignore[index]
        except psycopg.OperationalError:
            pass


main()
