"""Values of a run's conversation: beside it in the table, or, above a size, in S3."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from llm_core.aws import objects, table
from llm_core.runs.run import Run, runs_table, unknown
from llm_core.settings import settings

MOST_BYTES = 64_000
"""In an item: DynamoDB's end at 400 KB, and reading one costs by its size."""


INPUT = "input"


def keep(run_id: str, name: str, value: Any) -> dict[str, Any]:
    """What stands for the value in an item. The object is there when this returns. Raises StoreUnavailable."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if len(text.encode()) <= MOST_BYTES:
        return {"text": text}
    key = f"{run_id}/{name}.json"
    objects.put(settings().need("runs_bucket_name"), key, text.encode())
    return {"key": key}


def kept(pointer: Mapping[str, Any]) -> Any:
    """The value behind it. Raises StoreUnavailable."""
    if "text" in pointer:
        return json.loads(pointer["text"])
    return json.loads(objects.get(settings().need("runs_bucket_name"), pointer["key"]))


def given(run: Run) -> Any:
    """The input of a run. Raises NotFound, StoreUnavailable."""
    item = table.get(runs_table(), {"runId": run.id, "item": INPUT})
    if item is None:
        raise unknown(run.id)
    return kept(item["body"])
