"""Django settings that depend on how the console is reached: hosts, cookies, request sizes, static files, mail."""

from typing import Any

from rokuon.config import Config

MOST_BODY_BYTES = 1 << 20
"""Forms and key files are small; recordings never come in through the console."""

MOST_FIELDS = 20_000
"""Enough for a form with every contact center of a large company selected."""

STATIC_URL = "/static/"
MAIL_WITHIN_S = 15


def web_settings(config: Config) -> dict[str, Any]:
    """Return Django's settings, plus ROKUON_PUBLIC_URL and ROKUON_TRUSTED_PROXIES for `console.web.middleware`, ROKUON_TIME_ZONE for
    `console.web.guards`, and ROKUON_METRICS_TOKEN for `console.metrics`."""
    public = config.public
    # Browsers send a cookie to every port of a host, so installations on one machine need cookies of different names.
    cookie = f"{'__Host-' if public.secure else ''}rokuon" + (f"-{public.port}" if public.loopback else "")
    shared = {"SECURE": public.secure, "HTTPONLY": True, "SAMESITE": "Lax", "PATH": "/", "DOMAIN": None}
    return {
        "ROKUON_PUBLIC_URL": public,
        "ROKUON_TRUSTED_PROXIES": config.trusted_proxies,
        "ROKUON_TIME_ZONE": config.time_zone,
        "ROKUON_METRICS_TOKEN": config.metrics_token,
        "ALLOWED_HOSTS": list(public.hosts),
        "CSRF_TRUSTED_ORIGINS": [public.origin_of(host) for host in public.hosts],
        "CSRF_FAILURE_VIEW": "rokuon.console.web.error_pages.csrf_failure",
        "SESSION_COOKIE_NAME": cookie,
        "CSRF_COOKIE_NAME": f"{cookie}-form",
        "LANGUAGE_COOKIE_NAME": "rokuon_language",
        **{f"{kind}_COOKIE_{name}": value for kind in ("SESSION", "CSRF") for name, value in shared.items()},
        "DATA_UPLOAD_MAX_MEMORY_SIZE": MOST_BODY_BYTES,
        "DATA_UPLOAD_MAX_NUMBER_FIELDS": MOST_FIELDS,
        "DATA_UPLOAD_MAX_NUMBER_FILES": 5,
        # An uploaded key file is never written to the disk unencrypted.
        "FILE_UPLOAD_HANDLERS": ["django.core.files.uploadhandler.MemoryFileUploadHandler"],
        "FILE_UPLOAD_MAX_MEMORY_SIZE": MOST_BODY_BYTES,
        "STATIC_URL": STATIC_URL,
        "STORAGES": {
            "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
            "staticfiles": {"BACKEND": "rokuon.console.web.static_files.VersionedFiles"},
        },
        "WHITENOISE_USE_FINDERS": True,
        "WHITENOISE_AUTOREFRESH": False,
        "WHITENOISE_ALLOW_ALL_ORIGINS": False,
        **_mail(config),
    }


def _mail(config: Config) -> dict[str, Any]:
    server = config.smtp
    if server is None:
        return {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": server.host,
        "EMAIL_PORT": server.port,
        "EMAIL_HOST_USER": server.user,
        "EMAIL_HOST_PASSWORD": server.password.reveal(),
        "EMAIL_USE_TLS": server.tls == "starttls",
        "EMAIL_USE_SSL": server.tls == "tls",
        "EMAIL_TIMEOUT": MAIL_WITHIN_S,
        "DEFAULT_FROM_EMAIL": config.sender,
        "SERVER_EMAIL": config.sender,
    }
