"""OpenAI Responses, as the openai SDK and the agents built on it send and read it.

No provider is asked in it. A request is said in Chat Completions first: OpenAI's models get all of it that has words
there, and other families what Chat Completions are translated to. Nothing is kept between two requests.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic_core import to_json

from gateway.dialects import openai_chat
from gateway.dialects.openai_responses_items import answered, as_messages
from gateway.dialects.openai_responses_shapes import (
    Body,
    Forced,
    Instruction,
    JsonSchema,
    Reasoning,
    TextConfig,
)
from llm_core import shapes
from llm_core.aws import refusals
from llm_core.aws.refusals import Kind
from llm_core.call import Call
from llm_core.catalog import Model
from llm_core.errors import DreyError, InvalidRequest
from llm_core.gateway import Answer
from llm_core.messages import Finish, Reply, Request, Usage

Json = dict[str, Any]

_NAMES = {
    "messages": "input",
    "max_tokens": "max_output_tokens",
    "response_format": "text.format",
    "reasoning_effort": "reasoning.effort",
    "verbosity": "text.verbosity",
}
"""Fields of Chat Completions, and where they stand here."""

_ECHOED: Json = {
    "instructions": None,
    "parallel_tool_calls": True,
    "temperature": None,
    "tool_choice": "auto",
    "tools": [],
    "top_p": None,
    "metadata": {},
    "prompt_cache_key": None,
    "safety_identifier": None,
    "user": None,
}
"""Fields of the request that its response repeats, and what stands there where they were not sent."""

_REASON: Mapping[Finish, str] = {"length": "max_output_tokens", "refusal": "content_filter"}
"""Why an answer is not whole."""


def read(data: bytes) -> Request:
    """The body of POST /v1/responses as a request. Raises InvalidRequest, ParameterNotPriced."""
    value = shapes.parse(data)
    body = shapes.read(Body, value)
    if isinstance(body.input, list) and all(isinstance(item, Instruction | Reasoning) for item in body.input):
        raise InvalidRequest("input: at least one item must be the user's.", param="input")
    request = openai_chat.read(to_json(_as_chat(body)))
    assert request.original is not None  # noqa: S101 - for the type checker: a chat has one
    only = tuple(_NAMES.get(name, name) for name in request.original.only)
    return replace(request, original=replace(request.original, only=only), echo=_echo(value))


def _as_chat(body: Body) -> Json:
    """The request in Chat Completions. `metadata` stays here: OpenAI takes it for what it keeps only."""
    instructions = [{"role": "system", "content": body.instructions}] if body.instructions else []
    asked = [{"role": "user", "content": body.input}] if isinstance(body.input, str) else as_messages(body.input)
    chat = {
        "model": body.model,
        "models": body.models,
        "messages": [*instructions, *asked],
        "max_completion_tokens": body.max_output_tokens,
        "temperature": body.temperature,
        "top_p": body.top_p,
        "response_format": _format(body.text),
        "verbosity": body.text and body.text.verbosity,
        "reasoning_effort": body.reasoning and body.reasoning.effort,
        "user": body.user,
        "safety_identifier": body.safety_identifier,
        "prompt_cache_key": body.prompt_cache_key,
        "service_tier": body.service_tier,
        "stream": body.stream,
        **_tools(body),
    }
    return {name: value for name, value in chat.items() if value is not None}


def _tools(body: Body) -> Json:
    """Without tools OpenAI takes no word about their choice."""
    if not body.tools:
        return {}
    choice: Any = body.tool_choice
    if isinstance(choice, Forced):
        choice = {"type": "function", "function": {"name": choice.name}}
    functions = [tool.model_dump(exclude={"type"}, exclude_none=True) for tool in body.tools]
    tools = [{"type": "function", "function": function} for function in functions]
    return {"tools": tools, "tool_choice": choice, "parallel_tool_calls": body.parallel_tool_calls}


def _format(text: TextConfig | None) -> Json | None:
    if text is None or text.format is None:
        return None
    if not isinstance(text.format, JsonSchema):
        return {"type": text.format.type}
    schema = text.format.model_dump(exclude={"type"}, exclude_none=True, by_alias=True)
    return {"type": "json_schema", "json_schema": schema}


def _echo(value: Json) -> Json:
    sent = {name: value.get(name) for name in _ECHOED}
    reasoning = value.get("reasoning") or {}
    return {
        **{name: _ECHOED[name] if given is None else given for name, given in sent.items()},
        "text": {"format": {"type": "text"}, **(value.get("text") or {})},
        "reasoning": {"effort": reasoning.get("effort"), "summary": None},
    }


def write(answer: Answer[Reply], request: Request) -> Json:
    """A response, with the items of its answer."""
    reply = answer.reply
    told = begun(answer.call, answer.model, answer.limit, request)
    output = answered(answer.call.id, reply.parts, whole=reply.finish not in _REASON, refused=reply.finish == "refusal")
    return {**told, "output": output, **ended(answer.call, reply.finish, reply.usage, reply.terms)}


def begun(call: Call, model: Model, limit: int, request: Request) -> Json:
    """A response of which nothing is written yet. Its id is the call's, as OpenAI's clients know one."""
    return {
        "id": f"resp_{call.id.removeprefix('gen-')}",
        "object": "response",
        "created_at": call.created,
        "status": "in_progress",
        "background": False,
        "completed_at": None,
        "error": None,
        "incomplete_details": None,
        "max_output_tokens": limit or None,
        "model": model.model,
        "output": [],
        "previous_response_id": None,
        "service_tier": None,
        "store": False,
        "top_logprobs": 0,
        "truncation": "disabled",
        "usage": None,
        **request.echo,
    }


def ended(call: Call, finish: Finish, usage: Usage | None, terms: Mapping[str, str] | None) -> Json:
    """What a response says of itself when its answer has ended and is paid."""
    reason = _REASON.get(finish)
    return {
        "status": "incomplete" if reason else "completed",
        "completed_at": None if reason else int(time.time()),
        "incomplete_details": {"reason": reason} if reason else None,
        "service_tier": (terms or {}).get("service_tier", "default"),
        "usage": {**(_usage(usage) if usage else {}), **openai_chat.cost(call)},
    }


def _usage(counted: Usage) -> Json:
    written = counted.cache_write_5m + counted.cache_write_1h
    return {
        "input_tokens": counted.prompt,
        "input_tokens_details": {"cached_tokens": counted.cache_read, "cache_write_tokens": written},
        "output_tokens": counted.output,
        "output_tokens_details": {"reasoning_tokens": counted.reasoning},
        "total_tokens": counted.total,
    }


def refusal(error: DreyError, kind: Kind, message: str, request_id: str) -> Json:
    """OpenAI's error, with this dialect's name of the field."""
    body = refusals.openai(error, kind, message, request_id)
    return {**body, "error": {**body["error"], "param": _NAMES.get(error.param or "", error.param)}}
