"""Small documents by reference: `ssm:/name`, `s3:bucket/key`, or, on a machine of one's own, `file:path`."""

from __future__ import annotations

from pathlib import Path

from llm_core.aws import clients
from llm_core.errors import Misconfigured


def read(reference: str) -> bytes:
    """The document's bytes. Raises Misconfigured, naming the reference."""
    kind, _, place = reference.partition(":")
    try:
        if kind == "ssm":
            return clients.ssm().get_parameter(Name=place, WithDecryption=True)["Parameter"]["Value"].encode()
        if kind == "s3":
            bucket, _, key = place.partition("/")
            document: bytes = clients.s3().get_object(Bucket=bucket, Key=key)["Body"].read()
            return document
        if kind == "file":
            return Path(place).read_bytes()
    except (*clients.FAILURES, OSError) as error:
        raise Misconfigured(f"The document {reference} cannot be read: {error}") from error
    raise Misconfigured(f"A document's reference starts with `ssm:`, `s3:` or `file:`, not {kind!r}.")
