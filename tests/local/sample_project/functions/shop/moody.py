"""Answers in the mood that the path names."""

import base64
import time
from typing import Any


def handler(event: dict[str, Any], context: Any) -> Any:
    """One mood a case; anything else is calm."""
    if "httpMethod" not in event:
        raise LookupError(f"no mood in {event}")
    match event["pathParameters"]["mood"]:
        case "raise":
            raise ValueError("a secret of the door")
        case "timeout":
            raise TimeoutError
        case "exit":
            raise SystemExit(3)
        case "stop":
            raise StopIteration
        case "slow":
            time.sleep(1.5)
        case "malformed":
            return {"body": "no status"}
        case "binary":
            body = base64.b64encode(bytes(range(256))).decode()
            return {
                "statusCode": 200,
                "headers": {"Content-Type": "image/png"},
                "body": body,
                "isBase64Encoded": True,
            }
        case "large":
            return {"statusCode": 200, "body": "x" * (6 * 1024 * 1024 + 1)}
        case "empty":
            return {"statusCode": 204}
        case _:
            pass
    return {"statusCode": 200, "body": "calm"}
