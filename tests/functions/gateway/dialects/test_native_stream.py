"""An answer told in the platform's own dialect: its text in pieces, its account, its end."""

from __future__ import annotations

import pytest

from gateway.dialects import native
from llm_core.deltas import ThinkingPiece
from llm_core.errors import LedgerUnavailable
from tests.functions.gateway.dialects.lives import CALLS, TALK, answer, cut, events, read, staged, whole


def test_the_text_comes_in_pieces_and_then_what_a_whole_answer_says_beside_it() -> None:
    stage = staged(events(*answer(ThinkingPiece("hm"), *TALK, *CALLS, finish="length")))
    *pieces, account, end = read(stage.sent("native"))
    expected = whole(native, answer(*TALK, finish="length"))
    assert pieces == [{"content": "Let me "}, {"content": "look. 🐿️"}]
    assert {"content": "".join(piece["content"] for piece in pieces)} | account == {
        **expected,
        "id": stage.live.call.id,
    }
    assert (account["finishReason"], account["usage"]["totalTokens"]) == ("length", 39)
    assert end == "[DONE]"


def test_what_the_provider_did_not_count_is_not_counted_here() -> None:
    *_, account, _ = read(staged(events(*answer(*TALK, usage=None))).sent("native"))
    assert account["usage"] == {"estimatedCost": 0.001020108}


def test_the_account_and_the_end_leave_only_when_the_answer_is_paid() -> None:
    stage = staged(events(*answer(*TALK)))
    for piece in stage.pieces("native"):
        assert b'"content"' in piece or stage.booking.ended


@pytest.mark.parametrize("length", range(5))
def test_an_answer_that_breaks_off_anywhere_ends_in_an_error(length: int) -> None:
    *pieces, failure = read(staged(events(*answer(*TALK))[:length], failure=cut()).sent("native"))
    assert all(set(piece) == {"content"} for piece in pieces)
    told = {"error": cut().message, "code": "provider_error", "statusCode": 502, "requestId": "req-1"}
    assert failure == {**told, "cost": "0.001020108"}


def test_an_answer_that_could_not_be_booked_is_not_told_as_whole() -> None:
    lost = LedgerUnavailable("The usage could not be written down.")
    *pieces, failure = read(staged(events(*answer(*TALK)), unbookable=lost).sent("native"))
    assert (failure["code"], failure["statusCode"]) == ("ledger_unavailable", 500)
    assert all(set(piece) == {"content"} for piece in pieces)


def test_a_caller_who_leaves_closes_the_answer() -> None:
    stage = staged(events(*answer(*TALK)))
    pieces = stage.pieces("native")
    next(pieces)
    pieces.close()
    assert stage.telling.closed
    assert stage.booking.ended
