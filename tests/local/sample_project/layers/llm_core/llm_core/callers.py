"""Keys as simple as can be: a key is an item, and its id is the key."""

import os

import boto3

from llm_core.errors import Unauthorized

SCOPES = frozenset({"read", "write"})


def identify(api_key: str) -> None:
    """Raise Unauthorized for an unknown key."""
    table, key = os.environ["KEYS_TABLE_NAME"], {"id": {"S": api_key}}
    if "Item" not in boto3.client("dynamodb").get_item(TableName=table, Key=key):
        raise Unauthorized(api_key)
