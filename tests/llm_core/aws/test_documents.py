"""Small documents by reference, on the emulated stores and the disk."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from llm_core.aws import clients, documents
from llm_core.errors import Misconfigured
from tests.conftest import Platform

TEXT = '{"routes": {"größer": []}}'


@pytest.mark.parametrize("kind", ["String", "SecureString"])
def test_a_parameter_is_read_as_utf_8_whether_encrypted_or_not(inside: Platform, kind: str) -> None:
    name = f"/documents/{uuid4().hex}"
    clients.ssm().put_parameter(Name=name, Value=TEXT, Type=kind)  # type: ignore[arg-type]
    assert documents.read(f"ssm:{name}") == TEXT.encode()


def test_an_object_is_read_from_its_bucket_by_a_key_with_folders(inside: Platform) -> None:
    bucket = f"documents-{uuid4().hex[:12]}"
    clients.s3().create_bucket(Bucket=bucket)
    clients.s3().put_object(Bucket=bucket, Key="a/b:c/overlay.json", Body=TEXT.encode())
    assert documents.read(f"s3:{bucket}/a/b:c/overlay.json") == TEXT.encode()


def test_a_file_is_read_byte_for_byte(tmp_path: Path) -> None:
    file = tmp_path / "over:lay.json"
    file.write_bytes(b"\xff\x00raw\r\n")
    assert documents.read(f"file:{file}") == b"\xff\x00raw\r\n"


def test_a_document_is_read_anew_each_time(tmp_path: Path) -> None:
    file = tmp_path / "overlay.json"
    for text in (b"one", b"two"):
        file.write_bytes(text)
        assert documents.read(f"file:{file}") == text


MISSING = [
    "ssm:/no/such/parameter",
    "ssm:",
    "s3:no-such-bucket-here/key",
    "s3:bucket-without-key",
    "s3:",
    "file:/no/such/file",
    "file:/tmp",
    "file:",
]


@pytest.mark.parametrize("reference", MISSING)
def test_what_is_not_there_is_named(inside: Platform, reference: str) -> None:
    with pytest.raises(Misconfigured) as raised:
        documents.read(reference)
    assert f"The document {reference} cannot be read" in raised.value.message
    assert raised.value.__cause__ is not None


@pytest.mark.parametrize(
    "reference", ["overlay.json", "https://example.com/overlay.json", "SSM:/name", "", "arn:aws:s3"]
)
def test_a_reference_of_another_kind_is_refused_with_those_that_exist(reference: str) -> None:
    with pytest.raises(Misconfigured, match="`ssm:`, `s3:` or `file:`"):
        documents.read(reference)
