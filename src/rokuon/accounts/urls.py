"""URLs of sign-in and of one's own account. allauth requires these names."""

from django.urls import path

from .views import confirm, link, oidc, password, second_factor, sessions, sign_in, sign_ins, time_zone

urlpatterns = [
    path("sign-in/", sign_in.sign_in, name="account_login"),
    path("sign-in/closed/", sign_in.closed, name="account_signup"),
    path("sign-in/disabled/", sign_in.inactive, name="account_inactive"),
    path("sign-out/", sign_in.sign_out, name="account_logout"),
    path("link/<str:token>/", link.link, name="account_link"),
    path("sign-in/with/", oidc.start, name="account_oidc"),
    path("sign-in/with/back/", oidc.callback, name="account_oidc_callback"),
    path("sign-in/code/", second_factor.code, name="mfa_authenticate"),
    path("account/second-factor/", second_factor.index, name="mfa_index"),
    path("account/second-factor/set-up/", second_factor.set_up, name="mfa_activate_totp"),
    path("account/second-factor/remove/", second_factor.remove, name="mfa_deactivate_totp"),
    path("account/second-factor/recovery-codes/", second_factor.recovery, name="mfa_view_recovery_codes"),
    path("account/sessions/", sessions.overview, name="account_sessions"),
    path("account/sign-ins/", sign_ins.own, name="account_sign_ins"),
    path("account/sessions/end/", sessions.end, name="account_end_session"),
    path("account/time-zone/", time_zone.time_zone, name="account_time_zone"),
    path("account/confirm/", confirm.confirm, name="account_reauthenticate"),
    path("account/password/", password.password, name="account_set_password"),
]
