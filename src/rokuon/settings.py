"""Django's settings, all derived from the environment through Config. Importing this opens no file but the master key."""

from secrets import token_urlsafe

from rokuon.accounts import settings as sign_in
from rokuon.base.i18n import LOCALE_DIR
from rokuon.base.secrets import Vault
from rokuon.config import Config
from rokuon.domain.failures import ConfigError
from rokuon.runtime.django_start import django_database
from rokuon.runtime.installation import database_url
from rokuon.runtime.web_settings import web_settings


def _signing_keys(config: Config) -> list[str]:
    try:
        return Vault.load(config.master_key_file).derive("django secret key")
    except ConfigError:
        # Before `rokuon init`, in tests and tools: signatures last as long as the process. Other code requires the key at start.
        return [token_urlsafe(48)]


_config = Config.load()

DEBUG = False
SECRET_KEY, *SECRET_KEY_FALLBACKS = _signing_keys(_config)
# ALLOWED_HOSTS, cookies, sizes, STATIC_URL, EMAIL_...: settings that depend on how the console is reached.
globals().update(web_settings(_config))
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "procrastinate.contrib.django",
    *sign_in.APPS,
    "js_lib_bootstrap5",
    "django_htmx",
    "rokuon.org",
    "rokuon.ledger",
    "rokuon.accounts",
    "rokuon.events",
    "rokuon.notify",
    "rokuon.custody",
    "rokuon.console",
]
MIDDLEWARE = [
    "rokuon.console.web.middleware.RequestMiddleware",
    "rokuon.console.web.static_files.StaticFiles",
    "rokuon.accounts.sessions.ActivityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "rokuon.console.web.page_context.LanguageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
ROOT_URLCONF = "rokuon.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "rokuon.console.web.page_context.context",
            ],
            "builtins": [
                "django.templatetags.i18n",
                "django.templatetags.static",
                "rokuon.console.templatetags.rokuon",
                "rokuon.console.templatetags.stacked",
            ],
        },
    }
]
WSGI_APPLICATION = "rokuon.wsgi.application"

# AUTH_..., ACCOUNT_..., MFA_..., SESSION_...: the settings of sign-in.
globals().update(sign_in.sign_in_settings(_config))
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

DATABASES = {"default": django_database(database_url(_config))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGE_CODE = _config.language
LANGUAGES = [("en", "English"), ("ja", "日本語")]
LOCALE_PATHS = [LOCALE_DIR]
# rokuon.base.logs sets up logging; Django adds nothing of its own.
LOGGING_CONFIG = None
