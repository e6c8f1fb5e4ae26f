"""Reads an Anthropic Messages body (Bedrock's too) into a Prompt, refusing what the provider refuses."""

import re
from typing import Any

from local.understudy.fault import Provider
from local.understudy.prompt import Json, Prompt, Segment, Tool, Ttl, Turn
from local.understudy.wire import Refused, as_list, as_object, canonical

CHOICES = {"auto": "auto", "any": "any", "tool": "any", "none": "none"}
SAMPLING = ("temperature", "top_p", "top_k")


def version(model: str) -> tuple[int, int] | None:
    """(major, minor) of a claude model's name; None when it names none."""
    found = re.search(r"claude-(?:[a-z]+-)?(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)", model)
    return (int(found.group(1)), int(found.group(2) or 0)) if found else None


def is_older(model: str) -> bool:
    """The 4.6 family and before: they take sampling parameters, and on Bedrock only the first anthropic_version."""
    found = version(model)
    return found is not None and found <= (4, 6)


def read(body: Json, *, provider: Provider, model: str, key: str, stream: bool, counting: bool = False) -> Prompt:
    """`counting`: for count_tokens, where max_tokens is not asked for."""
    if not counting:
        _check_limits(body, model)
    tools = [as_object(tool, "tools") for tool in as_list(body.get("tools") or [], "tools")]
    segments = [Segment(canonical(tool), cache=_ttl(tool)) for tool in tools]
    system, system_segments = _system(body.get("system"))
    segments += system_segments
    turns, message_segments = _messages(body.get("messages"))
    segments += message_segments
    schema = _schema(body)
    if schema is not None:
        segments.append(Segment(canonical(schema)))
    if (ttl := _ttl(body)) and segments:
        segments[-1] = Segment(segments[-1].text, segments[-1].images, ttl)
    choice = as_object(body.get("tool_choice") or {"type": "auto"}, "tool_choice")
    if choice.get("type") not in CHOICES:
        raise Refused(
            400, "tool_choice: Input tag does not match any of the expected tags: 'auto', 'any', 'tool', 'none'"
        )
    names = [tool.get("name") for tool in tools]
    if choice["type"] == "tool" and choice.get("name") not in names:
        raise Refused(400, f"Tool '{choice.get('name')}' not found in provided tools")
    thinking = body.get("thinking")
    return Prompt(
        provider=provider,
        model=model,
        key=key,
        turns=tuple(turns),
        segments=tuple(segments),
        system=system,
        # Tools that the provider runs itself have no input_schema: the understudy never calls them.
        tools=tuple(
            Tool(str(tool.get("name")), str(tool.get("description") or ""), tool["input_schema"])
            for tool in tools
            if isinstance(tool.get("input_schema"), dict)
        ),
        tool_choice="none" if choice["type"] == "none" else "auto" if choice["type"] == "auto" else "any",
        forced_tool=choice.get("name") if choice["type"] == "tool" else None,
        parallel=not choice.get("disable_parallel_tool_use"),
        schema=schema,
        max_tokens=None if counting else body["max_tokens"],
        stop=tuple(str(stop) for stop in as_list(body.get("stop_sequences") or [], "stop_sequences")),
        thinking=isinstance(thinking, dict) and thinking.get("type") in ("enabled", "adaptive"),
        stream=stream,
    )


def _check_limits(body: Json, model: str) -> None:
    limit = body.get("max_tokens")
    if limit is None:
        raise Refused(400, "max_tokens: Field required", param="max_tokens")
    if isinstance(limit, bool) or not isinstance(limit, int):
        raise Refused(400, "max_tokens: Input should be a valid integer", param="max_tokens")
    if limit < 0:
        raise Refused(400, "max_tokens: Input should be greater than or equal to 0", param="max_tokens")
    if "claude" in model and not is_older(model):
        for name in SAMPLING:
            if body.get(name) is not None:
                raise Refused(400, f"`{name}` is deprecated for this model.", param=name)


def _schema(body: Json) -> Json | None:
    config = body.get("output_config")
    # The older, top-level name is still seen from older clients.
    wanted = (config.get("format") if isinstance(config, dict) else None) or body.get("output_format")
    if wanted is None:
        return None
    if (
        not isinstance(wanted, dict)
        or wanted.get("type") != "json_schema"
        or not isinstance(wanted.get("schema"), dict)
    ):
        raise Refused(400, "output_config.format: Input should be {'type': 'json_schema', 'schema': {...}}")
    return dict(wanted["schema"])


