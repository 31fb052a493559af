"""What a person may write as a bucket, and what they are told otherwise."""

from pathlib import Path

import pytest

from rokuon.domain.failures import ConfigError
from rokuon.stores.addresses import FolderAddress, GcsAddress, parse
from rokuon.stores.memory import MemoryStore
from rokuon.stores.registry import open_store


@pytest.mark.parametrize("name", ["abc", "my-bucket", "a_b.c-d.example.com", "0" * 63, "a." * 50 + "a", "gooogle"])
def test_a_valid_gcs_name_is_taken(name: str) -> None:
    assert parse(f"gs://{name}") == GcsAddress(name)


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
        "memory://",
        "memory://UP",
    ],
)
def test_anything_else_is_refused_with_a_whole_sentence(url: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(url)
    assert str(refused.value).endswith(".")
    assert " " in str(refused.value)


def test_a_folder_below_an_allowed_root_is_taken(tmp_path: Path) -> None:
    assert parse((tmp_path / "a b#").as_uri(), allowed_roots=[tmp_path]) == FolderAddress((tmp_path / "a b#").resolve())
    assert parse(tmp_path.as_uri(), allowed_roots=[tmp_path]) == FolderAddress(tmp_path.resolve())


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
        parse(url.format(root=tmp_path), allowed_roots=[tmp_path])


def test_a_folder_outside_the_allowed_roots_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "inner").mkdir()
    for url in (tmp_path.as_uri(), (tmp_path / "inner").as_uri()):
        with pytest.raises(ConfigError):
            parse(url, allowed_roots=[tmp_path / "in"])
    with pytest.raises(ConfigError):
        parse((tmp_path / "in").as_uri())


def test_a_link_out_of_the_allowed_root_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "in" / "link").symlink_to(tmp_path / "out")
    with pytest.raises(ConfigError):
        parse((tmp_path / "in" / "link").as_uri(), allowed_roots=[tmp_path / "in"])


def test_a_memory_bucket_opens_only_where_one_was_handed_in() -> None:
    store = MemoryStore("x")
    assert open_store("memory://x", memory={"x": store}) is store
    with pytest.raises(ConfigError):
        open_store("memory://x")
