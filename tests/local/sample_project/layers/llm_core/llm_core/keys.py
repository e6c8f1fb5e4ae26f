"""Keys are made."""

import os
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import boto3


@dataclass(frozen=True)
class Terms:
    scopes: Collection[str]


@dataclass(frozen=True)
class NewKey:
    api_key: str
    key_id: str


def create(name: str, *, user_id: str, terms: Terms) -> NewKey:
    """Keep a new key, and return it."""
    key = NewKey(f"sk-proj-{secrets.token_hex(8)}", name)
    item: dict[str, Any] = {"id": {"S": key.api_key}, "user": {"S": user_id}, "scopes": {"SS": sorted(terms.scopes)}}
    boto3.client("dynamodb").put_item(TableName=os.environ["KEYS_TABLE_NAME"], Item=item)
    return key
