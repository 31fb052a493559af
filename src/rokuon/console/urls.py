"""Every address of the console. A view without a guard is refused when the addresses are read."""

from collections.abc import Callable

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponseBase
from django.urls import URLPattern, path

from .views import backup_now, home, playback, recordings, runs

app_name = "console"


def guarded(route: str, view: Callable[..., HttpResponseBase], name: str) -> URLPattern:
    if not hasattr(view, "guard"):
        raise ImproperlyConfigured(f"the view {name} stands behind no guard (console.gate)")
    return path(route, view, name=name)


COMPANY = "c/<str:company>/"

urlpatterns = [
    guarded("", home.home, "home"),
    guarded("language/", home.language, "language"),
    guarded("theme/", home.theme, "theme"),
    guarded(COMPANY, home.overview, "overview"),
    guarded(COMPANY + "recordings/", recordings.recordings, "recordings"),
    guarded(COMPANY + "recordings/<int:copy>/", recordings.recording, "recordings-one"),
    guarded(COMPANY + "recordings/<int:copy>/play", playback.play, "recordings-play"),
    guarded(COMPANY + "recordings/<int:copy>/download", playback.download, "recordings-download"),
    guarded(COMPANY + "backup-now/", backup_now.backup_now, "backup_now"),
    guarded(COMPANY + "backup-now/current/", backup_now.current, "backup_now-current"),
    guarded(COMPANY + "backup-now/plan/", backup_now.plan, "backup_now-plan"),
    guarded(COMPANY + "backup-now/start/", backup_now.start, "backup_now-start"),
    guarded(COMPANY + "backup-now/<int:run>/", runs.show, "backup_now-run"),
    guarded(COMPANY + "backup-now/<int:run>/progress/", runs.progress, "backup_now-progress"),
    guarded(COMPANY + "backup-now/<int:run>/pause/", runs.pause, "backup_now-pause"),
    guarded(COMPANY + "backup-now/<int:run>/resume/", runs.resume, "backup_now-resume"),
    guarded(COMPANY + "backup-now/<int:run>/cancel/", runs.cancel, "backup_now-cancel"),
    guarded(COMPANY + "rules/", home.to_come, "rules"),
    guarded(COMPANY + "settings/", home.to_come, "settings"),
    guarded(COMPANY + "set-up/", home.set_up_to_come, "set_up"),
    guarded(COMPANY + "people/", home.people_to_come, "people"),
    guarded(COMPANY + "audit/", home.audit_to_come, "audit"),
]
