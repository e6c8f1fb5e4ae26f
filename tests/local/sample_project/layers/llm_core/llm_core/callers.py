"""Keys as simple as can be: a key is an item, and its id is the key."""

import os
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import boto3

from llm_core.errors import Unauthorized

SCOPES = frozenset({"read", "write"})


@dataclass(frozen=True)
class NewKey:
    api_key: str
    key_id: str


def create(name: str, *, user_id: str, scopes: Collection[str]) -> NewKey:
    """Keep a new key, and return it."""
    key = NewKey(f"sk-proj-{secrets.token_hex(8)}", name)
    item: dict[str, Any] = {"id": {"S": key.api_key}, "user": {"S": user_id}, "scopes": {"SS": sorted(scopes)}}
    boto3.client("dynamodb").put_item(TableName=os.environ["KEYS_TABLE_NAME"], Item=item)
    return key


def identify(api_key: str) -> None:
    """Raise Unauthorized for an unknown key."""
    table, key = os.environ["KEYS_TABLE_NAME"], {"id": {"S": api_key}}
    if "Item" not in boto3.client("dynamodb").get_item(TableName=table, Key=key):
        raise Unauthorized(api_key)
