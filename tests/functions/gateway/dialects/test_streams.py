"""Any answer, in whatever pieces it comes, is the same streamed as whole: put together by the official SDKs."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects import anthropic_messages, openai_chat
from llm_core.deltas import CallBegun, CallPiece, Delta, Event, Heard, TextPiece, ThinkingPiece
from llm_core.messages import Finish, Usage
from llm_core.providers.anthropic_stream import AnthropicReader
from llm_core.providers.openai_stream import OpenAIReader
from tests.functions.gateway.dialects.conftest import Wire
from tests.functions.gateway.dialects.lives import answer, cut, events, passed, staged, whole
from tests.functions.gateway.dialects.stream_clients import anthropics, openais

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
COUNTS = st.integers(0, 10**6)
BUCKETS = dict.fromkeys(("cache_write_5m", "cache_write_1h", "cache_read", "output", "reasoning"), COUNTS)
USAGES = st.builds(Usage, input=st.integers(1, 10**6), **BUCKETS)
FINISHES: st.SearchStrategy[Finish] = st.sampled_from(["stop", "length", "tool_calls"])


@st.composite
def deltas(draw: st.DrawFn) -> list[Delta]:
    """Texts, thoughts and calls; the pieces of calls in turns, with text between them."""
    left: list[list[str]] = []
    told: list[Delta] = []
    for _ in range(draw(st.integers(0, 8))):
        match draw(st.sampled_from(["text", "thought", "call", "piece", "piece"])):
            case "text":
                told.append(TextPiece(draw(st.text(min_size=1))))
            case "thought":
                told.append(ThinkingPiece(draw(st.text(min_size=1))))
            case "call":
                told.append(CallBegun(len(left), f"call_{len(left)}", draw(st.sampled_from(["f", "get_weather"]))))
                left.append(_cut(draw, json.dumps(draw(st.dictionaries(st.text(), JSON, max_size=3)))))
            case _ if calls := [(index, pieces) for index, pieces in enumerate(left) if pieces]:
                index, pieces = draw(st.sampled_from(calls))
                told.append(CallPiece(index, pieces.pop(0)))
    return told + [CallPiece(index, piece) for index, pieces in enumerate(left) for piece in pieces]


def _cut(draw: st.DrawFn, text: str) -> list[str]:
    places = sorted({0, len(text), *draw(st.lists(st.integers(1, len(text)), max_size=4))})
    return [text[start:end] for start, end in pairwise(places)]


ANSWERS = st.builds(lambda told, finish, usage: answer(*told, finish=finish, usage=usage), deltas(), FINISHES, USAGES)


def of_completion(completion: dict[str, Any]) -> dict[str, Any]:
    """What a caller takes from a completion, without the fields that a helper of the SDK adds."""
    choice = completion["choices"][0]
    message = choice["message"]
    functions = [(call["id"], call["function"]) for call in message.get("tool_calls") or ()]
    return {
        "message": [message["role"], message["content"], message["refusal"]],
        "calls": [(id, function["name"], function["arguments"]) for id, function in functions],
        "finish": choice["finish_reason"],
        "usage": said(completion["usage"]),
    }


def of_message(message: dict[str, Any], usage: dict[str, Any]) -> dict[str, Any]:
    """What a caller takes from a message, and from the last account of its stream."""
    told = {name: message[name] for name in ("role", "stop_reason", "stop_sequence")}
    blocks = [said(block) for block in message["content"]]
    return {**told, "content": blocks, "usage": said(usage)}


def said(value: Any) -> Any:
    """Without what is None: the SDKs' objects have it for whatever was not there."""
    if isinstance(value, dict):
        return {name: said(inner) for name, inner in value.items() if inner is not None}
    return value


@given(ANSWERS)
def test_another_familys_answer_in_openais_chunks_is_the_whole_one(wire: Wire, told: list[Delta]) -> None:
    pieces = staged(events(*told)).sent("openai")
    seen = openais(wire.sends(pieces))["completion"]
    assert of_completion(seen) == of_completion(whole(openai_chat, told))
    again = staged(passed(pieces, OpenAIReader()), "openai").sent("openai")
    assert of_completion(openais(wire.sends(again))["completion"]) == of_completion(seen)


@given(ANSWERS)
def test_another_familys_answer_in_anthropics_events_is_the_whole_one(wire: Wire, told: list[Delta]) -> None:
    pieces = staged(events(*told), "openai").sent("anthropic")
    seen = anthropics(wire.sends(pieces))
    expected = whole(anthropic_messages, told, "openai")
    assert of_message(seen["message"], seen["usage"]) == of_message(expected, expected["usage"])
    again = anthropics(wire.sends(staged(passed(pieces, AnthropicReader())).sent("anthropic")))
    assert of_message(again["message"], again["usage"]) == of_message(seen["message"], seen["usage"])


@given(ANSWERS)
def test_our_own_rooms_hear_in_our_streams_what_was_told(told: list[Delta]) -> None:
    assert heard(passed(staged(events(*told)).sent("openai"), OpenAIReader())) == heard(events(*told))


def heard(told: list[Event]) -> Any:
    """The answer, but for the ids, and for how long was cached what OpenAI has one count for."""
    answer = Heard()
    for event in told:
        answer.hear(event)
    assert answer.usage
    return answer.parts, answer.finish, answer.usage.prompt, answer.usage.cache_read, answer.usage.output


MARKS = (b"[DONE]", b"message_stop", b"message_delta", b'"finish_reason":"', b'"cost_details"', b'"finishReason"')


@given(ANSWERS, st.data())
def test_a_stream_that_is_cut_anywhere_never_looks_whole(told: list[Delta], data: st.DataObject) -> None:
    length = data.draw(st.integers(0, len(told)))
    for dialect, provider in (("openai", "anthropic"), ("anthropic", "openai"), ("native", "anthropic")):
        sent = b"".join(staged(events(*told)[:length], provider, failure=cut()).sent(dialect))
        assert not [mark for mark in MARKS if mark in sent]
