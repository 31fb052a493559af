"""What a person may write as a bucket, and what they are told otherwise."""

from pathlib import Path

import pytest

from rokuon.domain.failures import ConfigError
from rokuon.stores.kind import StoreKind, StoreSettings
from rokuon.stores.registry import KINDS, kind_of


def canonical(url: str, *roots: Path) -> str:
    return kind_of(url).canonical(url, StoreSettings(roots))


@pytest.mark.parametrize("name", ["abc", "my-bucket", "a_b.c-d.example.com", "0" * 63, "a." * 50 + "a", "gooogle"])
def test_a_valid_gcs_name_is_taken(name: str) -> None:
    assert canonical(f"gs://{name}") == canonical(f"gs://{name}/") == f"gs://{name}"
    assert kind_of(f"gs://{name}").name(f"gs://{name}") == name


@pytest.mark.parametrize(
    "url",
    [
        "",
        "my-bucket",
        "s3://bucket",
        "https://storage.googleapis.com/b",
        "gs://",
        "gs://ab",
        "gs://Upper",
        "gs://-a-",
        "gs://a..b",
        "gs://a.-b",
        "gs://" + "a" * 64,
        "gs://" + "a." * 112,
        "gs://192.168.0.1",
        "gs://goog-bucket",
        "gs://my-google-bucket",
        "gs://g00gle",
        "gs://bucket/folder",
        "gs://user@bucket",
        "gs://bucket?x=1",
        "gs://bucket:443",
        "gs://bücket",
        "memory://store",
        "gsx://bucket",
    ],
)
def test_anything_else_is_refused_with_a_whole_sentence(url: str) -> None:
    with pytest.raises(ConfigError) as refused:
        canonical(url)
    assert str(refused.value).endswith(".")
    assert " " in str(refused.value)


def test_a_folder_below_an_allowed_root_is_taken(tmp_path: Path) -> None:
    for folder in (tmp_path / "a b#", tmp_path):
        assert canonical(folder.as_uri(), tmp_path) == folder.resolve().as_uri()
        assert kind_of(folder.as_uri()).folder(folder.as_uri(), StoreSettings([tmp_path])) == folder.resolve()


@pytest.mark.parametrize(
    "url",
    [
        "file://{root}/../x",
        "file://host{root}",
        "file:relative",
        "file://{root}/%2e%2e/x",
        "file://{root}/a%00",
        "file://{root}?x",
        "file:///",
    ],
)
def test_a_folder_that_is_not_plain_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        canonical(url.format(root=tmp_path), tmp_path)


def test_a_folder_outside_the_allowed_roots_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "inner").mkdir()
    for url in (tmp_path.as_uri(), (tmp_path / "inner").as_uri()):
        with pytest.raises(ConfigError):
            canonical(url, tmp_path / "in")
    with pytest.raises(ConfigError):
        canonical((tmp_path / "in").as_uri())


def test_a_link_out_of_the_allowed_root_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "in" / "link").symlink_to(tmp_path / "out")
    with pytest.raises(ConfigError):
        canonical((tmp_path / "in" / "link").as_uri(), tmp_path / "in")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.id)
def test_each_kind_takes_the_example_that_it_gives(kind: StoreKind, tmp_path: Path) -> None:
    url = kind.example.lower() if kind.folder(tmp_path.as_uri(), StoreSettings([tmp_path])) is None else tmp_path.as_uri()
    assert kind_of(kind.example) is kind
    assert kind_of(kind.canonical(url, StoreSettings([tmp_path]))) is kind
    assert len({one.id for one in KINDS}) == len({one.scheme for one in KINDS}) == len(KINDS)


def test_a_folder_takes_no_credential_and_shows_none() -> None:
    kind = kind_of("file:///x")
    assert not kind.takes_credential
    assert kind.principal("secret") == kind.credential_label("secret") == kind.grant_command("file:///x") == ""
    assert kind.guide("x", "") is None
