"""Listings of a test bucket in the shapes that tools write. The samples of each shape are from the tools' own code and documentation: the
Google Cloud SDK 528 (`gcs_resource_reference.py`, `resource_util.py`), the fields of Storage Insights reports, botocore, rclone."""

import base64
import csv
import hashlib
import io
import json
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from .writer import Bucket, b64, crc32c, sha256

NAME = "acme-call-recordings"


def objects(bucket: Bucket) -> Iterator[dict[str, Any]]:
    """Yield what a store knows of each object. A seal was created when it says, a recording two hours before its issue."""
    generations = {line["key_sha256"]: line for day in bucket.days.values() for line in day.lines if "key_sha256" in line}
    generations |= {one["key_sha256"]: one for day in bucket.days.values() for line in day.lines for one in line.get("aside", ())}
    for number, path in enumerate(sorted(path for path in bucket.top.rglob("*") if path.is_file())):
        name, body = path.relative_to(bucket.root).as_posix(), path.read_bytes()
        line = generations.get(sha256(name.encode()), {})
        created = datetime(2026, 11, 1, 15, tzinfo=UTC)
        if path.name == "seal":
            at = json.loads(body.splitlines()[0])["at"]
            created = datetime.fromisoformat(at) + timedelta(seconds=3)
        yield {
            "name": name, "size": len(body), "crc32c": crc32c(body), "md5": b64(hashlib.md5(body).digest()),
            "generation": line.get("generation", str(1764500000000000 + number)), "created": created, "sha256": sha256(body),
        }  # fmt: skip


def gcloud_ls(bucket: Bucket, times: Mapping[str, str] | None = None, **without: bool) -> str:
    """gcloud storage ls --recursive --json gs://acme-call-recordings. `times` are other times of creation by name."""
    rows: list[dict[str, Any]] = [{"url": f"gs://{NAME}/call-recordings/Billing/", "type": "prefix"}]
    rows += [{"url": f"gs://{NAME}/managed/", "type": "managed_folder", "metadata": {"bucket": NAME, "name": "managed/"}}]
    for one in objects(bucket):
        meta = {
            "bucket": NAME, "contentType": "audio/mpeg", "crc32c": one["crc32c"], "etag": "CP+G9snS/ogDEAE=",
            "generation": one["generation"],
            "id": f"{NAME}/{one['name']}/{one['generation']}", "kind": "storage#object", "md5Hash": one["md5"], "metageneration": "1",
            "name": one["name"], "size": str(one["size"]), "storageClass": "STANDARD",
            "timeCreated": (times or {}).get(one["name"]) or one["created"].strftime("%Y-%m-%dT%H:%M:%S.123000+00:00"),
        }  # fmt: skip
        for name in without:
            del meta[name]
        rows.append({"url": f"gs://{NAME}/{one['name']}#{one['generation']}", "type": "cloud_object", "metadata": meta})
    return json.dumps(rows, indent=2)


def gcloud_objects_list(bucket: Bucket) -> str:
    """gcloud storage objects list 'gs://acme-call-recordings/**' --format=json"""
    rows: list[dict[str, Any]] = []
    for one in objects(bucket):
        row = {
            "bucket": NAME, "content_type": "audio/mpeg", "crc32c_hash": one["crc32c"],
            "creation_time": one["created"].strftime("%Y-%m-%dT%H:%M:%S+0000"), "etag": "CP+G9snS/ogDEAE=", "generation": one["generation"],
            "md5_hash": one["md5"], "metageneration": "1", "name": one["name"], "size": one["size"], "storage_class": "STANDARD",
            "storage_url": f"gs://{NAME}/{one['name']}#{one['generation']}", "update_time": "2026-11-01T15:00:00+0000",
        }  # fmt: skip
        rows += [row, {**row, "generation": "17", "md5_hash": "old", "noncurrent_time": "2026-11-01T16:00:00+0000"}]
    return json.dumps(rows, indent=2, ensure_ascii=False)


