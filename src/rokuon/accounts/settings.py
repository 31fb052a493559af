"""Django and allauth settings for sign-in. Nothing here opens a file or a connection."""

from typing import Any
from urllib.parse import urlsplit

from rokuon.config import Config

SESSION_HOURS = 12

APPS = [
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.mfa",
]

SIGN_IN: dict[str, Any] = {
    "AUTH_USER_MODEL": "accounts.Person",
    "AUTHENTICATION_BACKENDS": ["allauth.account.auth_backends.AuthenticationBackend"],
    "PASSWORD_HASHERS": ["rokuon.accounts.passwords.Argon2"],
    "AUTH_PASSWORD_VALIDATORS": [
        {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
        {"NAME": "rokuon.accounts.passwords.NotTooLong"},
        {"NAME": "rokuon.accounts.passwords.NotCommon"},
        {
            "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
            "OPTIONS": {"user_attributes": ("email", "name")},
        },
    ],
    "LOGIN_URL": "/sign-in/",
    "LOGIN_REDIRECT_URL": "/",
    "LOGOUT_REDIRECT_URL": "/sign-in/",
    "SESSION_ENGINE": "rokuon.accounts.sessions",
    "SESSION_COOKIE_AGE": SESSION_HOURS * 3600,
    "ACCOUNT_ADAPTER": "rokuon.accounts.adapter.Accounts",
    "ACCOUNT_LOGIN_METHODS": {"email"},
    "ACCOUNT_SIGNUP_FIELDS": ["email*", "password1*"],
    "ACCOUNT_USER_MODEL_USERNAME_FIELD": None,
    "ACCOUNT_EMAIL_VERIFICATION": "none",
    "ACCOUNT_SESSION_REMEMBER": True,
    "ACCOUNT_FORMS": {"login": "rokuon.accounts.forms.SignInForm"},
    # `throttle` counts in the database: allauth would count in a cache, which several processes do not share.
    "ACCOUNT_RATE_LIMITS": False,
    "SOCIALACCOUNT_ADAPTER": "rokuon.accounts.oidc.InvitedPeopleAdapter",
    "SOCIALACCOUNT_STORE_TOKENS": False,
    "SOCIALACCOUNT_REQUESTS_TIMEOUT": 5,
    "MFA_ADAPTER": "rokuon.accounts.second_factor.Codes",
    "MFA_FORMS": {
        "authenticate": "rokuon.accounts.second_factor.CodeForm",
        "activate_totp": "rokuon.accounts.second_factor.SetUpForm",
    },
    # Telephone clocks are up to half a minute off. `second_factor.spend` ensures that a code is still accepted only once.
    "MFA_TOTP_TOLERANCE": 1,
    "MFA_ALLOW_UNVERIFIED_EMAIL": True,
}


def sign_in_settings(config: Config) -> dict[str, Any]:
    """Return all of the above, plus the identity provider from the environment."""
    return {**SIGN_IN, "SOCIALACCOUNT_PROVIDERS": _providers(config)}


def _providers(config: Config) -> dict[str, Any]:
    if not config.oidc_issuer:
        return {}
    app = {
        "provider_id": "oidc",
        "name": urlsplit(config.oidc_issuer).hostname,
        "client_id": config.oidc_client_id,
        "secret": config.oidc_client_secret.get_secret_value() if config.oidc_client_secret else "",
        "settings": {
            "server_url": config.oidc_issuer,
            "uid_field": "uid",
            "oauth_pkce_enabled": True,
            "scope": ["openid", "email", "profile"],
        },
    }
    return {"openid_connect": {"APPS": [app]}}
