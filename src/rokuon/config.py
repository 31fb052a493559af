"""Configuration from the environment: typed, documented, and the only code that reads it.

Every field is the variable ROKUON_<FIELD>. A secret may be in a file instead, named by ROKUON_<FIELD>_FILE. Settings that people change
while Rokuon runs are in the database, not here.
"""

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from rokuon.base import addresses
from rokuon.base.addresses import Listen, Network, PublicUrl, SmtpServer
from rokuon.base.i18n import _, preferred
from rokuon.base.plain_text import bare, read_text
from rokuon.domain import crashpoints
from rokuon.domain.failures import ConfigError
from rokuon.domain.time_zones import zone_name

PREFIX = "ROKUON_"
MIB = 1024 * 1024
SHORTEST_TOKEN = 20


class Config(BaseSettings):
    """Immutable. `Config.load()` is the way to make one outside of tests."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", validate_default=True, populate_by_name=True)

    data_dir: Path = Field(
        Path("rokuon-data"), description="Folder of this installation: embedded database, master key, spool. Made by `rokuon init`."
    )
    database_url: SecretStr | None = Field(
        None,
        description="A PostgreSQL of your own (postgresql://user:password@host/name). Without it Rokuon runs its own in the data folder.",
    )
    master_key_file: Path = Field(
        Path(), description="File with the keys that encrypt stored credentials, one per line. Default: master.key in the data folder."
    )
    local_roots: Annotated[tuple[Path, ...], NoDecode] = Field(
        (), description="Folders, separated by colons, below which file:// buckets may lie. Default: buckets in the data folder."
    )
    spool_dir: Path = Field(Path(), description="Folder for recordings too large for memory. Default: spool in the data folder.")
    dump_dir: Path = Field(Path(), description="Folder for the nightly dumps of the embedded database. Default: dumps in the data folder.")
    allowed_media_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Hosts, separated by commas, from which recordings may be downloaded besides Dialpad's own."
    )
    listen: str = Field(
        "127.0.0.1:8377",
        description="Address and port at which `rokuon serve` listens. By default only this machine can reach it: a proxy with TLS on the "
        "same machine, or you.",
    )
    public_url: str = Field(
        "",
        description="Where people reach the console, such as https://rokuon.example.com: for links in mails, and the only host that is "
        "answered. Plain http only for this machine alone. Default: http:// and this machine with the port of ROKUON_LISTEN.",
    )
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode] = Field(
        (),
        description="Addresses or networks, separated by commas, of the proxies before the console. X-Forwarded-For, X-Forwarded-Proto and "
        "X-Forwarded-Host count only from them.",
    )
    smtp_url: SecretStr | None = Field(
        None,
        description="Mail server for invitations and notices: smtp://user:password@host:587?tls=starttls; tls is starttls, tls (from "
        "the first byte) or none. Without it Rokuon sends no mail.",
    )
    mail_from: str = Field(
        "", description="Sender of mails, such as Rokuon <rokuon@example.com>. Default: rokuon at the host of ROKUON_PUBLIC_URL."
    )
    oidc_issuer: str = Field(
        "",
        description="Identity provider for signing in (OpenID Connect): its issuer, exactly as its discovery names it, such as "
        "https://accounts.google.com. Plain http only for this machine. Redirect address there: ROKUON_PUBLIC_URL and /sign-in/with/back/.",
    )
    oidc_client_id: str = Field("", description="Client id that the identity provider gave to Rokuon.")
    oidc_client_secret: SecretStr | None = Field(None, description="Client secret that the identity provider gave to Rokuon.")
    storage_emulator_host: str = Field(
        "",
        validation_alias=AliasChoices("ROKUON_STORAGE_EMULATOR_HOST", "STORAGE_EMULATOR_HOST"),
        description="Address of a Google Cloud Storage emulator, for tests and the demo; STORAGE_EMULATOR_HOST works as well.",
    )
    metrics_token: SecretStr | None = Field(
        None,
        description="Token with which a monitoring system reads /metrics (Authorization: Bearer), at least 20 letters and digits. Without "
        "it there is no such address.",
    )
    max_recording_bytes: int = Field(2 * 1024 * MIB, ge=MIB, description="Recordings larger than this are refused as too large.")
    memory_budget_bytes: int = Field(64 * MIB, ge=MIB, description="Bytes of audio that one worker process keeps in memory at a time.")
    transfers: int = Field(24, ge=1, le=64, description="Recordings that one job copies at the same time; 16 to 32 is sensible.")
    time_zone: str = Field(
        "UTC", description="Time zone of the installation's own times, and of a company with offices in several zones, such as Asia/Tokyo."
    )
    language: Literal["en", "ja"] = Field("en", description="Language of the command line: en or ja. Default: what the system says.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severity that is logged.")
    log_format: Literal["json", "text"] = Field("json", description="One JSON object per line, or text for reading along.")
    crash_at: str = Field("", description="For tests: the crash point and the count at which the process kills itself, such as stored:3.")

    @classmethod
    def load(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read the environment. Raises ConfigError with the variable's name and what would be right."""
        _refuse_misspelt(environ)
        try:
            return cls(**_values(environ))
        except ValidationError as error:
            first = error.errors()[0]
            name = PREFIX + str(first["loc"][0]).upper().removeprefix(PREFIX) if first["loc"] else PREFIX
            raise ConfigError(_sentence(name, first)) from None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # load() passes the values it read, so that the environment does not change a Config that a test creates.
        return (init_settings,)

    @field_validator("local_roots", mode="before")
    @classmethod
    def _split_paths(cls, value: Any) -> Any:
        return tuple(Path(part) for part in value.split(os.pathsep) if part) if isinstance(value, str) else value

    @field_validator("allowed_media_hosts", mode="before")
    @classmethod
    def _split_hosts(cls, value: Any) -> Any:
        return tuple(part.strip().lower() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _split_networks(cls, value: Any) -> Any:
        return addresses.networks(value) if isinstance(value, str) else value

    @field_validator("listen")
    @classmethod
    def _listen(cls, value: str) -> str:
        return str(addresses.listen(value))

    @field_validator("public_url")
    @classmethod
    def _public_url(cls, value: str) -> str:
        return addresses.public_url(value).origin if value else value

    @field_validator("smtp_url")
    @classmethod
    def _smtp_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            addresses.smtp_server(value.get_secret_value())
        return value

    @field_validator("metrics_token")
    @classmethod
    def _metrics_token(cls, value: SecretStr | None) -> SecretStr | None:
        given = value.get_secret_value() if value is not None else ""
        if value is not None and (len(given) < SHORTEST_TOKEN or not given.isascii() or not given.isprintable() or " " in given):
            raise ValueError(_("it must be at least %(least)d letters and digits, without spaces") % {"least": SHORTEST_TOKEN})
        return value

    @field_validator("oidc_issuer")
    @classmethod
    def _oidc_issuer(cls, value: str) -> str:
        return addresses.issuer(value) if value else value

    @field_validator("mail_from")
    @classmethod
    def _mail_from(cls, value: str) -> str:
        return addresses.mail_address(value) if value else value

    @field_validator("log_level", "log_format", mode="before")
    @classmethod
    def _lower(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value

    @field_validator("language", mode="before")
    @classmethod
    def _short_language(cls, value: Any) -> Any:
        return value.lower()[:2] if isinstance(value, str) else value

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        known = zone_name(value)
        if not known:
            raise ValueError(_("it is not a time zone such as Asia/Tokyo"))
        return known

    @field_validator("local_roots")
    @classmethod
    def _absolute(cls, value: tuple[Path, ...]) -> tuple[Path, ...]:
        if not all(path.is_absolute() for path in value):
            raise ValueError(_("each folder must be an absolute path"))
        return value

    @field_validator("crash_at")
    @classmethod
    def _crash_point(cls, value: str) -> str:
        try:
            crashpoints.parse(value or "stored:1")
        except ValueError:
            raise ValueError(
                _("it must look like stored:3, with one of these points: %(points)s") % {"points": _(", ").join(crashpoints.POINTS)}
            ) from None
        return value

    @field_validator("database_url")
    @classmethod
    def _postgresql(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError(_("it must look like postgresql://user:password@host/name"))
        return value

    @model_validator(mode="before")
    @classmethod
    def _paths_from_data_dir(cls, values: dict[str, Any]) -> dict[str, Any]:
        data_dir = Path(values.get("data_dir", "rokuon-data")).expanduser().resolve()
        named = {"master_key_file": "master.key", "spool_dir": "spool", "dump_dir": "dumps"}
        paths = {key: Path(values[key]).expanduser().absolute() if values.get(key) else data_dir / name for key, name in named.items()}
        return {**values, "data_dir": data_dir, **paths, "local_roots": values.get("local_roots") or (data_dir / "buckets",)}

    @property
    def embedded(self) -> bool:
        """Whether Rokuon runs its own PostgreSQL."""
        return self.database_url is None

    @property
    def listens(self) -> Listen:
        return addresses.listen(self.listen)

    @property
    def public(self) -> PublicUrl:
        """The URL at which people reach the console."""
        if self.public_url:
            return addresses.public_url(self.public_url)
        at = self.listens
        return addresses.public_url(f"http://{at if at.loopback else f'localhost:{at.port}'}")

    @property
    def smtp(self) -> SmtpServer | None:
        return addresses.smtp_server(self.smtp_url.get_secret_value()) if self.smtp_url else None

    @property
    def sender(self) -> str:
        return self.mail_from or f"Rokuon <rokuon@{'localhost' if self.public.loopback else self.public.host}>"


def _values(environ: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for field, info in Config.model_fields.items():
        names = info.validation_alias.choices if isinstance(info.validation_alias, AliasChoices) else [PREFIX + field.upper()]
        found = next((environ[name] for name in names if isinstance(name, str) and environ.get(name)), None)
        if info.annotation == SecretStr | None:
            found = _secret(environ, PREFIX + field.upper(), found)
        if found is not None:
            values[field] = found
    values.setdefault("language", preferred(environ))
    return values


def _secret(environ: Mapping[str, str], name: str, plain: str | None) -> str | None:
    path = environ.get(f"{name}_FILE")
    if not path:
        return plain
    if plain:
        raise ConfigError(_("Both %(name)s and %(name)s_FILE are set. Set only one of them.") % {"name": name})
    try:
        return bare(read_text(Path(path)))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else _("it is not text")
        raise ConfigError(
            _("%(name)s_FILE names %(path)s, which cannot be read: %(reason)s.") % {"name": name, "path": path, "reason": reason}
        ) from None


def _refuse_misspelt(environ: Mapping[str, str]) -> None:
    # Only near misses: a container platform sets variables of its own, such as ROKUON_SERVICE_HOST for a service of that name.
    known = [PREFIX + field.upper() for field in Config.model_fields]
    known += [name + "_FILE" for name in known]
    for name in environ:
        if name.startswith(PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.88)
            if near:
                raise ConfigError(_("There is no setting %(name)s. Did you mean %(near)s?") % {"name": name, "near": near[0]})


def _sentence(name: str, error: Any) -> str:
    limits = error.get("ctx", {})
    match error["type"]:
        case "literal_error":
            hint = _("it must be one of these: %(values)s") % {"values": limits["expected"].replace(" or ", ", ")}
        case "greater_than_equal" | "less_than_equal" | "int_parsing" | "int_type" | "int_from_float" | "int_parsing_size":
            hint = _bounds(name)
        case "value_error":
            hint = str(limits["error"])
        case _:
            hint = str(error["msg"])
    return _("%(name)s cannot be used: %(hint)s.") % {"name": name, "hint": hint}


def _bounds(name: str) -> str:
    """Describe the allowed range of a number, with both ends if it has both."""
    field = Config.model_fields[name.removeprefix(PREFIX).lower()]
    ends = {
        end: next((getattr(one, key) for one in field.metadata if hasattr(one, key)), None)
        for end, key in (("least", "ge"), ("most", "le"))
    }
    if ends["most"] is None:
        return _("it must be a whole number, at least %(least)s") % ends
    return _("it must be a whole number between %(least)s and %(most)s") % ends
