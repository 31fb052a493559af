"""Redirect to the identity provider, and its callback."""

from secrets import token_urlsafe

from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from requests import RequestException

from rokuon.accounts import oidc, recent_auth
from rokuon.accounts.guards import CHANGE, READ, everyone


@everyone(CHANGE)
def start(request: HttpRequest) -> HttpResponse:
    """Show a page that redirects to the provider: our pages' policy does not allow a form to lead to another site."""
    if not oidc.configured():
        raise Http404
    nonce = token_urlsafe(32)
    provider = get_adapter().get_provider(request, provider=oidc.PROVIDER)
    provider.oauth2_adapter_class = oidc.Checked
    after = recent_auth.ours(request.POST.get("next", ""))
    try:
        to = provider.redirect(request, "login", next_url=after, auth_params={"nonce": nonce}, nonce=nonce)["Location"]
    except (OAuth2Error, RequestException, KeyError, ValueError) as error:
        return oidc.away_page(request, error)
    answer = render(request, "account/oidc_go.html", {"to": to, "provider": oidc.provider_name()})
    answer["Refresh"] = f"0; url={to}"
    return answer


@everyone(READ)
def callback(request: HttpRequest) -> HttpResponseBase:
    if not oidc.configured():
        raise Http404
    view = OAuth2CallbackView.adapter_view(oidc.Checked(request, oidc.PROVIDER))
    try:
        answer: HttpResponseBase = view(request)
    except (OAuth2Error, RequestException) as error:
        return oidc.away_page(request, error)
    return answer
