"""Sign-in with an identity provider (OpenID Connect, code flow with PKCE), checked more strictly than allauth does.

allauth keeps the state, sends the PKCE verifier and fetches the tokens. It has no nonce, does not check the signature and algorithm of an
ID token that came over TLS, and accepts any issuer that the discovery document names: this module checks all of that. Issuer and subject
identify an account at the provider. At its first sign-in it is connected to the invited person whose address the provider has verified.
"""

import hashlib
import logging
import ssl
import time
from typing import Any
from urllib.parse import urlsplit

import jwt
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter, get_adapter
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from requests.adapters import HTTPAdapter

from rokuon.base.addresses import is_loopback
from rokuon.domain import strict_certificates
from rokuon.domain.failures import ConfigError
from rokuon.runtime.mail_addresses import normal

from . import audit, proof, sign_ins, signals
from .models import Person
from .sign_ins import Result

log = logging.getLogger(__name__)

PROVIDER = "oidc"
ALGORITHMS = ("RS256", "PS256", "ES256", "RS384", "PS384", "ES384", "RS512", "PS512", "ES512", "EdDSA")
CLOCKS_DIFFER_S = 60
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


def configured() -> bool:
    return bool(settings.SOCIALACCOUNT_PROVIDERS)


def provider_name() -> str:
    """Return the host name of the issuer, for the button."""
    return str(settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]["name"]) if configured() else ""


