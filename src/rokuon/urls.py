"""The addresses of the web: the console at the root, sign-in beside it."""

from django.urls import include, path

urlpatterns = [
    path("", include("rokuon.console.urls")),
]
