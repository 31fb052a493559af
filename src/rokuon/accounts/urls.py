"""The addresses of sign-in and of one's own account. The names are those that allauth looks for."""

from django.urls import path

from .views import confirm, link, password, sign_in

urlpatterns = [
    path("sign-in/", sign_in.sign_in, name="account_login"),
    path("sign-in/closed/", sign_in.closed, name="account_signup"),
    path("sign-in/disabled/", sign_in.inactive, name="account_inactive"),
    path("sign-out/", sign_in.sign_out, name="account_logout"),
    path("link/<str:token>/", link.link, name="account_link"),
    path("account/confirm/", confirm.confirm, name="account_reauthenticate"),
    path("account/password/", password.password, name="account_set_password"),
]
