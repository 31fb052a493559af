"""Django's settings, all derived from the environment through Config. Importing this opens no file but the master key."""

from secrets import token_urlsafe

from rokuon.config import Config
from rokuon.domain.failures import ConfigError
from rokuon.ops.django_start import django_database
from rokuon.ops.i18n import LOCALE_DIR
from rokuon.ops.installation import database_url
from rokuon.ops.secrets import Vault


def _signing_keys(config: Config) -> list[str]:
    try:
        return Vault.load(config.master_key_file).derive("django secret key")
    except ConfigError:
        # Before `rokuon init`, in tests and tools: signatures last as long as the process. Starts refuse a missing key elsewhere.
        return [token_urlsafe(48)]


_config = Config.load()

DEBUG = False
SECRET_KEY, *SECRET_KEY_FALLBACKS = _signing_keys(_config)
ALLOWED_HOSTS: list[str] = []
INSTALLED_APPS = ["procrastinate.contrib.django", "rokuon.org", "rokuon.ledger"]
DATABASES = {"default": django_database(database_url(_config))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGE_CODE = _config.language
LANGUAGES = [("en", "English"), ("ja", "日本語")]
LOCALE_PATHS = [LOCALE_DIR]
# rokuon.ops.logs sets logging up; Django adds nothing of its own.
LOGGING_CONFIG = None
