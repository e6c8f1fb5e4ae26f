"""An answer told in OpenAI's chunks: Claude's in its words, OpenAI's own as it came, each under our id and price."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.dialects import openai_chat
from llm_core.deltas import CallBegun, CallPiece, Delta, Event, TextPiece, ThinkingPiece
from llm_core.errors import LedgerUnavailable
from llm_core.providers.openai_stream import OpenAIReader
from tests.functions.gateway.dialects.conftest import Wire
from tests.functions.gateway.dialects.lives import (
    CALLS,
    CLAUDE,
    CREATED,
    GPT,
    TALK,
    answer,
    cut,
    events,
    passed,
    read,
    staged,
    whole,
)
from tests.functions.gateway.dialects.stream_clients import openais

COST = {"cost": 0.001020108, "cost_details": {"upstream_inference_cost": 0.001000105}}
HEAD = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4.1-mini-2025-04-14"}
COUNTED = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7, "prompt_tokens_details": {"cached_tokens": 4}}


def chunk(*choices: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**HEAD, "service_tier": "default", "choices": [*choices], **more}


def choice(index: int = 0, finish: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}


def gpts(*chunks: dict[str, Any]) -> list[Event]:
    """OpenAI's own events, as its room reads them."""
    pieces = [b"data: " + json.dumps(each).encode() + b"\n\n" for each in chunks]
    return passed([*pieces, b"data: [DONE]\n\n"], OpenAIReader())


# Another family's answer


def test_an_answer_is_told_in_chunks_under_our_id() -> None:
    stage = staged(events(*answer(*TALK)))
    first, second, last, end = read(stage.sent("openai", include_usage=False))
    assert first == {
        "id": stage.live.call.id,
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": CLAUDE.model,
        "choices": [choice(role="assistant", content="Let me ", refusal=None)],
    }
    assert second["choices"] == [choice(content="look. 🐿️")]
    assert last["choices"] == [choice(finish="stop")]
    assert end == "[DONE]"


def test_the_account_comes_last_and_only_to_those_who_ask() -> None:
    *_, last, account, end = read(staged(events(*answer(*TALK))).sent("openai"))
    assert last["usage"] is None
    assert account["choices"] == []
    assert account["usage"] == whole(openai_chat, answer(*TALK))["usage"]
    assert account["usage"].items() >= COST.items()
    assert end == "[DONE]"
    unasked = staged(events(*answer(*TALK))).sent("openai", include_usage=False)
    assert b"usage" not in b"".join(unasked)


def test_a_call_of_a_tool_is_begun_with_its_name_and_goes_on_in_pieces() -> None:
    told = read(staged(events(*answer(*CALLS, finish="tool_calls"))).sent("openai", include_usage=False))
    deltas = [each["choices"][0]["delta"] for each in told[:-1]]
    assert deltas == [
        {"role": "assistant", "content": None, "refusal": None, **begun(0, "call_a", "get_weather")},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"city": '}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '"Lisbon"}'}}]},
        begun(1, "call_b", "get_time"),
        {"tool_calls": [{"index": 1, "function": {"arguments": "{}"}}]},
        {},
    ]
    assert told[-2]["choices"][0]["finish_reason"] == "tool_calls"


def begun(index: int, id: str, name: str) -> dict[str, Any]:
    return {"tool_calls": [{"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": ""}}]}


def test_what_claude_thinks_is_not_said_as_little_as_in_a_whole_answer() -> None:
    told = staged(events(*answer(ThinkingPiece("hm"), TextPiece("Four.")))).sent("openai")
    assert b"hm" not in b"".join(told)
    assert read(told)[0]["choices"] == [choice(role="assistant", content="Four.", refusal=None)]


def test_an_answer_without_a_word_has_a_role_and_an_end() -> None:
    only, _, end = read(staged(events(*answer(finish="refusal"))).sent("openai"))
    assert only["choices"] == [choice(finish="content_filter", role="assistant", content=None, refusal=None)]
    assert end == "[DONE]"


def test_what_was_said_before_a_refusal_stays_said(wire: Wire) -> None:
    pieces = staged(events(*answer(*TALK, finish="refusal"))).sent("openai")
    told = [each["choices"][0] for each in read(pieces)[:3]]
    assert [(each["delta"].get("content"), each["finish_reason"]) for each in told] == [
        ("Let me ", None),
        ("look. 🐿️", None),
        (None, "content_filter"),
    ]


def test_what_the_provider_did_not_count_is_not_counted_here() -> None:
    *_, account, _ = read(staged(events(*answer(*TALK, usage=None))).sent("openai"))
    assert account["usage"] == COST


# OpenAI's own


