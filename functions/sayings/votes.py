"""A thumb up or down: kept once, and counted once on its saying and in the sums, in one transaction."""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import dataclass
from typing import Any

from llm_core.aws.stage_catalog import catalog
from llm_core.aws.writes import ConditionFailed, Write, new, together
from llm_core.deadline import Deadline
from llm_core.errors import IdempotencyMismatch, StoreUnavailable
from llm_core.saying_shapes import Feedback
from llm_core.settings import settings
from sayings import services, shelf, sums
from sayings.feedback import Vote
from sayings.saying import Saying, written_by

_SECONDS = 8.0


@dataclass(frozen=True, slots=True)
class Cast:
    """What became of it; `again`: it had been counted before."""

    saying_id: str | None
    vote: Vote
    again: bool = False


def cast(feedback: Feedback, key: str | None) -> Cast:
    """Count it, unless it was counted under the same idempotency key.

    Raises IdempotencyMismatch for a key that stands for another vote; StoreUnavailable, then nothing was counted, and
    the same key may be sent again.
    """
    deadline = Deadline.after(_SECONDS)
    try:
        known = shelf.find(feedback.saying)
        try:
            return _counted(feedback, known, key, deadline)
        except ConditionFailed:  # the saying was taken away between the two
            return _counted(feedback, None, key, deadline)
    except StoreUnavailable as busy:
        busy.retry_after_s = 1
        raise


def _counted(feedback: Feedback, known: Saying | None, key: str | None, deadline: Deadline) -> Cast:
    vote = _vote(feedback, known)
    row = _row(feedback, vote, key)
    steps = [new(settings().need("saying_feedback_table_name"), row, key="feedback_id"), sums.counting(vote)]
    if vote.saying_id:
        change = f"ADD #{'upvotes' if vote.positive else 'downvotes'} :one"
        table = settings().need("main_humor_table_name")
        steps.append(Write(table, {"saying_id": vote.saying_id}, change, "attribute_exists(#saying_id)", {":one": 1}))
    try:
        together(steps, deadline)
    except ConditionFailed as failure:
        there = next((item for item in failure.items if item and "feedback_id" in item), None)
        if there is None:
            raise
        if there["request"] != row["request"]:
            raise IdempotencyMismatch(
                "This Idempotency-Key was sent with another vote. Choose a new one for each."
            ) from failure
        return Cast(there["saying_id"], vote, again=True)
    return Cast(vote.saying_id, vote)


def _vote(feedback: Feedback, known: Saying | None) -> Vote:
    vendor, model = (known.vendor, known.model) if known else written_by(feedback.source, catalog())
    return Vote(
        saying_id=known.id if known else None,
        vendor=vendor,
        model=model,
        positive=feedback.feedback_type == "POSITIVE",
        services=tuple(services.mentioned(feedback.saying)[: sums.MOST_SERVICES]),
        original_llm_time=known.original_llm_time if known else feedback.original_llm_time,
        execution_time=feedback.execution_time,
        is_cached=bool(feedback.is_cached),
    )


def _row(feedback: Feedback, vote: Vote, key: str | None) -> dict[str, Any]:
    """As the table saying_feedback has it; `ts` is epoch milliseconds."""
    name = hashlib.sha256(key.encode()).hexdigest()[:32] if key else secrets.token_hex(16)
    return {
        "feedback_id": name,
        "saying_id": vote.saying_id,
        "saying": feedback.saying,
        "source": feedback.source,
        "feedback_type": feedback.feedback_type,
        "vendor": vote.vendor,
        "model": vote.model,
        "services": list(vote.services),
        "original_llm_time": vote.original_llm_time,
        "execution_time": vote.execution_time,
        "is_cached": vote.is_cached,
        "request": hashlib.sha256(feedback.model_dump_json().encode()).hexdigest(),
        "ts": time.time_ns() // 1_000_000,
    }
