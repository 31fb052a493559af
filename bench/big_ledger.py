"""A ledger of a million recordings, made in the database itself in about a minute, to time the console's pages on.

python -m bench.big_ledger --data FOLDER [--rows 1000000]

`fill` works on any migrated database; the command makes an installation in FOLDER (or finds the one it made) and fills that. The
rows look like a company of six offices in four zones and sixty targets over two years: calls at business hours, forty agents to a target
out of eight hundred and one who is rare, most copies verified, a few of every other state with real reasons, odd names. The other parties
have two hundred thousand numbers, and one that has every fiftieth call (`OFTEN`). A neighbour
company holds a twentieth as much, so that a query which forgets to ask for its company shows. The same arguments make the same rows, up
to the time of day at which it is run.
"""

import argparse
import hashlib
import os
import sys
import time
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

DAYS = 730
OFFICES = [
    ("東京本社", "Asia/Tokyo"),
    ("大阪オフィス", "Asia/Tokyo"),
    ("福岡オフィス", "Asia/Tokyo"),
    ("San Francisco", "America/Los_Angeles"),
    ("New York", "America/New_York"),
    ("London", "Europe/London"),
]
NAMES = [
    "受付センター",
    "サポート",
    "営業",
    "Sales & Success",
    "Billing",
    "السلام عليكم",
    "VIP",
    "緊急対応🚨",
    "<b>Onboarding</b>",
    "夜間窓口",
]
NAMES_OF_AGENTS = [
    "山田 太郎",
    "佐藤 花子",
    "Ann O'Hara",
    "José Núñez",
    "محمد علي",
    "鈴木 一郎",
    "Zoë 🎧",
    "高橋 美咲",
    "Bob <script>",
    "田中 実",
]
AGENTS = [f"{name} {number}" for number in range(1, 81) for name in NAMES_OF_AGENTS]
RARE_AGENT = "希少 ラーラ"
OFTEN = hashlib.md5(b"often", usedforsecurity=False).hexdigest()

_RECORDINGS = """
    WITH targets AS (
        SELECT t.id, COALESCE(NULLIF(t.timezone, ''), o.timezone) AS zone, row_number() OVER (ORDER BY t.id) - 1 AS place,
               count(*) OVER () AS targets
          FROM org_target t JOIN org_office o ON o.id = t.office_id WHERE t.company_id = %(company)s),
    calls AS (
        SELECT i, ((power(random(), 1.7) * %(targets)s)::int) %% %(targets)s AS place, random() AS age, random() AS hour,
               random() AS luck, random() AS length, random() AS voice
          FROM generate_series(1, %(rows)s) AS i),
    dated AS (
        SELECT c.i, t.id AS target, t.zone, c.luck, c.length, c.voice, c.age,
               (((%(now)s::timestamptz AT TIME ZONE t.zone)::date - (c.age * %(days)s)::int
                      + make_interval(mins => 480 + (c.hour * 660)::int, secs => c.i %% 60)) AT TIME ZONE t.zone) AS started
          FROM calls c JOIN targets t ON t.place = c.place)
    SELECT i, target, zone, luck, age, (3000 + length * length * 900000)::bigint AS ms, voice,
           LEAST(started, %(now)s::timestamptz - make_interval(secs => i %% 7200)) AS started
      FROM dated
"""

