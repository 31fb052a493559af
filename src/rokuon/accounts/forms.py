"""Forms for signing in and for one's own account, with our texts."""

from typing import Any

from allauth.account.forms import LoginForm
from django import forms
from django.contrib.auth.password_validation import validate_password
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .addresses import as_kept
from .models import Person
from .passwords import LONGEST

CURRENT, NEW = "current-password", "new-password"


def password_field(label: Any, autocomplete: str) -> forms.CharField:
    return forms.CharField(
        label=label, strip=False, max_length=LONGEST, widget=forms.PasswordInput(attrs={"autocomplete": autocomplete, "maxlength": LONGEST})
    )


class SignInForm(LoginForm):
    """E-mail address and password. The error does not say which of the two is wrong."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"] = forms.EmailField(
            label=gettext_lazy("E-mail address"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "username"})
        )
        self.fields["password"] = password_field(gettext_lazy("Password"), CURRENT)

    def clean_login(self) -> str:
        return as_kept(self.cleaned_data["login"])


class PasswordForm(forms.Form):
    """A new password, typed once: the page can show it, so nobody has to type it twice."""

    password = password_field(gettext_lazy("New password"), NEW)

    def __init__(self, person: Person, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._person = person

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        validate_password(password, self._person)
        return password


class ConfirmForm(forms.Form):
    """Confirm the person's identity by password."""

    password = password_field(gettext_lazy("Password"), CURRENT)


def field_errors(form: forms.BaseForm) -> list[str]:
    """Return all error messages of the form."""
    return [str(error) for errors in form.errors.values() for error in errors] or [_("Please look at the form again.")]
