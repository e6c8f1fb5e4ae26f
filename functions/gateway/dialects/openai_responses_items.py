"""Items of OpenAI Responses: those of a request as messages of a chat, those of an answer from its parts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from gateway.dialects.openai_responses_shapes import (
    Assistant,
    FunctionCall,
    FunctionCallOutput,
    InputFile,
    InputImage,
    InputText,
    Instruction,
    Item,
    SaidText,
    User,
    UserPart,
)
from llm_core.messages import Text, ToolCall

Json = dict[str, Any]


def as_messages(items: Iterable[Item]) -> list[Json]:
    """What a model said in one go, its text and its calls, is one message of a chat.

    A tool's message has words only there: pictures and files that tools gave back follow all of them as the user's.
    """
    messages: list[Json] = []
    shown: list[Json] = []
    for item in items:
        if shown and not isinstance(item, FunctionCallOutput):
            messages.append({"role": "user", "content": shown})
            shown = []
        match item:
            case Instruction():
                messages.append({"role": item.role, "content": _text(item.content)})
            case User():
                messages.append({"role": "user", "content": _content(item.content)})
            case Assistant():
                said = _latest_said(messages)
                said["content"] = f"{said['content']}\n\n{_said(item)}" if said["content"] else _said(item)
            case FunctionCall():
                function = {"name": item.name, "arguments": item.arguments}
                call = {"id": item.call_id, "type": "function", "function": function}
                _latest_said(messages).setdefault("tool_calls", []).append(call)
            case FunctionCallOutput():
                messages.append({"role": "tool", "tool_call_id": item.call_id, "content": _result(item)})
                if not isinstance(item.output, str):
                    shown += [_part(part) for part in item.output if not isinstance(part, InputText)]
    return [*messages, {"role": "user", "content": shown}] if shown else messages


def _latest_said(messages: list[Json]) -> Json:
    """The model's message that is still going on, or a new one."""
    if not messages or messages[-1]["role"] != "assistant":
        messages.append({"role": "assistant", "content": None})
    return messages[-1]


def _said(item: Assistant) -> str:
    if isinstance(item.content, str):
        return item.content
    return "".join(part.text if isinstance(part, SaidText) else part.refusal for part in item.content)


def _text(content: str | list[InputText]) -> str:
    return content if isinstance(content, str) else "\n".join(part.text for part in content)


def _result(item: FunctionCallOutput) -> str:
    if isinstance(item.output, str):
        return item.output
    words = [part.text for part in item.output if isinstance(part, InputText)]
    return "\n".join(words) if words or not item.output else "What it gave back follows."


def _content(content: str | list[UserPart]) -> str | list[Json]:
    return content if isinstance(content, str) else [_part(part) for part in content]


def _part(part: UserPart) -> Json:
    match part:
        case InputText():
            return {"type": "text", "text": part.text}
        case InputImage():
            detail = {"detail": part.detail} if part.detail else {}
            return {"type": "image_url", "image_url": {"url": part.image_url, **detail}}
        case InputFile():
            return {"type": "file", "file": part.model_dump(exclude={"type"}, exclude_none=True)}


def answered(call_id: str, parts: Sequence[Text | ToolCall], *, whole: bool, refused: bool = False) -> list[Json]:
    """The answer's items; of one that is not whole the last is not."""
    items: list[Json] = []
    for is_text, group in groupby(parts, lambda part: isinstance(part, Text)):
        if is_text:
            text = "".join(part.text for part in group if isinstance(part, Text))
            items.append({**message(call_id, len(items)), "content": [refusal(text) if refused else output_text(text)]})
        else:
            calls = [part for part in group if isinstance(part, ToolCall)]
            items += [
                {**function_call(call_id, len(items) + place, call.id, call.name), "arguments": call.arguments}
                for place, call in enumerate(calls)
            ]
    for item in items:
        item["status"] = "completed" if whole or item is not items[-1] else "incomplete"
    return items


def message(call_id: str, index: int) -> Json:
    """The answer's `index`-th item, a message in which nothing is said yet."""
    return {
        "id": _id("msg", call_id, index),
        "type": "message",
        "status": "in_progress",
        "role": "assistant",
        "content": [],
    }


def function_call(call_id: str, index: int, id: str, name: str) -> Json:
    """The answer's `index`-th item, a call whose arguments are not there yet."""
    return {
        "id": _id("fc", call_id, index),
        "type": "function_call",
        "status": "in_progress",
        "call_id": id,
        "name": name,
        "arguments": "",
    }


def output_text(text: str) -> Json:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def refusal(text: str) -> Json:
    return {"type": "refusal", "refusal": text}


def _id(kind: str, call_id: str, index: int) -> str:
    return f"{kind}_{call_id.removeprefix('gen-')}_{index}"
