"""Logs and metrics: the one place that knows Powertools' Logger and Metrics.

Every log line passes through redaction. In prod an exception is its classes and frames, never its words: the words
of a provider, a validator or a JSON reader may repeat a prompt.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from aws_lambda_powertools.metrics import EphemeralMetrics

from llm_core.redaction import begin_request, redact
from llm_core.settings import in_prod


class _Formatter(LambdaPowertoolsFormatter):
    """Powertools' JSON lines, redacted."""

    def __init__(self) -> None:
        super().__init__(
            utc=True,
            use_rfc3339=True,
            serialize_stacktrace=False,  # its `value` repeats the exception's words beside `exception`
            json_serializer=lambda record: redact(json.dumps(record, default=str, ensure_ascii=True)),
        )

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        if not in_prod():
            return super().formatException(ei)
        lines: list[str] = []
        error: BaseException | None = ei[1]
        while error is not None:
            lines += [type(error).__name__, *traceback.format_tb(error.__traceback__)]
            error = error.__cause__ or error.__context__
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


logger = Logger(logger_formatter=_Formatter())


@contextmanager
def request(**labels: str) -> Iterator[None]:
    """Every line logged inside carries these labels; concurrent requests of one process do not see each other's."""
    begin_request()
    logger.thread_safe_clear_keys()
    logger.thread_safe_append_keys(**labels)
    try:
        yield
    finally:
        logger.thread_safe_clear_keys()


def label(**labels: str) -> None:
    """Add labels to the lines of the current request, once they are known."""
    logger.thread_safe_append_keys(**labels)


def measure(dimensions: Mapping[str, str], **values: tuple[float, str]) -> None:
    """One line of CloudWatch metrics (EMF), apart from any other request's; each value with CloudWatch's unit word."""
    metrics = EphemeralMetrics()
    for name, dimension in dimensions.items():
        metrics.add_dimension(name, dimension)
    for name, (value, unit) in values.items():
        metrics.add_metric(name, unit, value)
    metrics.flush_metrics()
