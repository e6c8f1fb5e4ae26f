"""The state machine of the agents: its executions are started, stopped and answered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from llm_core.aws import clients, tracing
from llm_core.aws.table import unavailable

_STARTED = {"ExecutionAlreadyExists"}
_OVER = {"ExecutionDoesNotExist", "ValidationException"}
_ANSWERED = {"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"}


def start(machine: str, name: str, event: Mapping[str, Any]) -> None:
    """Start the execution of this name, unless it has been; its steps belong to this trace. Raises StoreUnavailable."""
    with tracing.span("state machine") as span:
        span.annotate(execution=name)
        traced: Any = {"traceHeader": span.place.header} if span.place else {}
        try:
            clients.states().start_execution(stateMachineArn=machine, name=name, input=json.dumps(event), **traced)
        except clients.FAILURES as error:
            if _code(error) not in _STARTED:
                raise unavailable(error) from error


def stop(machine: str, name: str) -> None:
    """Stop it; one that is over, or was never started, is fine. Raises StoreUnavailable."""
    execution = f"{machine.replace(':stateMachine:', ':execution:')}:{name}"
    try:
        clients.states().stop_execution(executionArn=execution)
    except clients.FAILURES as error:
        if _code(error) not in _OVER:
            raise unavailable(error) from error


def answer(token: str) -> None:
    """Let the task that waits with this token go on; one that has gone on is fine. Raises StoreUnavailable."""
    try:
        clients.states().send_task_success(taskToken=token, output="{}")
    except clients.FAILURES as error:
        if _code(error) not in _ANSWERED:
            raise unavailable(error) from error


def _code(error: Exception) -> str:
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
