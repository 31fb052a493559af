"""URL patterns of the console. Loading them fails if a view has no guard."""

from collections.abc import Callable

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponseBase
from django.urls import URLPattern, path, register_converter

from rokuon.domain.row_ids import row_id

from .audit import sign_in_views
from .audit import views as audit
from .buckets import check_views, findings_views, list_views, restart_views
from .buckets import views as buckets
from .certificate import views as certificate
from .entrance import views as entrance
from .failures import cause_views, kept_aside_views, retried_views, unnamed_views, unread_views
from .failures import views as failures
from .notifications import views as notices
from .overview import outside_views, years_views
from .overview import views as overview
from .people import views as people
from .recordings import download_views, playback_views, search_views
from .recordings import views as recordings
from .rules import views as rules
from .runs import curve_views, start_views
from .runs import views as runs
from .settings import views as settings
from .setup import company_views
from .setup import views as set_up
from .system import views as system
from .web import home_view, shortcut_views, webhook_view

app_name = "console"


class RowConverter:
    """The id of a row. Any other text in its place gives a 404."""

    regex = "[0-9]{1,19}"

    def to_python(self, value: str) -> int:
        found = row_id(value)
        if found is None:
            raise ValueError(value)
        return found

    def to_url(self, value: int) -> str:
        return str(value)


register_converter(RowConverter, "row")


def guarded(route: str, view: Callable[..., HttpResponseBase], name: str) -> URLPattern:
    if not hasattr(view, "guard"):
        raise ImproperlyConfigured(f"the view {name} stands behind no guard (console.web.guards)")
    return path(route, view, name=name)


COMPANY = "c/<str:company>/"

urlpatterns = [
    guarded("", home_view.home, "home"),
    guarded("language/", home_view.language, "language"),
    guarded("theme/", home_view.theme, "theme"),
    guarded("shortcuts/", shortcut_views.shortcuts, "shortcuts"),
    guarded("sign-in/mail/", entrance.ask, "mail_link"),
    guarded("sign-in/mail/sent/", entrance.sent, "mail_link_sent"),
    guarded("mail-link/<str:mailed>/", entrance.use, "mail_link_use"),
    guarded("installation/audit/", audit.of_installation, "installation-audit"),
    guarded("installation/sign-ins/", sign_in_views.of_installation, "installation-sign_ins"),
    guarded("companies/new/", company_views.company_new, "company_new"),
    guarded("hooks/dialpad/<str:path>", webhook_view.dialpad, "hooks-dialpad"),
    guarded(COMPANY, overview.show, "overview"),
    guarded(COMPANY + "work/", overview.work, "overview-work"),
    guarded(COMPANY + "two-years/", years_views.show, "overview-years"),
    guarded(COMPANY + "outside/", outside_views.show, "overview-outside"),
    guarded(COMPANY + "certificate/", certificate.show, "certificate"),
    guarded(COMPANY + "certificate/export/", certificate.export, "certificate-export"),
    guarded(COMPANY + "recordings/", recordings.recordings, "recordings"),
    guarded(COMPANY + "recordings/export/", download_views.export, "recordings-export"),
    guarded(COMPANY + "recordings/zip/", download_views.zip_selection, "recordings-zip"),
    guarded(COMPANY + "search/", search_views.search, "search"),
    guarded(COMPANY + "recordings/<row:copy>/", recordings.recording, "recordings-one"),
    guarded(COMPANY + "recordings/<row:copy>/play", playback_views.play, "recordings-play"),
    guarded(COMPANY + "recordings/<row:copy>/download", playback_views.download, "recordings-download"),
    guarded(COMPANY + "recordings/<row:copy>/aside/play", playback_views.play_aside, "recordings-play_aside"),
    guarded(COMPANY + "recordings/<row:copy>/aside/download", playback_views.download_aside, "recordings-download_aside"),
    guarded(COMPANY + "failures/", failures.failures, "failures"),
    guarded(COMPANY + "failures/retry/", failures.retry, "failures-retry"),
    guarded(COMPANY + "failures/close/", failures.close, "failures-close"),
    guarded(COMPANY + "failures/accept/", kept_aside_views.accept, "failures-accept"),
    guarded(COMPANY + "failures/discard/", kept_aside_views.discard, "failures-discard"),
    guarded(COMPANY + "failures/reopen/", failures.reopen, "failures-reopen"),
    guarded(COMPANY + "failures/acknowledge/", failures.acknowledge, "failures-acknowledge"),
    guarded(COMPANY + "failures/export/", failures.export, "failures-export"),
    guarded(COMPANY + "failures/retried/<row:retry>/", retried_views.retried, "failures-retried"),
    guarded(COMPANY + "failures/retried/<row:retry>/progress/", retried_views.retried_progress, "failures-retried_progress"),
    guarded(COMPANY + "failures/nothing-to-fetch/", unnamed_views.show, "failures-unnamed"),
    guarded(COMPANY + "failures/nothing-to-fetch/close/", unnamed_views.close, "failures-unnamed_close"),
    guarded(COMPANY + "failures/nothing-to-fetch/reopen/", unnamed_views.reopen, "failures-unnamed_reopen"),
    guarded(COMPANY + "failures/not-readable/close/", unread_views.close, "failures-unread_close"),
    guarded(COMPANY + "failures/not-readable/reopen/", unread_views.reopen, "failures-unread_reopen"),
    guarded(COMPANY + "failures/<slug:state>/<slug:reason>/", cause_views.cause, "failures-cause"),
    guarded(COMPANY + "rules/", rules.rules_page, "rules"),
    guarded(COMPANY + "rules/save/", rules.save, "rules-save"),
    guarded(COMPANY + "rules/preview/<str:draft>/", rules.preview, "rules-preview"),
    guarded(COMPANY + "settings/", settings.company_page, "settings"),
    guarded(COMPANY + "settings/save/", settings.save_company, "settings-save"),
    guarded(COMPANY + "settings/preview/<str:draft>/", settings.preview_company, "settings-preview"),
    guarded(COMPANY + "settings/office/<row:office>/", settings.office_page, "settings-office"),
    guarded(COMPANY + "settings/office/<row:office>/save/", settings.save_office, "settings-office-save"),
    guarded(COMPANY + "settings/office/<row:office>/preview/<str:draft>/", settings.preview_office, "settings-office-preview"),
    guarded(COMPANY + "settings/target/<row:target>/", settings.target_page, "settings-target"),
    guarded(COMPANY + "settings/target/<row:target>/save/", settings.save_target, "settings-target-save"),
    guarded(COMPANY + "settings/target/<row:target>/preview/<str:draft>/", settings.preview_target, "settings-target-preview"),
    guarded(COMPANY + "settings/buckets/", buckets.list_page, "settings-buckets"),
    guarded(COMPANY + "settings/buckets/new/", buckets.new_page, "settings-bucket_new"),
    guarded(COMPANY + "settings/buckets/check/", check_views.check_page, "settings-bucket_check"),
    guarded(COMPANY + "settings/buckets/check/try/", check_views.try_again, "settings-bucket_try"),
    guarded(COMPANY + "settings/buckets/<row:bucket>/", buckets.bucket_page, "settings-bucket"),
    guarded(COMPANY + "settings/buckets/<row:bucket>/findings/", findings_views.findings_page, "settings-bucket_findings"),
    guarded(COMPANY + "settings/buckets/<row:bucket>/findings/close/", findings_views.close, "settings-bucket_findings_close"),
    guarded(COMPANY + "settings/buckets/<row:bucket>/findings/reopen/", findings_views.reopen, "settings-bucket_findings_reopen"),
    guarded(COMPANY + "settings/buckets/<row:bucket>/verify/", buckets.verify, "settings-bucket_verify"),
    guarded(COMPANY + "settings/buckets/<row:bucket>/restart/", restart_views.restart_page, "settings-bucket_restart"),
    guarded(COMPANY + "settings/buckets/<row:bucket>/credential/", buckets.credential_page, "settings-bucket_credential"),
    guarded(COMPANY + "settings/buckets/<row:bucket>/remove/", list_views.remove_page, "settings-bucket_remove"),
    guarded(COMPANY + "settings/buckets/<row:bucket>/name/", list_views.rename, "settings-bucket_rename"),
    guarded(COMPANY + "backup-now/", start_views.backup_now, "backup_now"),
    guarded(COMPANY + "backup-now/current/", start_views.current, "backup_now-current"),
    guarded(COMPANY + "backup-now/plan/", start_views.plan, "backup_now-plan"),
    guarded(COMPANY + "backup-now/plan/<str:draft>/", start_views.planned, "backup_now-planned"),
    guarded(COMPANY + "backup-now/start/", start_views.start, "backup_now-start"),
    guarded(COMPANY + "backup-now/<row:run>/", runs.show, "backup_now-run"),
    guarded(COMPANY + "backup-now/<row:run>/progress/", runs.progress, "backup_now-progress"),
    guarded(COMPANY + "backup-now/<row:run>/throughput/", curve_views.show, "backup_now-curve"),
    guarded(COMPANY + "backup-now/<row:run>/pause/", runs.pause, "backup_now-pause"),
    guarded(COMPANY + "backup-now/<row:run>/resume/", runs.resume, "backup_now-resume"),
    guarded(COMPANY + "backup-now/<row:run>/cancel/", runs.cancel, "backup_now-cancel"),
    guarded(COMPANY + "set-up/", set_up.set_up, "set_up"),
    guarded(COMPANY + "set-up/key/", set_up.replace_key, "set_up-key"),
    guarded(COMPANY + "set-up/check/", set_up.check_key, "set_up-check"),
    guarded(COMPANY + "set-up/sync/", set_up.sync, "set_up-sync"),
    guarded(COMPANY + "people/", people.overview, "people"),
    guarded(COMPANY + "people/invite/", people.invite, "people-invite"),
    guarded(COMPANY + "people/roles/<row:membership>/", people.role, "people-role"),
    guarded(COMPANY + "people/roles/<row:membership>/remove/", people.remove, "people-remove"),
    guarded(COMPANY + "people/<row:person>/invitation/", people.invitation, "people-invitation"),
    guarded(COMPANY + "people/<row:person>/", people.person, "people-person"),
    guarded(COMPANY + "people/<row:person>/joins/<row:join>/disconnect/", people.disconnect, "people-disconnect"),
    guarded(COMPANY + "people/second-factor/", people.require_second_factor, "people-second-factor"),
    guarded(COMPANY + "people/directory-sign-in/", people.directory_sign_in, "people-directory-sign-in"),
    guarded(COMPANY + "audit/", audit.log, "audit"),
    guarded(COMPANY + "audit/sign-ins/", sign_in_views.of_company, "audit-sign_ins"),
    guarded(COMPANY + "notices/", notices.overview, "notices"),
    guarded(COMPANY + "notices/add/", notices.add, "notices-add"),
    guarded(COMPANY + "notices/recipients/<row:recipient>/remove/", notices.remove, "notices-remove"),
    guarded(COMPANY + "notices/how/", notices.preferences, "notices-settings"),
    guarded(COMPANY + "notices/test/", notices.trial, "notices-trial"),
    guarded(COMPANY + "notices/<row:notice>/acknowledge/", notices.acknowledge, "notices-acknowledge"),
    guarded(COMPANY + "notices/mails/", notices.preview, "notices-preview"),
    guarded(COMPANY + "notices/mails/one/", notices.preview_mail, "notices-preview_mail"),
    guarded(COMPANY + "system/", system.show, "system"),
]
