"""URLs of the web server: the console at the root, and sign-in."""

from django.urls import include, path

urlpatterns = [
    path("", include("rokuon.accounts.urls")),
    path("", include("rokuon.console.urls")),
]

handler400 = "rokuon.console.web.error_pages.bad_request"
handler403 = "rokuon.console.web.error_pages.forbidden"
handler404 = "rokuon.console.web.error_pages.not_found"
handler500 = "rokuon.console.web.error_pages.server_error"
