"""Every address of the console. A view without a guard is refused when the addresses are read."""

from collections.abc import Callable

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponseBase
from django.urls import URLPattern, path

from .views import backup_now, company_new, home, runs, set_up

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
    guarded("companies/new/", company_new.company_new, "company_new"),
    guarded(COMPANY, home.overview, "overview"),
    guarded(COMPANY + "recordings/", home.to_come, "recordings"),
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
    guarded(COMPANY + "set-up/", set_up.set_up, "set_up"),
    guarded(COMPANY + "set-up/key/", set_up.replace_key, "set_up-key"),
    guarded(COMPANY + "set-up/check/", set_up.check_key, "set_up-check"),
    guarded(COMPANY + "set-up/sync/", set_up.sync, "set_up-sync"),
    guarded(COMPANY + "people/", home.people_to_come, "people"),
    guarded(COMPANY + "audit/", home.audit_to_come, "audit"),
]
