"""Tells back the event, the context and the environment it was given; notes what it is invoked with."""

import json
import os
import threading
from typing import Any

import boto3
from sample_core.words import GREETING  # type: ignore[import-not-found]


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An HTTP event is told back as JSON; any other event is kept as a note and returned."""
    if "httpMethod" not in event:
        table = os.environ["NOTES_TABLE_NAME"]
        boto3.client("dynamodb").put_item(TableName=table, Item={"id": {"S": event["note"]}})
        return {"noted": event["note"], "id": context.aws_request_id}
    told = {
        "event": event,
        "greeting": GREETING,
        "function": context.function_name,
        "arn": context.invoked_function_arn,
        "memory": context.memory_limit_in_mb,
        "remaining": context.get_remaining_time_in_millis(),
        "thread": threading.current_thread().name,
        "stage": os.environ["STAGE"],
        "endpoint": os.environ["AWS_ENDPOINT_URL"],
        "table": os.environ["NOTES_TABLE_NAME"],
        "foreign": [name for name in os.environ if name.startswith(("MINISTACK_", "ANTHROPIC_", "AWS_PROFILE"))],
    }
    return {
        "statusCode": 201,
        "headers": {"x-one": "1", "x-both": "lost"},
        "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"], "X-Both": ["kept"]},
        "body": json.dumps(told),
    }
