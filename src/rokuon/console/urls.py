"""Every address of the console. A view without a guard is refused when the addresses are read."""

from collections.abc import Callable

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponseBase
from django.urls import URLPattern, path

from .views import (
    audit,
    backup_now,
    bucket_checks,
    buckets,
    company_new,
    failures,
    home,
    hooks,
    notices,
    overview,
    people,
    playback,
    recordings,
    rules,
    runs,
    set_up,
    settings,
    system,
)

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
    guarded("hooks/dialpad/<str:path>", hooks.dialpad, "hooks-dialpad"),
    guarded(COMPANY, overview.show, "overview"),
    guarded(COMPANY + "work/", overview.work, "overview-work"),
    guarded(COMPANY + "recordings/", recordings.recordings, "recordings"),
    guarded(COMPANY + "recordings/<int:copy>/", recordings.recording, "recordings-one"),
    guarded(COMPANY + "recordings/<int:copy>/play", playback.play, "recordings-play"),
    guarded(COMPANY + "recordings/<int:copy>/download", playback.download, "recordings-download"),
    guarded(COMPANY + "failures/", failures.failures, "failures"),
    guarded(COMPANY + "failures/retry/", failures.retry, "failures-retry"),
    guarded(COMPANY + "failures/close/", failures.close, "failures-close"),
    guarded(COMPANY + "failures/acknowledge/", failures.acknowledge, "failures-acknowledge"),
    guarded(COMPANY + "failures/export/", failures.export, "failures-export"),
    guarded(COMPANY + "failures/retried/<int:retry>/", failures.retried, "failures-retried"),
    guarded(COMPANY + "failures/retried/<int:retry>/progress/", failures.retried_progress, "failures-retried_progress"),
    guarded(COMPANY + "failures/<slug:state>/<slug:reason>/", failures.cause, "failures-cause"),
    guarded(COMPANY + "rules/", rules.rules_page, "rules"),
    guarded(COMPANY + "rules/save/", rules.save, "rules-save"),
    guarded(COMPANY + "settings/", settings.company_page, "settings"),
    guarded(COMPANY + "settings/save/", settings.save_company, "settings-save"),
    guarded(COMPANY + "settings/office/<int:office>/", settings.office_page, "settings-office"),
    guarded(COMPANY + "settings/office/<int:office>/save/", settings.save_office, "settings-office-save"),
    guarded(COMPANY + "settings/target/<int:target>/", settings.target_page, "settings-target"),
    guarded(COMPANY + "settings/target/<int:target>/save/", settings.save_target, "settings-target-save"),
    guarded(COMPANY + "settings/buckets/", buckets.list_page, "settings-buckets"),
    guarded(COMPANY + "settings/buckets/new/", buckets.new_page, "settings-bucket_new"),
    guarded(COMPANY + "settings/buckets/check/", bucket_checks.check_page, "settings-bucket_check"),
    guarded(COMPANY + "settings/buckets/check/try/", bucket_checks.try_again, "settings-bucket_try"),
    guarded(COMPANY + "settings/buckets/<int:bucket>/", buckets.bucket_page, "settings-bucket"),
    guarded(COMPANY + "settings/buckets/<int:bucket>/verify/", buckets.verify, "settings-bucket_verify"),
    guarded(COMPANY + "settings/buckets/<int:bucket>/credential/", buckets.credential_page, "settings-bucket_credential"),
    guarded(COMPANY + "backup-now/", backup_now.backup_now, "backup_now"),
    guarded(COMPANY + "backup-now/current/", backup_now.current, "backup_now-current"),
    guarded(COMPANY + "backup-now/plan/", backup_now.plan, "backup_now-plan"),
    guarded(COMPANY + "backup-now/start/", backup_now.start, "backup_now-start"),
    guarded(COMPANY + "backup-now/<int:run>/", runs.show, "backup_now-run"),
    guarded(COMPANY + "backup-now/<int:run>/progress/", runs.progress, "backup_now-progress"),
    guarded(COMPANY + "backup-now/<int:run>/pause/", runs.pause, "backup_now-pause"),
    guarded(COMPANY + "backup-now/<int:run>/resume/", runs.resume, "backup_now-resume"),
    guarded(COMPANY + "backup-now/<int:run>/cancel/", runs.cancel, "backup_now-cancel"),
    guarded(COMPANY + "set-up/", set_up.set_up, "set_up"),
    guarded(COMPANY + "set-up/key/", set_up.replace_key, "set_up-key"),
    guarded(COMPANY + "set-up/check/", set_up.check_key, "set_up-check"),
    guarded(COMPANY + "set-up/sync/", set_up.sync, "set_up-sync"),
    guarded(COMPANY + "people/", people.overview, "people"),
    guarded(COMPANY + "people/invite/", people.invite, "people-invite"),
    guarded(COMPANY + "people/roles/<int:membership>/", people.role, "people-role"),
    guarded(COMPANY + "people/roles/<int:membership>/remove/", people.remove, "people-remove"),
    guarded(COMPANY + "people/<int:person>/invitation/", people.invitation, "people-invitation"),
    guarded(COMPANY + "people/second-factor/", people.require_second_factor, "people-second-factor"),
    guarded(COMPANY + "audit/", audit.log, "audit"),
    guarded(COMPANY + "notices/", notices.overview, "notices"),
    guarded(COMPANY + "notices/add/", notices.add, "notices-add"),
    guarded(COMPANY + "notices/recipients/<int:recipient>/remove/", notices.remove, "notices-remove"),
    guarded(COMPANY + "notices/how/", notices.rhythm, "notices-rhythm"),
    guarded(COMPANY + "notices/test/", notices.trial, "notices-trial"),
    guarded(COMPANY + "notices/<int:notice>/acknowledge/", notices.acknowledge, "notices-acknowledge"),
    guarded(COMPANY + "notices/mails/", notices.preview, "notices-preview"),
    guarded(COMPANY + "notices/mails/one/", notices.preview_mail, "notices-preview_mail"),
    guarded(COMPANY + "system/", system.show, "system"),
]
