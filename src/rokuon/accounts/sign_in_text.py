"""Display text of a sign-in, in the reader's language, for pages and commands."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from .sign_in_models import Factor, Result, SignIn, SignInWay

WAYS: Mapping[str, str | Promise] = {
    SignInWay.PASSWORD: gettext_lazy("password"),
    SignInWay.LINK: gettext_lazy("sign-in link of the operator"),
    SignInWay.MAIL_LINK: gettext_lazy("link by mail"),
    SignInWay.INVITATION: gettext_lazy("link of an invitation"),
    SignInWay.PROVIDER: gettext_lazy("identity provider"),
    SignInWay.CONFIRM: gettext_lazy("password, asked for once more"),
    SignInWay.OTHER: gettext_lazy("another way"),
}
FACTORS: Mapping[str, str | Promise] = {Factor.APP: gettext_lazy("code"), Factor.RECOVERY_CODE: gettext_lazy("recovery code")}
RESULTS: Mapping[str, str | Promise] = {
    Result.OK: gettext_lazy("Signed in"),
    Result.WRONG: gettext_lazy("Wrong address or password"),
    Result.WRONG_CODE: gettext_lazy("Wrong or used code"),
    Result.TOO_EARLY: gettext_lazy("Too many tries: nothing was checked"),
    Result.DISABLED: gettext_lazy("The account is disabled"),
    Result.LINK_OVER: gettext_lazy("The link was used, withdrawn or too old"),
    Result.UNVERIFIED: gettext_lazy("The identity provider has not verified the mail address"),
    Result.UNKNOWN: gettext_lazy("Nobody was invited with that account of the identity provider"),
    Result.REFUSED: gettext_lazy("The identity provider's answer was refused"),
}


@dataclass(frozen=True, slots=True)
class SignInText:
    """The texts of a sign-in. `state` is the marking of the result: verified or failed. `times` is "" for once."""

    sign_in: SignIn
    who: str
    way: str
    result: str
    state: str
    times: str


def in_words(one: SignIn) -> SignInText:
    way = str(WAYS.get(one.way, one.way))
    factor = str(FACTORS.get(one.factor, one.factor))
    return SignInText(
        one,
        one.email or _("no account"),
        _("%(way)s and %(factor)s") % {"way": way, "factor": factor} if factor else way,
        str(RESULTS.get(one.result, one.result)),
        "verified" if one.result == Result.OK else "failed",
        ngettext("%(count)d time within the hour", "%(count)d times within the hour", one.times) % {"count": one.times}
        if one.times > 1
        else "",
    )
