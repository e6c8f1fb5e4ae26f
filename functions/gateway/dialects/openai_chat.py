"""OpenAI Chat Completions, as the openai SDK sends and reads it."""

from __future__ import annotations

import re
from typing import Any

from gateway.dialects.openai_shapes import (
    AnyMessage,
    Assistant,
    Body,
    FilePart,
    Forced,
    Function,
    ImagePart,
    Instruction,
    JsonObject,
    JsonSchema,
    PlainText,
    TextPart,
    ToolMessage,
    User,
    UserPart,
)
from llm_core import shapes
from llm_core.call import Call
from llm_core.errors import InvalidRequest
from llm_core.gateway import Answer
from llm_core.messages import (
    Finish,
    Image,
    Message,
    Opaque,
    Original,
    Output,
    Part,
    Reply,
    Request,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Usage,
)
from llm_core.money import usd

_OURS = {"model", "models", "max_tokens", "max_completion_tokens", "stream", "stream_options"}
"""Fields that the platform decides: they are put anew for each candidate."""

_ONLY_OPENAI = {
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "logit_bias": (),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "reasoning_effort": (),
    "verbosity": (),
}
"""Fields that no other dialect has words for, each with the values that ask for nothing. `seed`, `metadata` and
`prompt_cache_key` are not among them: they promise nothing, so another family may answer without them."""

_DATA_URL = re.compile(r"data:(image/[a-z.+-]+);base64,(.*)", re.DOTALL)


def read(data: bytes) -> Request:
    """The body of POST /v1/chat/completions as a request. Raises InvalidRequest, ParameterNotPriced."""
    value = shapes.parse(data)
    body = shapes.read(Body, value)
    messages = _messages(body.messages)
    if not messages:
        raise InvalidRequest("messages: at least one message must be the user's.", param="messages")
    if body.max_tokens and body.max_completion_tokens and body.max_tokens != body.max_completion_tokens:
        raise InvalidRequest("max_tokens and max_completion_tokens differ. Send one.", param="max_tokens")
    if not body.model and not body.models:
        raise InvalidRequest("model: Field required.", param="model")
    if body.stream_options and not body.stream:
        raise InvalidRequest("stream_options are for a stream: send `stream: true` too.", param="stream_options")
    return Request(
        model=body.model or (body.models or [""])[0],
        models=chain(body.model, body.models),
        messages=messages,
        system="\n\n".join(_text(each.content) for each in body.messages if isinstance(each, Instruction)),
        tools=tuple(_tool(each.function) for each in body.tools or ()),
        tool_choice=_tool_choice(body),
        max_tokens=body.max_completion_tokens or body.max_tokens,
        temperature=body.temperature,
        top_p=body.top_p,
        stop=(body.stop,) if isinstance(body.stop, str) else tuple(body.stop or ()),
        end_user=body.safety_identifier or body.user or "",
        output=_output(body),
        answers=body.n or 1,
        terms={} if body.service_tier in (None, "auto", "default") else {"service_tier": body.service_tier or ""},
        original=_original(value, body),
        stream=bool(body.stream),
        include_usage=bool(body.stream_options and body.stream_options.include_usage),
    )


def chain(model: str, models: list[str] | None) -> tuple[str, ...]:
    """A chain of the caller's own, as OpenRouter has it: the model first, then the others; none without `models`."""
    return tuple(dict.fromkeys(name for name in (model, *models) if name)) if models else ()


def _original(value: dict[str, Any], body: Body) -> Original:
    """What OpenAI gets as it came. `auto` may mean a dearer tier there, so it is not passed on."""
    passed = {name: given for name, given in value.items() if name not in _OURS and given is not None}
    if body.service_tier == "auto":
        del passed["service_tier"]
    asks = [name for name, idle in _ONLY_OPENAI.items() if value.get(name) not in (None, {}, *idle)]
    if isinstance(body.response_format, JsonObject):
        asks.append("response_format")  # Claude follows a schema, and any object is none
    return Original("openai", passed, tuple(asks))


def _output(body: Body) -> Output | None:
    asked = body.response_format
    if asked is None or isinstance(asked, PlainText):
        return None
    return Output(asked.json_schema.name, asked.json_schema.schema_) if isinstance(asked, JsonSchema) else Output()


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
    return tuple(_user_part(part) for part in content)


def _user_part(part: TextPart | ImagePart | FilePart) -> Part:
    match part:
        case TextPart():
            return Text(part.text)
        case ImagePart():
            return _image(part.image_url.url)
        case FilePart():
            return Opaque("file", unseen=True)


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


def _tool(function: Function) -> Tool:
    return Tool(function.name, function.description, function.parameters, function.strict)


def _tool_choice(body: Body) -> ToolChoice:
    parallel = body.parallel_tool_calls is not False
    if isinstance(body.tool_choice, Forced):
        return ToolChoice("tool", body.tool_choice.function.name, parallel)
    return ToolChoice(body.tool_choice or "auto", parallel=parallel)


def write(answer: Answer[Reply]) -> dict[str, Any]:
    """A chat completion. OpenAI's own comes as it is, under our id and the model's name in the catalog.

    One that does not say why it ended may not be all: `length` says so.
    """
    reply, call = answer.reply, answer.call
    head = {"id": call.id, "object": "chat.completion", "created": call.created, "model": answer.model.model}
    if reply.dialect == "openai":
        choices = [
            {**choice, "finish_reason": choice.get("finish_reason") or "length"} for choice in reply.original["choices"]
        ]
        return {**reply.original, **head, "choices": choices, "usage": {**reply.original["usage"], **cost(call)}}
    choice = {"index": 0, "message": _message(reply), "finish_reason": finish_reason(reply.finish), "logprobs": None}
    return {**head, "choices": [choice], "usage": {**usage(reply.usage), **cost(call)}}


def _message(reply: Reply) -> dict[str, Any]:
    text = "".join(part.text for part in reply.parts if isinstance(part, Text))
    calls = [
        {"id": part.id, "type": "function", "function": {"name": part.name, "arguments": part.arguments}}
        for part in reply.parts
        if isinstance(part, ToolCall)
    ]
    refused = reply.finish == "refusal"
    message = {"role": "assistant", "content": None if refused else text or None, "refusal": text if refused else None}
    return message | ({"tool_calls": calls} if calls else {})


def finish_reason(finish: Finish) -> str:
    return "content_filter" if finish == "refusal" else finish


def usage(counted: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": counted.prompt,
        "completion_tokens": counted.output,
        "total_tokens": counted.total,
        "prompt_tokens_details": {
            "cached_tokens": counted.cache_read,
            "cache_write_tokens": counted.cache_write_5m + counted.cache_write_1h,
        },
        "completion_tokens_details": {"reasoning_tokens": counted.reasoning},
    }


def cost(call: Call) -> dict[str, Any]:
    """What stands beside the counts of a usage, as OpenRouter has it: what the caller is charged, what providers bill,
    both in USD; and how many events of a stream could not be read, if any."""
    damaged = {"skipped_events": call.skipped_events} if call.skipped_events else {}
    costs = {"cost": float(usd(call.charged)), "cost_details": {"upstream_inference_cost": float(usd(call.cost))}}
    return costs | damaged
