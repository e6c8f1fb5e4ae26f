"""Reads an OpenAI Chat Completions body into a Prompt, refusing what the provider refuses."""

import re
from typing import Any, Literal

from local.understudy.prompt import Json, Prompt, Segment, Tool, Turn
from local.understudy.wire import Refused, as_object, canonical

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
MOST_COPIES = 128


def read(body: Json, *, model: str, key: str) -> Prompt:
    tools, tool_segments = _tools(body.get("tools") or [])
    turns, system, segments = _messages(body)
    schema, schema_segments = _schema(body, segments)
    choice, forced = _choice(body.get("tool_choice"), tools)
    stop = body.get("stop") or []
    options = body.get("stream_options") or {}
    if options and not body.get("stream"):
        raise Refused(
            400, "The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options"
        )
    return Prompt(
        provider="openai",
        model=model,
        key=key,
        turns=tuple(turns),
        segments=(*tool_segments, *segments, *schema_segments),
        system=system,
        tools=tools,
        tool_choice=choice,
        forced_tool=forced,
        parallel=body.get("parallel_tool_calls") is not False,
        schema=schema,
        max_tokens=_limit(body, model),
        stop=(stop,) if isinstance(stop, str) else tuple(str(word) for word in stop),
        stream=bool(body.get("stream")),
        include_usage=bool(as_object(options, "stream_options").get("include_usage")),
        copies=_copies(body.get("n")),
        tier=_tier(body.get("service_tier")),
    )


def _limit(body: Json, model: str) -> int | None:
    # The reasoning families know only the new name.
    if body.get("max_tokens") is not None and re.match(r"(o\d|gpt-[5-9])", model):
        words = (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        )
        raise Refused(400, words, param="max_tokens", code="unsupported_parameter")
    limit = body.get("max_completion_tokens")
    limit, name = (body.get("max_tokens"), "max_tokens") if limit is None else (limit, "max_completion_tokens")
    if limit is None:
        return None
    if isinstance(limit, bool) or not isinstance(limit, int):
        raise Refused(400, f"Invalid type for '{name}': expected an integer.", param=name, code="invalid_type")
    if limit < 1:
        words = f"Invalid '{name}': integer below minimum value. Expected a value >= 1, but got {limit} instead."
        raise Refused(400, words, param=name, code="integer_below_min_value")
    return limit


def _tier(wanted: Any) -> str:
    """The tier of service that is applied: what was asked for, `auto` being the default."""
    return str(wanted) if wanted not in (None, "auto") else "default"


def _copies(wanted: Any) -> int:
    if wanted is None:
        return 1
    if isinstance(wanted, bool) or not isinstance(wanted, int) or not 1 <= wanted <= MOST_COPIES:
        raise Refused(400, f"Invalid 'n': expected an integer from 1 to {MOST_COPIES}.", param="n")
    return wanted


def _tools(wanted: Any) -> tuple[tuple[Tool, ...], list[Segment]]:
    tools = []
    for place, tool in enumerate(wanted):
        function = as_object(tool, f"tools[{place}]").get("function")
        if not isinstance(function, dict) or not function.get("name"):
            missing = f"tools[{place}].function"
            raise Refused(
                400, f"Missing required parameter: '{missing}'.", param=missing, code="missing_required_parameter"
            )
        parameters = function.get("parameters") or {"type": "object", "properties": {}}
        tools.append(Tool(str(function["name"]), str(function.get("description") or ""), parameters))
    return tuple(tools), [Segment(canonical(tool)) for tool in wanted]


def _choice(wanted: Any, tools: tuple[Tool, ...]) -> tuple[Literal["auto", "any", "none"], str | None]:
    if wanted in (None, "auto"):
        return "auto", None
    if not tools:
        raise Refused(400, "'tool_choice' is only allowed when 'tools' are specified.", param="tool_choice")
    if wanted == "none":
        return "none", None
    if wanted == "required":
        return "any", None
    name = (wanted.get("function") or {}).get("name") if isinstance(wanted, dict) else None
    if name not in [tool.name for tool in tools]:
        raise Refused(400, "Tool choice names a function that is not in 'tools'.", param="tool_choice")
    return "any", name


def _schema(body: Json, segments: list[Segment]) -> tuple[Json | None, list[Segment]]:
    wanted = body.get("response_format")
    kind = as_object(wanted, "response_format").get("type") if wanted is not None else "text"
    if kind == "text":
        return None, []
    if kind == "json_object":
        if not any("json" in segment.text.lower() for segment in segments):
            words = (
                "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
            )
            raise Refused(400, words, param="messages")
        return {"type": "object", "properties": {"subject": {"type": "string"}, "answer": {"type": "string"}}}, []
    named = wanted.get("json_schema") if isinstance(wanted, dict) else None
    if kind != "json_schema" or not isinstance(named, dict) or not named.get("name"):
        missing = "response_format.json_schema"
        raise Refused(
            400, f"Missing required parameter: '{missing}'.", param=missing, code="missing_required_parameter"
        )
    return named.get("schema") or {}, [Segment(canonical(named))]


def _messages(body: Json) -> tuple[list[Turn], str, list[Segment]]:
    messages = body.get("messages")
    if messages is None:
        raise Refused(
            400, "Missing required parameter: 'messages'.", param="messages", code="missing_required_parameter"
        )
    if not isinstance(messages, list):
        raise Refused(
            400, "Invalid type for 'messages': expected an array of objects.", param="messages", code="invalid_type"
        )
    if not messages:
        words = (
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead."
        )
        raise Refused(400, words, param="messages", code="empty_array")
    turns: list[Turn] = []
    system: list[str] = []
    segments: list[Segment] = []
    waiting: list[str] = []
    for place, message in enumerate(messages):
        role = as_object(message, f"messages[{place}]").get("role")
        if role not in ROLES:
            raise Refused(400, f"Invalid value: '{role}'.", param=f"messages[{place}].role", code="invalid_value")
        waiting = _answering(waiting, message, place)
        text, images = _content(message.get("content"))
        calls = message.get("tool_calls") or []
        segments += [Segment(f"{role}{message.get('name') or ''}"), Segment(text, images)]
        segments += [Segment(canonical(call)) for call in calls]
        if role in ("system", "developer"):
            system.append(text)
        elif role in ("tool", "function"):
            turns.append(Turn("tool", results=(text,)))
        elif role == "assistant":
            turns.append(Turn("assistant", text))
        else:
            turns.append(Turn("user", text))
    if waiting:
        raise Refused(400, _unanswered(waiting), param="messages")
    return turns, "\n".join(system), segments


def _answering(waiting: list[str], message: Json, place: int) -> list[str]:
    """The tool calls still without an answer after this message."""
    if message["role"] == "tool":
        if message.get("tool_call_id") not in waiting:
            rule = "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'."
            raise Refused(400, f"Invalid parameter: {rule}", param=f"messages.[{place}].role")
        return [call for call in waiting if call != message["tool_call_id"]]
    if waiting:
        raise Refused(400, _unanswered(waiting), param=f"messages.[{place}].role")
    return [str(call.get("id")) for call in message.get("tool_calls") or []]


def _unanswered(waiting: list[str]) -> str:
    return (
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
        f"The following tool_call_ids did not have response messages: {', '.join(waiting)}"
    )


def _content(content: Any) -> tuple[str, int]:
    if content is None or isinstance(content, str):
        return content or "", 0
    parts = [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []
    images = [part for part in parts if part.get("type") in ("image_url", "input_audio", "file")]
    texts = [str(part.get("text") or part.get("refusal") or "") for part in parts if part not in images]
    return "\n".join(texts), len(images)
