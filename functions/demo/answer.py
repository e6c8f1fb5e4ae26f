"""POST /public/demo/summarize, /public/demo/classify, /public/demo/complete: a cheap model answers anybody, briefly."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from demo import visits
from llm_core import classification, demo_shapes, gateway, public, shapes, viewer
from llm_core.aws.http import Door, Response
from llm_core.deadline import Deadline
from llm_core.errors import BudgetExceeded, BudgetHeld, InvalidRequest
from llm_core.messages import Message, Reply, Request, Text
from llm_core.prompts.library import prompt

handler = door = Door()

gateway.prepare()

MODEL = "fast"
MOST_TOKENS = 256
SECONDS = 20.0


@door.post("/public/demo/summarize")
def summarize() -> Response:
    body = _read(demo_shapes.Summarize)
    request = Request(MODEL, (Message("user", (Text(body.text),)),), system=prompt("summarize"), max_tokens=MOST_TOKENS)
    return _answered(request, lambda reply: {"summary": _text(reply)})


@door.post("/public/demo/classify")
def classify() -> Response:
    body = _read(demo_shapes.Classify)
    if len(set(body.labels)) < len(body.labels):
        raise InvalidRequest("labels: a label stands there twice.", param="labels")
    request = classification.asked(body.text, body.labels, model="classify", max_tokens=MOST_TOKENS)

    def told(reply: Reply) -> dict[str, Any]:
        label, confidence = classification.chosen(reply, body.labels)
        return {"label": label, "confidence": confidence}

    return _answered(request, told)


@door.post("/public/demo/complete")
def complete() -> Response:
    body = _read(demo_shapes.Complete)
    request = Request(MODEL, (Message("user", (Text(body.prompt),)),), max_tokens=MOST_TOKENS)
    return _answered(request, lambda reply: {"content": _text(reply)})


def _read[T: BaseModel](shape: type[T]) -> T:
    """Raises InvalidRequest before anything is counted."""
    body = door.body()
    if len(body) > demo_shapes.MOST_BYTES:
        raise InvalidRequest("The demos read 4 KB at most. Send less, or run Drey yourself.")
    return shapes.read(shape, shapes.parse(body))


def _answered(request: Request, told: Callable[[Reply], dict[str, Any]]) -> Response:
    """Raises TooOften, and Spent when today's purse is empty."""
    left = visits.count(viewer.address(door.current_event.raw_event), door.deadline)
    try:
        answer = gateway.answer(request, public.caller("demo"), Deadline.after(min(door.deadline.left, SECONDS)))
    except (BudgetExceeded, BudgetHeld) as refused:
        words = "The demos have spent what they may today. Come back tomorrow (UTC), or run Drey yourself: make run."
        raise visits.until_tomorrow(visits.Spent(words)) from refused
    shape = told(answer.reply) | {"model": answer.model.model, "remainingToday": left}
    return Response(200, json.dumps(shape, ensure_ascii=False).encode(), {"Cache-Control": "no-store"})


def _text(reply: Reply) -> str:
    return "".join(part.text for part in reply.parts if isinstance(part, Text))
