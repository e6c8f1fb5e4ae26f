"""Four models write sayings: which there are, how one is asked, what is made of its answer.

They are roles of the catalog, so a successor takes over by data. Each is asked through the gateway like any call, on
the public's purse, and nobody answers in its place: the point is to compare them.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from llm_core import gateway, public, routing
from llm_core.aws.stage_catalog import catalog
from llm_core.catalog import Model
from llm_core.deadline import Deadline
from llm_core.errors import DreyError
from llm_core.failures import AllProvidersFailed, ProviderError, ProviderSkipped
from llm_core.gateway import Wishes
from llm_core.messages import Message, Output, Request, Text
from llm_core.prompts.library import prompt
from sayings import draft
from sayings.saying import Saying
from sayings.services import Service

ROLES = ("sayings_haiku", "sayings_sonnet", "sayings_gpt", "sayings_gpt_mini")

MOST_TOKENS = 2_000
"""Of an answer: three sayings are some 150; a model that thinks first needs the rest."""


class BadOutput(DreyError):
    """A model answered, and none of what it wrote is a saying. It is paid for."""

    code = "bad_output"
    error_type = "ApiError:BadOutput"
    retryable = True


def was_asked(error: DreyError) -> bool:
    """Whether a provider was, and what came of it is this error."""
    return isinstance(error, BadOutput | ProviderError) and not isinstance(error, ProviderSkipped)


@dataclass(frozen=True, slots=True)
class Written:
    """`api_ms` is the time of the call, `cost` nano-USD that the provider bills for it."""

    sayings: tuple[Saying, ...]
    api_ms: int
    tokens: int
    cost: int


def choose(resting: Collection[str], draw: random.Random) -> str | None:
    """One of the roles that do not rest, each as likely as any other; None where all do."""
    awake = [role for role in ROLES if role not in resting]
    return draw.choice(awake) if awake else None


def model_of(role: str) -> Model:
    """The model that the role stands for today."""
    return routing.plan(role, catalog()).candidates[0]


def write(role: str, wanted: Sequence[Service], deadline: Deadline, *, retries: int) -> Written:
    """A saying for each service; fewer, if some are unfit. Raises BadOutput for none, and as gateway.answer does."""
    began = time.perf_counter()
    wishes = Wishes(fallback=False, retries=retries, metadata={"role": role})
    try:
        answer = gateway.answer(request(role, wanted), public.caller("sayings"), deadline, wishes)
    except AllProvidersFailed as failed:  # the same one, each time
        raise failed.failures[-1][1] from failed
    took = round((time.perf_counter() - began) * 1000)
    text = "".join(part.text for part in answer.reply.parts if isinstance(part, Text))
    found = draft.read(text, wanted) if answer.reply.finish != "refusal" else {}
    if not found:
        raise BadOutput(f"{answer.model.name} wrote nothing that is a saying ({answer.reply.finish}).")
    made = [Saying(said, service, answer.model.provider, answer.model.model, took) for service, said in found.items()]
    return Written(tuple(made), took, answer.reply.usage.total, answer.call.cost)


def request(role: str, wanted: Sequence[Service]) -> Request:
    """What the model is asked to write: a saying for each service."""
    told = [{"id": service.id, "name": service.name, "does": service.does} for service in wanted]
    return Request(
        model=role,
        messages=(Message("user", (Text(json.dumps({"services": told}, ensure_ascii=False)),)),),
        system=prompt("sayings"),
        max_tokens=min(MOST_TOKENS, model_of(role).max_output),
        output=Output("sayings", _schema(wanted)) if model_of(role).can("structured") else None,
    )


def _schema(wanted: Sequence[Service]) -> dict[str, Any]:
    """One text under each service's id, so that none can be left out."""
    properties = {service.id: {"type": "string"} for service in wanted}
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}
