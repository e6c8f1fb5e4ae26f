"""Objects in S3, whole."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from llm_core.aws import clients
from llm_core.aws.table import unavailable

_AT_ONCE = 1_000
"""The most that S3 deletes in one request."""


def put(bucket: str, key: str, content: bytes) -> None:
    """Raises StoreUnavailable."""
    try:
        clients.s3().put_object(Bucket=bucket, Key=key, Body=content)
    except clients.FAILURES as error:
        raise unavailable(error) from error


def get(bucket: str, key: str) -> bytes:
    """Raises StoreUnavailable, also when there is none: it was promised."""
    try:
        content: bytes = clients.s3().get_object(Bucket=bucket, Key=key)["Body"].read()
    except clients.FAILURES as error:
        raise unavailable(error) from error
    return content


def delete(bucket: str, keys: Sequence[str]) -> None:
    """Those that are there. Raises StoreUnavailable."""
    try:
        for start in range(0, len(keys), _AT_ONCE):
            objects = [{"Key": key} for key in keys[start : start + _AT_ONCE]]
            clients.s3().delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})  # type: ignore[typeddict-item]
    except clients.FAILURES as error:
        raise unavailable(error) from error


def older(bucket: str, seconds: int) -> Iterator[str]:
    """Keys of the objects that were written longer ago than this, in order. Raises StoreUnavailable."""
    until = time.time() - seconds
    pages = clients.s3().get_paginator("list_objects_v2").paginate(Bucket=bucket)
    try:
        for page in pages:
            yield from (each["Key"] for each in page.get("Contents", []) if each["LastModified"].timestamp() < until)
    except clients.FAILURES as error:
        raise unavailable(error) from error