def _ttl(block: Json) -> Ttl | None:
    mark = block.get("cache_control")
    if not isinstance(mark, dict):
        return None
    return "1h" if mark.get("ttl") == "1h" else "5m"


def _system(system: Any) -> tuple[str, list[Segment]]:
    if system is None or system == "":
        return "", []
    if isinstance(system, str):
        return system, [Segment(system)]
    blocks = [as_object(block, "system") for block in as_list(system, "system")]
    texts = [str(block.get("text", "")) for block in blocks]
    return "\n".join(texts), [Segment(text, cache=_ttl(block)) for text, block in zip(texts, blocks, strict=True)]


def _messages(messages: Any) -> tuple[list[Turn], list[Segment]]:
    if messages is None:
        raise Refused(400, "messages: Field required", param="messages")
    turns: list[Turn] = []
    segments: list[Segment] = []
    open_calls: tuple[str, ...] = ()
    if not as_list(messages, "messages"):
        raise Refused(400, "messages: at least one message is required", param="messages")
    for place, message in enumerate(messages):
        where = f"messages.{place}"
        role = as_object(message, where).get("role")
        if role not in ("user", "assistant", "system"):
            raise Refused(400, f"{where}.role: Input should be 'user', 'assistant' or 'system'")
        if place == 0 and role == "assistant":
            raise Refused(400, 'messages: first message must use the "user" role')
        blocks = _blocks(message.get("content"), where)
        segments.append(Segment(str(role)))
        segments += [_segment(block, f"{where}.content.{number}") for number, block in enumerate(blocks)]
        answered = {block.get("tool_use_id") for block in blocks if block.get("type") == "tool_result"}
        _check_pairs(open_calls, answered, where)
        open_calls = tuple(str(block.get("id")) for block in blocks if block.get("type") == "tool_use")
        if role != "system":
            turns.append(_turn(role, blocks))
    if open_calls:
        raise Refused(400, _unanswered(f"messages.{len(messages) - 1}", open_calls))
    return turns, segments


def _check_pairs(calls: tuple[str, ...], answered: set[Any], where: str) -> None:
    before = f"messages.{int(where.removeprefix('messages.')) - 1}"
    if missing := [call for call in calls if call not in answered]:
        raise Refused(400, _unanswered(before, tuple(missing)))
    if stray := [str(call) for call in answered if call not in calls]:
        raise Refused(400, f"{where}: unexpected `tool_use_id` found in `tool_result` blocks: {', '.join(stray)}")


def _unanswered(where: str, calls: tuple[str, ...]) -> str:
    return f"{where}: `tool_use` ids were found without `tool_result` blocks immediately after: {', '.join(calls)}"


def _blocks(content: Any, where: str) -> list[Json]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if content is None:
        raise Refused(400, f"{where}.content: Field required")
    return [as_object(block, f"{where}.content") for block in as_list(content, f"{where}.content")]


def _segment(block: Json, where: str) -> Segment:
    kind = block.get("type")
    if kind == "text":
        if not block.get("text"):
            raise Refused(400, "messages: text content blocks must be non-empty")
        return Segment(str(block["text"]), cache=_ttl(block))
    if kind == "document" and isinstance(source := block.get("source"), dict) and source.get("type") == "text":
        return Segment(str(source.get("data", "")), cache=_ttl(block))
    if kind in ("image", "document"):
        return Segment("", images=1, cache=_ttl(block))
    if not isinstance(kind, str):
        raise Refused(400, f"{where}.type: Field required")
    if kind == "tool_result":
        text, images = _result(block)
        return Segment(f"{block.get('tool_use_id')}{text}", images, _ttl(block))
    return Segment(canonical(block), cache=_ttl(block))


def _result(block: Json) -> tuple[str, int]:
    content = block.get("content")
    if not isinstance(content, list):
        return str(content or ""), 0
    parts = [part for part in content if isinstance(part, dict)]
    texts = [str(part["text"]) if "text" in part else canonical(part) for part in parts if part.get("type") != "image"]
    return "\n".join(texts), sum(part.get("type") == "image" for part in parts)


def _turn(role: str, blocks: list[Json]) -> Turn:
    text = "\n".join(str(block["text"]) for block in blocks if block.get("type") == "text")
    results = tuple(_result(block)[0] for block in blocks if block.get("type") == "tool_result")
    if role == "assistant":
        return Turn("assistant", text)
    # Words beside tool results comment them; they are no new question.
    return (
        Turn("tool", text, results or ("",))
        if any(b.get("type") == "tool_result" for b in blocks)
        else Turn("user", text)
    )
