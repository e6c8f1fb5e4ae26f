"""What is asked about runs: the bodies of those requests."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from llm_core.key_shapes import Order, Usd

MOST_TASKS = 10
"""Of one run: they are all at work at once."""

ToolName = Annotated[str, Field(min_length=1, max_length=100)]
Tools = Annotated[list[ToolName], Field(max_length=50)]
Input = dict[str, Any]
Seq = Annotated[int, Field(ge=0, le=99_999_999)]
"""The number of an event, of at most eight digits as it is kept; 0 for none yet."""


class NewRun(Order):
    """POST /v1/agents/run. `tools`: fewer than the kind may have. `budget`: USD, what the key may spend without it.
    `requireApproval`: tools that a person must allow each time. `tasks`: inputs of runs side by side, instead of one.
    """

    type: Annotated[str, Field(min_length=1, max_length=100)]
    input: Input = Field(default_factory=dict)
    tools: Tools | None = None
    budget: Usd | None = None
    role: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    require_approval: Tools = Field(default_factory=list)
    tasks: Annotated[list[Input], Field(min_length=1, max_length=MOST_TASKS)] | None = None


class Watch(Order):
    """POST /v1/agents/stream, of a run that has begun: its events after `afterSeq`."""

    run_id: str
    after_seq: Seq = 0


class Word(Order):
    """POST /v1/agents/runs/{id}/approve and reject. `hash`: of what was looked at, as the approval event has it."""

    hash: str | None = None
    reason: Annotated[str, Field(max_length=1_000)] = ""