def storage_insights(bucket: Bucket, *, header: bool = True) -> str:
    """A report with the default fields, a header and the record separator \\r\\n"""
    columns = ["project", "bucket", "name", "location", "size", "timeCreated", "timeDeleted", "updated", "storageClass", "etag"]
    columns += ["retentionExpirationTime", "crc32c", "md5Hash", "generation", "metageneration", "contentType", "contentEncoding"]
    out = io.StringIO()
    writer = csv.DictWriter(out, [*columns, "timeStorageClassUpdated"], lineterminator="\r\n")
    if header:
        writer.writeheader()
    for one in objects(bucket):
        row = {"project": "123", "bucket": NAME, "location": "ASIA-NORTHEAST1", "storageClass": "STANDARD", "md5Hash": one["md5"]}
        row |= {name: one[name] for name in ("name", "size", "crc32c", "generation")}
        writer.writerow({**row, "timeCreated": one["created"].strftime("%Y-%m-%dT%H:%M:%S.123Z")})
    return out.getvalue()


def hexadecimal(one: dict[str, Any]) -> str:
    return base64.b64decode(one["md5"]).hex()


def aws_list_objects(bucket: Bucket, **more: Any) -> str:
    """aws s3api list-objects-v2 --bucket acme-call-recordings"""
    rows = [
        {
            "Key": one["name"], "LastModified": one["created"].isoformat(), "ETag": f'"{hexadecimal(one)}"',
            "ChecksumAlgorithm": ["CRC64NVME"], "ChecksumType": "FULL_OBJECT", "Size": one["size"], "StorageClass": "STANDARD",
        }
        for one in objects(bucket)
    ]  # fmt: skip
    return json.dumps({"Contents": rows, "RequestCharged": None, "Prefix": "", **more}, indent=4)


def s3_inventory(bucket: Bucket) -> str:
    """All versions: Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, ETag, StorageClass; no header"""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    for one in objects(bucket):
        key, time = urllib.parse.quote(one["name"], safe="/"), one["created"].strftime("%Y-%m-%dT%H:%M:%S.000Z")
        writer.writerow([NAME, key, "v2", "true", "false", one["size"], time, hexadecimal(one), "STANDARD"])
        writer.writerow([NAME, key, "v1", "false", "false", 1, time, "0" * 32, "STANDARD"])
    writer.writerow([NAME, "call-recordings/gone.mp3", "v3", "true", "true", "", "2026-11-01T15:00:00.000Z", "", ""])
    return out.getvalue()


def s3_inventory_of_current_versions(bucket: Bucket) -> str:
    rows = []
    for one in objects(bucket):
        key = urllib.parse.quote_plus(one["name"], safe="/")
        rows.append(f'"{NAME}","{key}","{one["size"]}","{one["created"]:%Y-%m-%dT%H:%M:%S}.000Z","{hexadecimal(one)}"\n')
    return "".join(rows)


def rclone_lsjson(bucket: Bucket) -> str:
    """rclone lsjson -R --hash gcs:acme-call-recordings"""
    rows = [
        {
            "Path": one["name"], "Name": one["name"].rpartition("/")[2], "Size": one["size"], "MimeType": "audio/mpeg",
            "ModTime": "2026-11-01T15:00:00.000000000Z", "IsDir": False, "Hashes": {"md5": hexadecimal(one)}, "Tier": "STANDARD",
        }
        for one in objects(bucket)
    ]  # fmt: skip
    folder = {"Path": "call-recordings", "Name": "call-recordings", "Size": -1, "MimeType": "inode/directory", "IsDir": True}
    return "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in [folder, *rows]) + "\n]\n"


def sha256sum(bucket: Bucket, *, start: str = "./") -> str:
    """find . -type f -exec sha256sum {} +"""
    return "".join(f"{one['sha256']}  {start}{one['name']}\n" for one in objects(bucket))


SHAPES: dict[str, Callable[[Bucket], str]] = {
    "gcloud storage ls": gcloud_ls,
    "gcloud storage objects list": gcloud_objects_list,
    "Storage Insights": storage_insights,
    "aws list-objects-v2": aws_list_objects,
    "S3 Inventory": s3_inventory,
    "S3 Inventory of current versions": s3_inventory_of_current_versions,
    "rclone lsjson": rclone_lsjson,
    "sha256sum": sha256sum,
}


def written(bucket: Bucket, shape: Callable[[Bucket], str]) -> Path:
    path = bucket.root / "listing"
    path.write_bytes(shape(bucket).encode())
    return path