class Checked(OpenIDConnectOAuth2Adapter):
    """OpenID Connect adapter that checks everything the provider sends against the configuration."""

    @property
    def openid_config(self) -> dict[str, Any]:
        try:
            config: dict[str, Any] = super().openid_config
        except AttributeError as error:
            raise OAuth2Error("the discovery is no JSON object") from error
        issuer = self.get_provider().app.settings["server_url"]
        if config.get("issuer") != issuer:
            raise OAuth2Error("the discovery names another issuer")
        for name in ENDPOINTS:
            parts = urlsplit(str(config.get(name, "")))
            if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
                raise OAuth2Error(f"{name} is not https")
        return config

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        return f"{settings.ROKUON_PUBLIC_URL.origin}{reverse('account_oidc_callback')}"

    def complete_login(self, request: HttpRequest, app: Any, token: Any, **kwargs: Any) -> Any:
        claims = self._claims(app, str(kwargs["response"].get("id_token", "")))
        # No claim that the provider sends can take the place of issuer and subject.
        claims["uid"] = hashlib.sha256(f"{claims['iss']}\0{claims['sub']}".encode()).hexdigest()
        return self.get_provider().sociallogin_from_response(request, {"id_token": claims})

    def _claims(self, app: Any, token: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in ALGORITHMS:
                raise OAuth2Error("the algorithm is not on the list")
            claims: dict[str, Any] = jwt.decode(
                token,
                key=self._key(header),
                algorithms=[header["alg"]],
                issuer=self.openid_config["issuer"],
                audience=app.client_id,
                leeway=CLOCKS_DIFFER_S,
                options={"require": ["iss", "sub", "aud", "exp", "iat"]},
            )
        except jwt.PyJWTError as error:
            raise OAuth2Error(f"the ID token is not good: {type(error).__name__}") from error
        audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        if claims.get("azp", app.client_id) != app.client_id or (len(audience) > 1 and "azp" not in claims):
            raise OAuth2Error("the ID token was made for someone else")
        if not claims["sub"] or claims["iat"] < time.time() - 600:
            raise OAuth2Error("the ID token names nobody, or is old")
        return claims

    def _key(self, header: dict[str, Any]) -> Any:
        """Return the provider's key with that id and of a type that fits the algorithm: never a shared secret."""
        with get_adapter().get_requests_session() as session:
            answer = session.get(self.openid_config["jwks_uri"], allow_redirects=False)
            answer.raise_for_status()
            keys = jwt.PyJWKSet.from_dict(answer.json()).keys
        fitting = [key for key in keys if key.key_type != "oct" and (header.get("kid") in (None, key.key_id))]
        if len(fitting) != 1:
            raise OAuth2Error("the provider has no such key")
        return fitting[0].key


def ask() -> None:
    """Check that the provider answers and matches the configuration, with the same request as a sign-in.

    Raises RequestException (no answer, or not JSON) and ConfigError (it does not match)."""
    try:
        _found = Checked(HttpRequest(), PROVIDER).openid_config
    except OAuth2Error as error:
        raise ConfigError(str(error)) from error


class _ThisMachinesTrust(HTTPAdapter):
    """Trust this machine's authorities, a company's own included, as for Dialpad and mail: the requests library knows only public ones."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, ssl_context=ssl.create_default_context(), **options)


class InvitedPeopleAdapter(DefaultSocialAccountAdapter):
    """Social account adapter: only invited people may sign in through the provider."""

    def get_requests_session(self) -> Any:
        session = super().get_requests_session()
        session.mount("https://", _ThisMachinesTrust())
        return session

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        claims = sociallogin.account.extra_data.get("id_token", {})
        nonce = sociallogin.state.get("nonce")
        if not nonce or claims.get("nonce") != nonce:
            raise _refuse(request, "nonce")
        if sociallogin.is_existing:
            self._prove(request, sociallogin, claims)
        else:
            self._join(request, sociallogin, claims)
        sign_ins.begin(request, sign_ins.SignInWay.PROVIDER)

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, exception: Any = None, extra_context: Any = None
    ) -> None:
        if strict_certificates.lacks(exception):
            raise ImmediateHttpResponse(away_page(request, exception))
        raise _refuse(request, str(exception or error))

    def _join(self, request: HttpRequest, sociallogin: Any, claims: dict[str, Any]) -> None:
        email = str(claims.get("email", ""))
        if claims.get("email_verified") is not True or not email:
            raise _refuse(request, "mail not verified", Result.UNVERIFIED, email=email)
        person = _whose(email)
        if person is None or SocialAccount.objects.filter(user_id=person.pk).exists():
            raise _refuse(request, "not invited", Result.UNKNOWN, person=person, email=email)
        now = timezone.now()
        with transaction.atomic():
            if proof.prove(audit.acting(person, request), person, Person.Proof.PROVIDER, now):
                signals.say_reset(request)
            sociallogin.connect(request, person)
            audit.record(
                audit.acting(person, request),
                "account.oidc",
                now=now,
                company_id=None,
                subject=("person", person.pk, person.email),
                after={"issuer": claims["iss"]},
            )

    def _prove(self, request: HttpRequest, sociallogin: Any, claims: dict[str, Any]) -> None:
        """Prove an account that was connected before proofs were stored. Earlier settings on it may be someone else's."""
        person = sociallogin.user
        if claims.get("email_verified") is True and _whose(str(claims.get("email", ""))) == person:
            actor = audit.acting(person, request)
            if proof.prove(actor, person, Person.Proof.PROVIDER, timezone.now(), joined=sociallogin.account.pk):
                signals.say_reset(request)


def away_page(request: HttpRequest, error: BaseException | None) -> HttpResponse:
    """Return the page that says that the provider cannot be reached, and whether the cause is one that only an operator can fix."""
    lacks = strict_certificates.lacks(error)
    log.warning("oidc_away", extra={"why": lacks or type(error).__name__})
    kind = "certificate" if lacks else "away"
    return render(request, "account/oidc_refused.html", {"kind": kind, "provider": provider_name()}, status=502)


def _whose(address: str) -> Person | None:
    """Return the active person with exactly this address. A provider makes no typing mistakes, so no correction is made."""
    try:
        return Person.objects.filter(email=normal(address), is_active=True).first()
    except ValueError:
        return None


def _refuse(
    request: HttpRequest, why: str, result: Result = Result.REFUSED, *, person: Person | None = None, email: str = ""
) -> ImmediateHttpResponse:
    log.warning("oidc_refused", extra={"why": why[:200]})
    sign_ins.refused(request, sign_ins.SignInWay.PROVIDER, result, person=person, email=email)
    kind = "" if result == Result.REFUSED else result.value
    return ImmediateHttpResponse(render(request, "account/oidc_refused.html", {"kind": kind, "provider": provider_name()}, status=403))
