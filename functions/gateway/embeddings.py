"""POST /v1/embeddings, /v1/embed: vectors of texts."""

from __future__ import annotations

import time

from gateway import account
from gateway.dialects import native, openai_embeddings
from gateway.idempotency import once
from llm_core import callers, gateway
from llm_core.aws import refusals
from llm_core.aws.http import Door, Response

handler = door = Door({"/v1/embeddings": refusals.openai})

gateway.prepare("openai")


@door.post("/v1/embeddings")
def embeddings() -> Response:
    started, caller = time.perf_counter(), callers.admit(door.api_key(), "ai:embed")

    def run() -> Response:
        body, encoding = openai_embeddings.read(door.body())
        answer = gateway.embed(body, caller, door.deadline, account.wishes(door))
        return account.response(answer, openai_embeddings.write(answer, encoding), started)

    return once(door, caller, run)


@door.post("/v1/embed")
def embed() -> Response:
    started, caller = time.perf_counter(), callers.admit(door.api_key(), "ai:embed")

    def run() -> Response:
        answer = gateway.embed(native.read_embedding(door.body()), caller, door.deadline, account.wishes(door))
        return account.response(answer, native.write_embedding(answer), started)

    return once(door, caller, run)
