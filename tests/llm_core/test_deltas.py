"""An answer is what was heard of it, piece by piece."""

from llm_core.deltas import Began, CallBegun, CallPiece, Delta, Event, Finished, Heard, TextPiece, ThinkingPiece, Used
from llm_core.messages import Reply, Text, ToolCall, Usage


def event(*deltas: Delta) -> Event:
    return Event(b"", {}, deltas)


def heard(*deltas: Delta) -> Heard:
    heard = Heard()
    for delta in deltas:
        heard.hear(event(delta))
    return heard


def test_pieces_make_an_answer() -> None:
    usage = Usage(input=3, output=9)
    answer = heard(
        Began("msg_1", "claude"),
        ThinkingPiece("hm"),
        TextPiece("Let me "),
        TextPiece("look."),
        CallBegun(0, "toolu_1", "get_weather"),
        CallPiece(0, '{"city": '),
        CallBegun(1, "toolu_2", "get_time"),
        CallPiece(0, '"Lisbon"}'),
        CallPiece(1, "{}"),
        TextPiece("So."),
        Finished("tool_calls"),
        Used(usage, {"service_tier": "default"}),
    )
    parts = (
        Text("Let me look."),
        ToolCall("toolu_1", "get_weather", '{"city": "Lisbon"}'),
        ToolCall("toolu_2", "get_time", "{}"),
        Text("So."),
    )
    assert answer.reply == Reply("msg_1", "claude", parts, "tool_calls", usage, terms={"service_tier": "default"})


def test_of_two_accounts_the_later_counts() -> None:
    assert heard(Used(Usage(input=1, output=1)), Used(Usage(input=1, output=7))).usage == Usage(input=1, output=7)


def test_without_its_end_or_its_account_it_is_no_answer() -> None:
    began = (Began("msg_1", "claude"), TextPiece("Once upon"))
    assert heard(*began).reply is None
    assert heard(*began, Finished("stop")).reply is None
    assert heard(*began, Used(Usage(input=1, output=1))).reply is None
    assert heard(*began).parts == (Text("Once upon"),)


def test_an_opening_is_no_content() -> None:
    assert not event().has_content
    assert not event(Began("msg_1", "claude")).has_content
    assert event(Began("msg_1", "claude"), TextPiece("a")).has_content
    assert event(Finished("stop")).has_content
