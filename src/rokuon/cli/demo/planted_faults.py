"""Faults that the demo creates on purpose, for the visitor to find and fix: damaged recordings, and a bucket without its marker, as when a
disk is not mounted."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from rokuon.accounts.audit import COMMAND_LINE
from rokuon.actions import buckets, settings
from rokuon.base.i18n import _
from rokuon.cli.support import output
from rokuon.cli.support.session import CliSession
from rokuon.org import services
from rokuon.org.models import Company

TEAM_FOLDER = "team-bucket"
HTML = {"kind": "body", "text": "<!doctype html><title>Oops</title>", "content_type": "audio/mpeg"}
GONE = {"kind": "status", "status": 410}
TRUNCATED = {"kind": "truncate", "after": 1000}
ELSEWHERE = {"kind": "redirect", "to": "https://recordings.invalid/audio.mp3"}
DAMAGES: tuple[dict[str, Any], ...] = (ELSEWHERE, GONE, HTML, TRUNCATED, ELSEWHERE, HTML, GONE, ELSEWHERE)

EVERY = 17
"""Of the recordings, newest first, one in this many is damaged."""


def damage(recording_id: int, kind: dict[str, Any]) -> dict[str, Any]:
    """Return the simulator's fault for one recording."""
    return {"endpoint": "media" if kind is ELSEWHERE else "media_blob", "id": str(recording_id), "action": kind}


def damaged(truth: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return faults for a few recordings; the same ones at every start of the demo."""
    usual = [it for it in truth if it["kind"] == "callrecording" and it["available"] and it["center_id"] is not None and not it["team_id"]]
    newest = sorted(usual, key=lambda it: (-int(it["start_time"]), int(it["id"])))
    return [damage(int(it["id"]), kind) for it, kind in zip(newest[EVERY // 2 :: EVERY], DAMAGES, strict=False)]


def lose_a_marker(session: CliSession, company: Company, bucket: Path) -> None:
    """Give a coaching team its own bucket, once, and remove the marker. What a visitor fixes stays fixed."""
    folder = bucket.with_name(TEAM_FOLDER)
    team = company.targets.filter(kind="coachingteam").order_by("pk").last()
    if team is None or team.bucket_id is not None:
        return
    folder.mkdir(mode=0o700, exist_ok=True)
    url = buckets.canonical_bucket_url(session.config, folder.as_uri())
    made, verification = buckets.add_bucket(session.installation, company, url, None, COMMAND_LINE, session.now())
    if made is None:
        raise verification.failure or RuntimeError("a bucket that was verified is not registered")
    settings.change(team, services.choice(team, made), COMMAND_LINE, session.now())
    for marker in folder.rglob(".rokuon"):
        marker.unlink()
    output.say(_("The coaching team %(team)s has a bucket of its own: %(url)s") % {"team": team.name, "url": url})


def say(count: int) -> None:
    output.say(
        click.style("! ", fg="yellow")
        + _(
            "Wrong on purpose: the marker of that bucket is gone, as when a disk is not mounted, and %(count)d recordings are damaged or "
            "gone at Dialpad. The console says so, and what to do."
        )
        % {"count": count}
    )
