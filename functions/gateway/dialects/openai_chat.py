"""OpenAI Chat Completions, as the openai SDK sends and reads it."""

from __future__ import annotations

import re
from typing import Any

from gateway.dialects.openai_shapes import (
    AnyMessage,
    Assistant,
    Body,
    Forced,
    Instruction,
    TextPart,
    ToolMessage,
    User,
    UserPart,
)
from llm_core import shapes
from llm_core.errors import InvalidRequest
from llm_core.gateway import Answer
from llm_core.messages import Image, Message, Part, Request, Text, Tool, ToolCall, ToolChoice, ToolResult, Usage
from llm_core.money import usd

_SAYS_NOTHING: dict[str, tuple[Any, ...]] = {
    "frequency_penalty": (0,),
    "logit_bias": (),
    "logprobs": (False,),
    "modalities": (["text"],),
    "n": (1,),
    "presence_penalty": (0,),
    "response_format": ({"type": "text"},),
    "service_tier": ("auto", "default"),
    "store": (False,),
    "stream": (False,),
    "stream_options": (),
    "top_logprobs": (0,),
}
"""Fields that are known but not served yet: only the value that asks for nothing passes."""

_IGNORED = {"metadata", "prompt_cache_key", "seed"}
"""Fields that promise nothing: `seed` is best effort by OpenAI's own words, the others are labels."""

_DATA_URL = re.compile(r"data:(image/[a-z.+-]+);base64,(.*)", re.DOTALL)


def read(data: bytes) -> Request:
    """The body of POST /v1/chat/completions as a request. Raises InvalidRequest, ParameterNotPriced."""
    value = shapes.parse(data)
    if not isinstance(value, dict):
        raise InvalidRequest("The body is not a JSON object.")
    body = shapes.read(Body, _without_idle_fields(value))
    messages = _messages(body.messages)
    if not messages:
        raise InvalidRequest("messages: at least one message must be the user's.", param="messages")
    if body.max_tokens and body.max_completion_tokens and body.max_tokens != body.max_completion_tokens:
        raise InvalidRequest("max_tokens and max_completion_tokens differ. Send one.", param="max_tokens")
    return Request(
        model=body.model,
        messages=messages,
        system="\n\n".join(_text(each.content) for each in body.messages if isinstance(each, Instruction)),
        tools=tuple(Tool(t.function.name, t.function.description, t.function.parameters) for t in body.tools or ()),
        tool_choice=_tool_choice(body),
        max_tokens=body.max_completion_tokens or body.max_tokens,
        temperature=body.temperature,
        top_p=body.top_p,
        stop=(body.stop,) if isinstance(body.stop, str) else tuple(body.stop or ()),
        end_user=body.safety_identifier or body.user or "",
    )


def _without_idle_fields(value: dict[str, Any]) -> dict[str, Any]:
    """The body without what changes nothing. Raises InvalidRequest for a known field that asks for something."""
    for name, idle in _SAYS_NOTHING.items():
        if value.get(name) not in (None, [], {}, *idle):
            raise InvalidRequest(f"{name} is not supported here with this value. Leave it out.", param=name)
    return {name: given for name, given in value.items() if name not in _SAYS_NOTHING and name not in _IGNORED}


def _messages(given: list[AnyMessage]) -> tuple[Message, ...]:
    """The conversation without its instructions; results of one round of tools become one message."""
    messages: list[Message] = []
    for each in given:
        match each:
            case User():
                messages.append(Message("user", _user_parts(each.content)))
            case Assistant():
                messages.append(Message("assistant", _assistant_parts(each)))
            case ToolMessage():
                result = ToolResult(each.tool_call_id, _text(each.content))
                if messages and all(isinstance(part, ToolResult) for part in messages[-1].parts):
                    messages[-1] = Message("user", (*messages[-1].parts, result))
                else:
                    messages.append(Message("user", (result,)))
            case Instruction():
                pass
    return tuple(messages)


def _user_parts(content: str | list[UserPart]) -> tuple[Part, ...]:
    if isinstance(content, str):
        return (Text(content),)
    return tuple(Text(part.text) if isinstance(part, TextPart) else _image(part.image_url.url) for part in content)


def _image(url: str) -> Image:
    inline = _DATA_URL.fullmatch(url)
    if inline:
        return Image(media_type=inline[1], data=inline[2])
    if url.startswith("https://"):
        return Image(url=url)
    raise InvalidRequest("An image is a `data:image/...;base64,` or an `https://` URL.", param="messages")


def _assistant_parts(message: Assistant) -> tuple[Part, ...]:
    said = message.content if message.content is not None else message.refusal
    if isinstance(said, list):
        said = "".join(part.text if isinstance(part, TextPart) else part.refusal for part in said)
    text = (Text(said),) if said else ()
    calls = (ToolCall(call.id, call.function.name, call.function.arguments) for call in message.tool_calls or ())
    return (*text, *calls)


def _text(content: str | list[TextPart]) -> str:
    return content if isinstance(content, str) else "\n".join(part.text for part in content)


def _tool_choice(body: Body) -> ToolChoice:
    parallel = body.parallel_tool_calls is not False
    if isinstance(body.tool_choice, Forced):
        return ToolChoice("tool", body.tool_choice.function.name, parallel)
    return ToolChoice(body.tool_choice or "auto", parallel=parallel)


def write(answer: Answer) -> dict[str, Any]:
    """A chat completion; `usage.cost` is what the caller is charged, in USD, as OpenRouter has it."""
    reply = answer.reply
    text = "".join(part.text for part in reply.parts if isinstance(part, Text))
    calls = [
        {"id": part.id, "type": "function", "function": {"name": part.name, "arguments": part.arguments}}
        for part in reply.parts
        if isinstance(part, ToolCall)
    ]
    refused = reply.finish == "refusal"
    message = {"role": "assistant", "content": None if refused else text or None, "refusal": text if refused else None}
    return {
        "id": answer.id,
        "object": "chat.completion",
        "created": answer.created,
        "model": answer.model.model,
        "choices": [
            {
                "index": 0,
                "message": message | ({"tool_calls": calls} if calls else {}),
                "finish_reason": "content_filter" if refused else reply.finish,
                "logprobs": None,
            }
        ],
        "usage": _usage(reply.usage)
        | {"cost": float(usd(answer.charged)), "cost_details": {"upstream_inference_cost": float(usd(answer.cost))}},
    }


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.output,
        "total_tokens": usage.total,
        "prompt_tokens_details": {
            "cached_tokens": usage.cache_read,
            "cache_write_tokens": usage.cache_write_5m + usage.cache_write_1h,
        },
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }
