"""Traces of a stage, from X-Ray's own API, with the operator's credentials."""

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from local.project import CannotStart
from local.traces import Trace, assembled

MOST = 500
"""Traces that are read: X-Ray gives five at a time."""
_AT_ONCE = 5


def traces(stage: str, minutes: int, wanted: Mapping[str, str]) -> list[Trace]:
    """The newest traces of the last `minutes` whose spans carry these annotations. Raises CannotStart."""
    try:
        client = boto3.client("xray")
        ids = _ids(client, stage, minutes, wanted)
        return assembled(document for some in _batches(ids) for document in _documents(client, some))
    except (ClientError, BotoCoreError) as error:
        raise CannotStart(f"X-Ray cannot be read: {error}") from None


def _ids(client: Any, stage: str, minutes: int, wanted: Mapping[str, str]) -> list[str]:
    said = {"stage": stage, **wanted}
    expression = " AND ".join(f"annotation.{name} = {_literal(value)}" for name, value in said.items())
    now = time.time()
    pages = client.get_paginator("get_trace_summaries").paginate(
        StartTime=now - minutes * 60, EndTime=now, FilterExpression=expression
    )
    found = [summary for page in pages for summary in page["TraceSummaries"]]
    return [each["Id"] for each in sorted(found, key=lambda each: each["Id"], reverse=True)][:MOST]


def _literal(value: str) -> str:
    """As X-Ray's filter expressions write it: numbers and truths bare, words in quotes."""
    bare = value in ("true", "false") or value.isdigit()
    return value if bare else json.dumps(value)


def _batches(ids: list[str]) -> Iterator[list[str]]:
    for first in range(0, len(ids), _AT_ONCE):
        yield ids[first : first + _AT_ONCE]


def _documents(client: Any, ids: list[str]) -> Iterator[Any]:
    for page in client.get_paginator("batch_get_traces").paginate(TraceIds=ids):
        for trace in page["Traces"]:
            for segment in trace["Segments"]:
                yield {"trace_id": trace["Id"], **json.loads(segment["Document"])}