def test_openais_own_chunks_arrive_as_they_came_but_for_id_and_name() -> None:
    own = [
        chunk(choice(role="assistant", content="", refusal=None), system_fingerprint="fp_1", obfuscation="x7"),
        chunk(choice(content="Hi"), something_new={"deep": [1.5, None, "é\u2028"]}),
        chunk(choice(finish="stop")),
    ]
    stage = staged(gpts(*own, chunk(usage=COUNTED)), "openai")
    told = read(stage.sent("openai", include_usage=False))
    ours = {"id": stage.live.call.id, "created": CREATED, "model": GPT.model}
    assert told == [*({**each, **ours} for each in own), "[DONE]"]


def test_openais_own_account_has_the_cost_too_wherever_it_was_told() -> None:
    hi, bye = chunk(choice(content="Hi")), chunk(choice(finish="stop"))
    apart = gpts({**hi, "usage": None}, bye, chunk(usage=COUNTED))
    within = gpts(hi, {**bye, "usage": COUNTED})
    twice = gpts({**hi, "usage": {"prompt_tokens": 1, "completion_tokens": 1}}, {**bye, "usage": COUNTED})
    for own in (apart, within, twice):
        told = read(staged(own, "openai").sent("openai"))
        assert [each["usage"] for each in told[:-2]] == [None] * (len(told) - 2)
        assert told[-2]["usage"] == {**COUNTED, **COST}
        assert (told[-2]["choices"], told[-2]["service_tier"]) == ([], "default")


def test_of_several_answers_none_waits_for_another() -> None:
    own = gpts(
        chunk(choice(0, content="a")),
        chunk(choice(0, "stop")),
        chunk(choice(1, content="b")),
        chunk(choice(1, "length")),
        chunk(usage=COUNTED),
    )
    stage = staged(own, "openai")
    told = read(stage.sent("openai", include_usage=False))
    spoken = [(each["choices"][0]["index"], each["choices"][0]["finish_reason"]) for each in told[:-1]]
    assert spoken == [(0, None), (1, None), (0, "stop"), (1, "length")]


def test_a_chunk_about_nothing_passes_too() -> None:
    """Some servers open with one about their filter."""
    own = gpts(chunk(prompt_filter_results=[]), chunk(choice(content="a")), chunk(choice(finish="stop")))
    assert read(staged(own, "openai").sent("openai"))[0]["prompt_filter_results"] == []


# Its end


OWN = gpts(*(chunk(choice(content=word)) for word in "abc"), chunk(choice(finish="stop")), chunk(usage=COUNTED))
ANSWERS = {
    "Claude's": (events(*answer(*TALK, *CALLS, finish="tool_calls")), "anthropic"),
    "OpenAI's": (OWN, "openai"),
}


@pytest.mark.parametrize(("told", "provider"), ANSWERS.values(), ids=ANSWERS)
def test_a_finish_reason_leaves_only_when_the_answer_is_paid(told: list[Event], provider: str) -> None:
    stage = staged(told, provider)
    for piece in stage.pieces("openai"):
        ends = b"[DONE]" in piece or b'"finish_reason":"' in piece or b'"cost"' in piece
        assert not ends or stage.booking.ended


@pytest.mark.parametrize(("told", "provider"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_that_breaks_off_anywhere_ends_in_an_error_and_never_looks_whole(
    wire: Wire, told: list[Event], provider: str
) -> None:
    for length in range(len(told) + 1):
        *said, failure = staged(told[:length], provider, failure=cut()).sent("openai")
        assert b'"finish_reason":"' not in b"".join(said)
        assert b"[DONE]" not in b"".join(said)
        assert read([failure])[0]["error"]["code"] == "provider_error"
        assert read([failure])[0]["request_id"] == "req-1"
        seen = openais(wire.sends([*said, failure]))
        assert seen["completion"] is None
        assert seen["error"]["message"] == cut().message


def test_an_answer_that_could_not_be_booked_is_not_told_as_whole() -> None:
    lost = LedgerUnavailable("The usage could not be written down.")
    told = read(staged(events(*answer(*TALK)), unbookable=lost).sent("openai"))
    assert told[-1]["error"]["code"] == "ledger_unavailable"
    assert all(each["choices"][0]["finish_reason"] is None for each in told[:-1])


def test_a_caller_who_leaves_closes_the_answer() -> None:
    stage = staged(events(*answer(*TALK)))
    pieces = stage.pieces("openai")
    next(pieces)
    pieces.close()
    assert stage.telling.closed
    assert stage.booking.ended


def test_calls_told_in_turns_stay_apart(wire: Wire) -> None:
    turns: list[Delta] = [
        CallBegun(0, "a", "f"),
        CallBegun(1, "b", "g"),
        CallPiece(1, "{}"),
        CallPiece(0, '{"x":'),
        CallPiece(0, "1}"),
    ]
    seen = openais(wire.sends(staged(events(*answer(*turns))).sent("openai")))
    calls = seen["completion"]["choices"][0]["message"]["tool_calls"]
    assert [(each["id"], each["function"]["arguments"]) for each in calls] == [("a", '{"x":1}'), ("b", "{}")]