_ENTER = [
    "CREATE TEMP TABLE made ON COMMIT DROP AS " + _RECORDINGS,
    """INSERT INTO ledger_recording (company_id, kind, recording_id, call_id, call_started_at, duration_ms, url)
       SELECT %(company)s, CASE WHEN voice < 0.03 THEN 'voicemail' ELSE 'callrecording' END, (%(first)s + i)::text,
              (%(first)s + i + 500000000)::text, started, ms, 'https://dialpad.example/r/' || i FROM made""",
    """INSERT INTO ledger_otherparty (recording_id, company_id, detail, direction, number_hash, ending, number, name)
       SELECT r.id, %(company)s, 'masked', CASE WHEN m.i %% 3 = 0 THEN 'outbound' ELSE 'inbound' END,
              md5(CASE WHEN m.i %% 50 = 0 THEN 'often' ELSE (m.i %% 200000)::text END), lpad((m.i %% 10000)::text, 4, '0'), '', ''
         FROM made m JOIN ledger_recording r ON r.company_id = %(company)s AND r.recording_id = (%(first)s + m.i)::text
                                            AND r.kind = CASE WHEN m.voice < 0.03 THEN 'voicemail' ELSE 'callrecording' END""",
    """INSERT INTO ledger_call (target_id, call_id, started_at, was_recorded, recordings)
       SELECT target, (%(first)s + i + 500000000)::text, started, true, CASE WHEN i %% 5000 = 0 THEN 0 ELSE 1 END FROM made""",
    """INSERT INTO ledger_copy (company_id, recording_id, target_id, bucket_id, call_started_at, key, agent, state, attempt, due_at, reason,
                                detail, tries, negatives, size, sha256, crc32c, version, proof, audio_ms, created_at, changed_at)
       SELECT %(company)s, r.id, m.target, %(bucket)s, m.started,
              'call-recordings/' || m.target || '/' || to_char(m.started AT TIME ZONE m.zone, 'YYYY-MM-DD') || '/' || a.name || ' - '
                  || r.call_id || ' - ' || r.recording_id || '.mp3',
              a.name, s.state, 1, CASE WHEN s.state = 'pending' THEN m.started + interval '1 day' END, s.reason, '',
              CASE WHEN s.reason = '' THEN 0 ELSE 3 END, 0,
              CASE WHEN s.state = 'verified' THEN m.ms * 2 END,
              CASE WHEN s.state = 'verified' THEN md5(m.i::text) || md5(r.call_id) ELSE '' END,
              CASE WHEN s.state = 'verified' THEN m.i END, '1', CASE WHEN s.state = 'verified' THEN 'length' ELSE '' END,
              CASE WHEN s.state = 'verified' THEN m.ms END, m.started + interval '5 min', m.started + interval '9 min'
         FROM made m
         JOIN ledger_recording r ON r.company_id = %(company)s AND r.recording_id = (%(first)s + m.i)::text
                                AND r.kind = CASE WHEN m.voice < 0.03 THEN 'voicemail' ELSE 'callrecording' END,
              LATERAL (SELECT CASE WHEN m.i %% 300007 = 0 THEN %(rare)s
                                   ELSE (%(agents)s::text[])[1 + (m.target * 13 + m.i %% 40) %% array_length(%(agents)s::text[], 1)]
                               END AS name) a,
              LATERAL (SELECT CASE WHEN m.age < 0.02 AND m.luck > 0.75 THEN 'pending' WHEN m.luck < 0.980 THEN 'verified'
                                   WHEN m.luck < 0.985 THEN 'failed' WHEN m.luck < 0.990 THEN 'gone' ELSE 'excluded' END AS state) f,
              LATERAL (SELECT f.state, CASE f.state
                           WHEN 'failed' THEN (ARRAY['recording_not_audio', 'recording_forbidden', 'recording_truncated',
                                                     'object_occupied'])[1 + m.i %% 4]
                           WHEN 'gone' THEN 'recording_gone' WHEN 'excluded' THEN 'rule_disabled'
                           WHEN 'pending' THEN (ARRAY['', 'recording_not_ready'])[1 + m.i %% 2] ELSE '' END AS reason) s""",
    """INSERT INTO ledger_coverage (target_id, day, fingerprint, listed_at, sealed)
       SELECT t.id, d::date, 'bench', d + interval '40 days', d < %(now)s::timestamptz - interval '36 days'
         FROM org_target t, generate_series(date_trunc('day', %(now)s::timestamptz - make_interval(days => %(days)s)),
                                            %(now)s::timestamptz - interval '1 day', interval '1 day') AS d
        WHERE t.company_id = %(company)s AND (t.id + EXTRACT(doy FROM d)::int) %% 53 <> 0""",
]


def fill(rows: int = 1_000_000, *, targets: int = 60, days: int = DAYS) -> int:
    """Insert the company, its neighbour and their rows; return the company's id."""
    from django.db import connection

    from rokuon.ledger import tally

    company = _company("Big", targets)
    neighbour = _company("Neighbour", max(1, targets // 10))
    _enter(company, rows, days, first=1_000_000_000)
    _enter(neighbour, rows // 20, days, first=3_000_000_000)
    tally.fold(timedelta(0))  # as the tick does; otherwise every count would read the rows of one great change
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return company


def _company(name: str, targets: int) -> int:
    from rokuon.domain import placement
    from rokuon.org import services
    from rokuon.org.models import Company, Office, Target

    company = services.create_company(name, f"https://{name.lower()}.dialpad.example", name)
    services.change(company, services.choice(company, services.register_bucket(company, f"memory://{name.lower()}")))
    Company.objects.filter(pk=company.pk).update(enabled=True)
    offices = [
        Office.objects.create(company=company, dialpad_id=str(number), name=office, timezone=zone)
        for number, (office, zone) in enumerate(OFFICES, 1)
    ]
    for number in range(targets):
        label = f"{NAMES[number % len(NAMES)]} {number // len(NAMES) + 1}"
        folder = placement.folder_name(label)
        Target.objects.create(
            company=company,
            office=offices[number % len(offices)],
            kind=Target.Kind.COACHING_TEAM if number % 10 == 9 else Target.Kind.CONTACT_CENTER,
            dialpad_id=str(100 + number),
            name=label,
            backed_up=True,
            folder=folder,
            folder_key=placement.folder_key(folder),
        )
    return company.pk


def _enter(company: int, rows: int, days: int, *, first: int) -> None:
    from django.db import connection, transaction
    from django.utils import timezone

    from rokuon.org.models import Bucket, Target

    values = {
        "company": company,
        "bucket": Bucket.objects.get(company_id=company).pk,
        "targets": Target.objects.filter(company_id=company).count(),
        "rows": rows,
        "days": days,
        "first": first,
        "now": timezone.now(),
        "agents": AGENTS,
        "rare": RARE_AGENT,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SELECT setseed(0.42)")
        for statement in _ENTER:
            cursor.execute(statement, values)
            cursor.execute("ANALYZE ledger_recording")


def installed(folder: Path, stack: ExitStack) -> Any:
    """Return the installation in `folder`, created if missing, migrated and open until the stack ends. Call it before importing Django."""
    from .rokuon_side import Rokuon

    return Rokuon(folder, stack)


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.big_ledger", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the installation")
    parser.add_argument("--rows", type=int, default=1_000_000, help="how many recordings (default: a million)")
    options = parser.parse_args()
    with ExitStack() as stack:
        installed(options.data.resolve(), stack)
        began = time.monotonic()
        company = fill(options.rows)
        print(f"company {company}, {options.rows:,} recordings in {time.monotonic() - began:.0f} s; ROKUON_DATA_DIR={options.data}")
    return 0


if __name__ == "__main__":
    os.environ.setdefault("ROKUON_LOG_LEVEL", "warning")
    sys.exit(main())
