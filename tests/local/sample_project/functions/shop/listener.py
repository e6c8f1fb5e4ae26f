"""NotesTable's stream: each new note gets one echo."""

import os
from typing import Any

import boto3


def handler(event: dict[str, Any], context: Any) -> None:
    """Echo what was noted, but no echo."""
    for record in event["Records"]:
        note = record["dynamodb"]["Keys"]["id"]["S"]
        if not note.endswith("!"):
            item = {"id": {"S": f"{note}!"}}
            boto3.client("dynamodb").put_item(TableName=os.environ["NOTES_TABLE_NAME"], Item=item)
