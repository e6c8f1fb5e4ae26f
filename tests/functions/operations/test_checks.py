"""What an answer is held against, one check at a time: what passes, what fails, and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from evals.cases import Checks
from llm_core.messages import Reply, Text, ToolCall, Usage
from operations.checks import Told

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
CALL = ToolCall("1", "search", '{"query": "oak nests"}')

CASES: list[tuple[dict[str, Any], Told, str]] = [
    ({"contains": ["Oak"]}, Told("an oak tree"), ""),
    ({"contains": ["oak", "elm"]}, Told("an oak tree"), "does not say 'elm'"),
    ({"excludes": ["yo ho"]}, Told("A poem"), ""),
    ({"excludes": ["yo ho"]}, Told("Yo ho!"), "says 'yo ho'"),
    ({"matches": r"\d+ May"}, Told("on\n14 May"), ""),
    ({"matches": r"\d+ May"}, Told("in May"), "does not match"),
    ({"label": "a"}, Told('{"label": "a"}'), ""),
    ({"label": "a"}, Told('{"label": "b"}'), "its label is 'b', not 'a'"),
    ({"label": "a"}, Told("a"), "its label is 'missing', not 'a'"),
    ({"fields": {"n": None}}, Told('{"n": null}'), ""),
    ({"fields": {"n": None}}, Told("{}"), "its n is 'missing', not None"),
    ({"fields": {"n": 80}}, Told('{"n": 80.0}'), ""),
    ({"words": {"most": 2}}, Told("one two"), ""),
    ({"words": {"most": 2}}, Told("one two three"), "has 3 words, not 0 to 2"),
    ({"words": {"least": 1}}, Told(""), "has 0 words"),
    ({"tool": {"name": "search", "arguments": {"query": "OAK"}}}, Told("", (CALL,)), ""),
    ({"tool": {"name": "fetch"}}, Told("", (CALL,)), "does not call fetch (called: search)"),
    ({"tool": {"name": "fetch"}}, Told(""), "does not call fetch (called: none)"),
    (
        {"tool": {"name": "search", "arguments": {"query": "elm"}}},
        Told("", (CALL,)),
        "query='oak nests', not like 'elm'",
    ),
    ({"cost_usd": "0.001"}, Told("", cost=1_000_000), ""),
    ({"cost_usd": "0.001"}, Told("", cost=1_000_001), "cost 0.001000001 USD, more than 0.001"),
    ({"latency_ms": 100}, Told("", latency_ms=100), ""),
    ({"latency_ms": 100}, Told("", latency_ms=101), "took 101 ms, more than 100"),
    ({"schema_of": SCHEMA}, Told('{"n": 1}'), ""),
    ({"schema_of": SCHEMA}, Told('{"n": "1"}'), "its JSON is not of the schema"),
    ({"schema_of": SCHEMA}, Told("[" * 9_000), "its JSON is not of the schema"),
]


@pytest.mark.parametrize(("given", "told", "failure"), CASES)
def test_a_check_passes_or_says_what_is_wrong(given: dict[str, Any], told: Told, failure: str) -> None:
    failures = list(Checks.model_validate(given).failures(told))
    assert len(failures) == bool(failure)
    assert all(failure in each for each in failures)


def test_all_that_is_wrong_is_told() -> None:
    checks = Checks.model_validate({"contains": ["x"], "words": {"least": 5}, "latency_ms": 1})
    assert len(list(checks.failures(Told("y", latency_ms=2)))) == 3


def test_a_reply_is_read_as_its_text_and_its_calls() -> None:
    reply = Reply("1", "m", (Text("a "), CALL, Text("b")), "tool_calls", Usage())
    assert Told.of(reply, 7, 8) == Told("a b", (CALL,), 7, 8)
