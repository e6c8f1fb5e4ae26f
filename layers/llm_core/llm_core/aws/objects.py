"""Objects in S3, whole."""

from __future__ import annotations

from llm_core.aws import clients
from llm_core.aws.table import unavailable


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
