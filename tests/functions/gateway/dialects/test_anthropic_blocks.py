"""Blocks are told one at a time, each to its end, in whatever order their pieces come."""

from __future__ import annotations

from gateway.dialects.anthropic_blocks import Blocks
from llm_core.deltas import CallBegun, CallPiece, Delta, TextPiece, ThinkingPiece

A, B = CallBegun(0, "a", "f"), CallBegun(1, "b", "g")


def told(*deltas: Delta) -> list[list[str]]:
    """What each of them lets out, and the end after them: `+1` begins block 1, `-1` ends it, else a piece."""
    blocks = Blocks()
    return [*([_short(event) for event in blocks.hear(delta)] for delta in deltas), [*map(_short, blocks.end())]]


def _short(event: dict[str, object]) -> str:
    match event:
        case {"type": "content_block_start", "index": index}:
            return f"+{index}"
        case {"type": "content_block_stop", "index": index}:
            return f"-{index}"
        case {"delta": {"text": piece} | {"partial_json": piece}}:
            return str(piece)
    raise AssertionError(event)


def test_a_text_is_told_while_it_is_written() -> None:
    assert told(TextPiece("One "), TextPiece("two.")) == [["+0", "One "], ["two."], ["-0"]]


def test_a_text_ends_where_a_call_begins_and_the_next_text_is_another() -> None:
    pieces = told(TextPiece("a"), A, CallPiece(0, "{}"), TextPiece("b"))
    assert pieces == [["+0", "a"], ["-0", "+1"], ["{}"], ["-1", "+2", "b"], ["-2"]]


def test_a_call_after_another_lets_it_end_at_once() -> None:
    """A client may run the first tool while the second is still being asked for."""
    assert told(A, CallPiece(0, '{"x":1}'), B) == [["+0"], ['{"x":1}'], ["-0", "+1"], ["-1"]]


def test_of_calls_told_in_turns_one_waits_for_the_others_end() -> None:
    pieces = told(A, B, CallPiece(1, '{"y"'), CallPiece(0, '{"x":'), CallPiece(1, ":2}"), CallPiece(0, "1}"))
    assert pieces == [["+0"], [], [], ['{"x":'], [], ["1}", "-0", "+1", '{"y"', ":2}"], ["-1"]]


def test_what_is_never_complete_ends_with_the_answer() -> None:
    """Cut by max_tokens, or no JSON at all: what follows it is told then."""
    pieces = told(A, CallPiece(0, '{"x'), B, CallPiece(1, "{}"), TextPiece("c"))
    assert pieces == [["+0"], ['{"x'], [], [], [], ["-0", "+1", "{}", "-1", "+2", "c", "-2"]]


def test_what_has_no_block_of_its_own_is_not_told() -> None:
    assert told(ThinkingPiece("hm")) == [[], []]
