"""One installation on this machine: created only by `init`. Every other start opens it and refuses if a part is missing.

installation.json    written last by init: the installation's id, and a value sealed with the master key
master.key           the master key file (or the path in ROKUON_MASTER_KEY_FILE)
postgres/ socket/    the embedded database (or none, with ROKUON_DATABASE_URL)
spool/ buckets/ dumps/
"""

import fcntl
import json
import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import psycopg
from psycopg import conninfo

from rokuon.base.i18n import _
from rokuon.base.logs import hide
from rokuon.base.secrets import Secret, SecretUnreadable, Vault, new_key
from rokuon.config import Config
from rokuon.domain.failures import ConfigError
from rokuon.runtime.guard import ProcessGuard

from . import cluster, postgres, spool

MARKER = "installation.json"
INIT_LOCK = "init.lock"
INIT_PATIENCE_S = 300.0
FORMAT = 1
KEY_CHECK = "key-check"
OLDEST_POSTGRESQL = 140000


@dataclass(frozen=True)
class Report:
    """The result of init, as sentences for the person who ran it. `created` is false if the installation already existed."""

    created: bool
    sentences: tuple[str, ...]


class Installation:
    """An open installation. `close` it to release the embedded database."""

    def __init__(self, config: Config, identity: str, vault: Vault, server: postgres.RunningServer | None) -> None:
        self.config = config
        self.identity = identity
        self.vault = vault
        self._server = server
        self._guard: ProcessGuard | None = None

    @property
    def database_url(self) -> str:
        return database_url(self.config)

    def guard(self) -> None:
        """Restart the embedded database from now on when it is gone. For processes that others depend on."""
        if self._server is not None:
            self._guard = ProcessGuard(self.config.data_dir)
            self._guard.start()

    @property
    def gave_up(self) -> ConfigError | None:
        """Why the guard gave the database up and asked this process to end, or None."""
        return self._guard.gave_up if self._guard is not None else None

    def close(self) -> None:
        if self._guard is not None:
            self._guard.stop()
        if self._server is not None:
            self._server.close()

    def __enter__(self) -> "Installation":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def database_url(config: Config) -> str:
    """Return the database's URL. Known before the embedded database runs, because it depends on the data folder alone."""
    return config.database_url.get_secret_value() if config.database_url else cluster.dsn(config.data_dir)


def init(config: Config) -> Report:
    """Create the installation. Finishes an interrupted init; leaves a finished one unchanged.

    Never replaces an existing key or database.
    """
    marker = config.data_dir / MARKER
    if marker.exists():
        open_installation(config, start_database=False).close()
        return Report(False, (_("The installation in %(folder)s is already there and complete; nothing was changed.") % _at(config),))
    _require_ours(config.data_dir)
    if config.embedded:
        cluster.require_usable_path(config.data_dir)
    try:
        config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(config.data_dir):
            return init(config) if marker.exists() else _make(config, marker)  # another process may have created it meanwhile
    except OSError as error:
        raise _folder_error(config, error) from error


def _make(config: Config, marker: Path) -> Report:
    sentences = []
    if config.embedded and not cluster.exists(config.data_dir):
        cluster.require_room(config.data_dir)
    try:
        if config.data_dir.stat().st_uid == os.geteuid() and not cluster.exists(config.data_dir):
            config.data_dir.chmod(0o700)  # it may have been created by hand; as root, create_cluster gives access to the server's user
        if not config.master_key_file.exists():
            if cluster.exists(config.data_dir):
                # An interrupted init created the key first, so this database used a key that is now lost.
                Vault.load(config.master_key_file)
            _create_key_file(config.master_key_file)
            sentences.append(
                _(
                    "The master key file %(path)s was made. Back it up now, apart from the database: "
                    "without it the stored credentials cannot be read."
                )
                % {"path": config.master_key_file}
            )
        vault = Vault.load(config.master_key_file)
        if config.embedded:
            if not cluster.exists(config.data_dir):
                cluster.create_cluster(config.data_dir)
            sentences.append(_("The database is in %(folder)s.") % {"folder": config.data_dir / "postgres"})
        else:
            _require_external(config)
            sentences.append(_("The database is the one that ROKUON_DATABASE_URL names."))
        spool.prepare(config.spool_dir)
        for folder in (config.data_dir / "buckets", config.dump_dir):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_marker(marker, uuid.uuid4().hex, vault)
    except OSError as error:
        raise _folder_error(config, error) from error
    return Report(True, (_("The installation was made in %(folder)s.") % _at(config), *sentences))


@contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    """Allow one init at a time: two would each take the other's half-made database for the rest of an interrupted one."""
    lock = os.open(data_dir / INIT_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        until = time.monotonic() + INIT_PATIENCE_S
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise ConfigError(
                        _("Another `rokuon init` is at work in %(folder)s. Wait for its end, or stop it first.") % {"folder": data_dir}
                    ) from None
            time.sleep(0.1)
        yield
    finally:
        os.close(lock)


def open_installation(
    config: Config, *, on_wait: Callable[[float], None] = lambda seconds: None, start_database: bool = True
) -> Installation:
    """Open what init created. Creates nothing: a missing volume is an error and never becomes a new empty installation."""
    _hide_secrets(config)
    identity, token = _read_marker(config)
    vault = Vault.load(config.master_key_file)
    try:
        vault.open(token, owner=identity, field=KEY_CHECK)
    except SecretUnreadable:
        raise ConfigError(
            _("The master key file %(path)s belongs to another installation than %(folder)s. Put the right key file back.")
            % {"path": config.master_key_file, **_at(config)}
        ) from None
    server = None
    if config.embedded:
        cluster.open_cluster(config.data_dir)
        server = postgres.ensure_running(config.data_dir, on_wait=on_wait) if start_database else None
    elif start_database:
        _require_external(config)
    try:
        spool.prepare(config.spool_dir)
    except BaseException as error:
        if server is not None:
            server.close()
        if isinstance(error, OSError):
            raise _folder_error(config, error) from error
        raise
    return Installation(config, identity, vault, server)


def _hide_secrets(config: Config) -> None:
    """Keep the passwords in the environment out of the log."""
    if config.smtp is not None:
        hide(config.smtp.password)
    if config.oidc_client_secret is not None:
        hide(Secret(config.oidc_client_secret.get_secret_value()))
    if config.database_url is not None:
        hide(Secret(str(conninfo.conninfo_to_dict(config.database_url.get_secret_value()).get("password") or "")))


def reseal_key_check(config: Config) -> None:
    """Reseal the key check for a key rotation: afterwards, only the first key is needed to open the installation."""
    identity, token = _read_marker(config)
    vault = Vault.load(config.master_key_file)
    vault.open(token, owner=identity, field=KEY_CHECK)
    _write_marker(config.data_dir / MARKER, identity, vault)


def _require_ours(folder: Path) -> None:
    """Refuse a folder that is not new, empty, or left by an interrupted init, such as a home directory."""
    ours = {"master.key", "postgres", "postgres.partial", "postgres.programs", "postgres.start", "postgres.use", "socket"}
    allowed = ours | {INIT_LOCK, "spool", "buckets", "dumps", f"{MARKER}.new", "lost+found"}
    foreign = sorted(entry.name for entry in folder.iterdir() if entry.name not in allowed) if folder.is_dir() else []
    if foreign:
        raise ConfigError(
            _("The folder %(folder)s already holds other files, such as %(name)s. Set ROKUON_DATA_DIR to a new or empty folder.")
            % {"folder": folder, "name": foreign[0]}
        )


def _create_key_file(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(new_key() + "\n")
        file.flush()
        os.fsync(descriptor)


def _write_marker(path: Path, identity: str, vault: Vault) -> None:
    token = vault.seal(identity, owner=identity, field=KEY_CHECK)
    fresh = path.with_name(path.name + ".new")
    with fresh.open("w") as file:
        json.dump({"format": FORMAT, "id": identity, "key_check": token}, file)
        file.flush()
        os.fsync(file.fileno())
    fresh.chmod(0o600)
    fresh.replace(path)


def _read_marker(config: Config) -> tuple[str, str]:
    if not config.data_dir.is_dir():
        raise ConfigError(
            _("The data folder %(folder)s is missing. If this is a new installation, run `rokuon init`; if not, a volume is not mounted.")
            % _at(config)
        )
    path = config.data_dir / MARKER
    try:
        marker = json.loads(path.read_text())
        version, identity, token = marker["format"], str(marker["id"]), str(marker["key_check"])
    except FileNotFoundError:
        raise ConfigError(
            _(
                "There is no installation in %(folder)s. If this is a new installation, run `rokuon init`; "
                "if not, ROKUON_DATA_DIR names the wrong folder or a volume is not mounted."
            )
            % _at(config)
        ) from None
    except OSError as error:
        raise _folder_error(config, error) from error
    except (ValueError, KeyError, TypeError):
        raise ConfigError(_("The file %(path)s is damaged. Restore it from a backup of the data folder.") % {"path": path}) from None
    if version != FORMAT:
        raise ConfigError(_("The installation in %(folder)s was made by a newer Rokuon. Use that version.") % _at(config))
    return identity, token


def _require_external(config: Config) -> None:
    """Check that the database answers, is recent enough and uses UTF-8. Messages leave out the URL, which holds a password."""
    try:
        with psycopg.connect(database_url(config), connect_timeout=10) as connection:
            version = connection.info.server_version
            encoding = connection.info.parameter_status("server_encoding")
    except psycopg.Error as error:
        said = (str(error).strip().splitlines() or [type(error).__name__])[-1]
        raise ConfigError(_("The database that ROKUON_DATABASE_URL names does not let Rokuon in: %(said)s") % {"said": said}) from None
    if version < OLDEST_POSTGRESQL:
        raise ConfigError(_("The database that ROKUON_DATABASE_URL names is too old. Rokuon needs PostgreSQL 14 or newer."))
    if encoding != "UTF8":
        raise ConfigError(_("The database that ROKUON_DATABASE_URL names stores %(encoding)s. Create it as UTF8.") % {"encoding": encoding})


def _folder_error(config: Config, error: OSError) -> ConfigError:
    return ConfigError(
        _("The data folder cannot be used: %(reason)s (%(path)s).")
        % {"reason": error.strerror or error, "path": error.filename or config.data_dir}
    )


def _at(config: Config) -> dict[str, object]:
    return {"folder": config.data_dir}
