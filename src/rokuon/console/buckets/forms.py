"""Forms of the bucket pages. They accept only addresses in Google Cloud Storage or below the operator's own folders (Q11)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rokuon.actions import buckets
from rokuon.base import i18n
from rokuon.base.secrets import Secret
from rokuon.config import Config
from rokuon.domain.failures import ConfigError
from rokuon.stores.kind import StoreKind
from rokuon.stores.registry import KINDS
from rokuon.wiring.connections import store_settings

MACHINE, KEY = "machine", "key"
LARGEST_KEY = 64 * 1024


def kind_named(kind_id: str) -> StoreKind:
    """Return the kind with this id; the first one for an unknown id."""
    return next((kind for kind in KINDS if kind.id == kind_id), KINDS[0])


class WriteOnly(forms.Textarea):
    """A field whose content is never sent back with the page."""

    def format_value(self, value: Any) -> str:
        return ""


class CredentialForm(forms.Form):
    """The machine's own identity, or a service account's key: pasted or as a file, never shown again."""

    whose = forms.ChoiceField(
        choices=[
            (MACHINE, gettext_lazy("This machine's own identity")),
            (KEY, gettext_lazy("A service account key of the company")),
        ],
        widget=forms.RadioSelect,
        label=gettext_lazy("Credential"),
    )
    key = forms.CharField(
        required=False,
        max_length=LARGEST_KEY,
        label=gettext_lazy("Service account key (JSON)"),
        widget=WriteOnly(attrs={"rows": 5, "autocomplete": "off", "spellcheck": "false"}),
    )
    key_file = forms.FileField(required=False, label=gettext_lazy("or its file"))

    def __init__(self, kind: StoreKind | None, config: Config, data: Any = None, files: Any = None, **given: Any) -> None:
        """`kind` is the bucket's kind; None if the person chooses it in the form."""
        super().__init__(data, files, auto_id="bucket-%s", **given)
        self.config = config
        self.store_kind = kind

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        cleaned["credential"] = None
        kind = self.store_kind or next((one for one in KINDS if one.id == cleaned.get("kind")), None)
        if kind is not None and kind.takes_credential and cleaned.get("whose") == KEY and not self.errors.keys() & {"key", "key_file"}:
            self._read_key(kind, cleaned)
        return cleaned

    def _read_key(self, kind: StoreKind, cleaned: dict[str, Any]) -> None:
        file = cleaned.get("key_file")
        if file is not None and file.size > LARGEST_KEY:
            self.add_error("key_file", _("This file is too large for a service account key."))
            return
        try:
            text = file.read().decode() if file is not None else cleaned.get("key", "")
            kind.check_credential(text, store_settings(self.config))
        except (ConfigError, UnicodeDecodeError) as error:
            sentence = i18n._(str(error)) if isinstance(error, ConfigError) else _("This file is not text.")
            self.add_error("key_file" if file is not None else "key", sentence)
            return
        cleaned["credential"] = Secret(text)


class BucketForm(CredentialForm):
    """A new bucket. The cleaned data contains `url` and `credential`."""

    kind = forms.ChoiceField(
        choices=[(kind.id, gettext_lazy(kind.title)) for kind in KINDS],
        initial=KINDS[0].id,
        widget=forms.RadioSelect,
        label=gettext_lazy("Kind"),
    )
    name = forms.CharField(required=False, max_length=230, label=gettext_lazy("Bucket name"))
    root = forms.ChoiceField(required=False, label=gettext_lazy("Allowed folder"))
    folder = forms.CharField(required=False, max_length=500, label=gettext_lazy("Folder in it"))

    field_order = ("kind", "name", "root", "folder", "whose", "key", "key_file")

    def __init__(self, config: Config, data: Mapping[str, Any] | None = None, files: Any = None, **given: Any) -> None:
        super().__init__(None, config, data, files, **given)
        roots: Any = self.fields["root"]
        roots.choices = [(str(number), str(root)) for number, root in enumerate(config.local_roots)]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if "kind" not in cleaned:
            return cleaned
        field, written = {"gcs": ("name", self._gcs), "folder": ("folder", self._folder)}[cleaned["kind"]]
        try:
            cleaned["url"] = buckets.canonical_bucket_url(self.config, written(cleaned))
        except ConfigError as error:
            self.add_error(field, i18n._(str(error)))
        return cleaned

    def _gcs(self, cleaned: Mapping[str, Any]) -> str:
        return "gs://" + str(cleaned.get("name", "")).strip().removeprefix("gs://")

    def _folder(self, cleaned: Mapping[str, Any]) -> str:
        below = str(cleaned.get("folder", "")).strip()
        if "\0" in below or Path(below).is_absolute() or ".." in Path(below).parts or "root" not in cleaned or not cleaned["root"]:
            raise ConfigError(_("Name a folder inside the allowed folder, without .. and without a slash at the beginning."))
        return (self.config.local_roots[int(cleaned["root"])] / below).as_uri()
