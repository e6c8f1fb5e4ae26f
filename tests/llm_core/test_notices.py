"""An alert in words: every kind says what happened, what it means, what to do; nothing secret, nobody called."""

from __future__ import annotations

import pytest

from llm_core import redaction
from llm_core.notices import LONGEST, harmless, notice

AT = "2026-11-21T09:30:00+00:00"
FALLBACK = {"kind": "fallback", "subject": "anthropic/a", "at": AT, "answered_by": "bedrock/b"}
OVERRUN = {"kind": "overrun", "subject": "complete openai/c", "at": AT, "ceiling_usd": "0.021", "cost_usd": "0.034"}
BUDGET = {
    "kind": "budget",
    "subject": "user:ada",
    "at": AT,
    "window": "2026-11",
    "percent": 80,
    "spent_usd": "8.1",
    "limit_usd": "10",
}
DRIFT = {"kind": "drift", "subject": "classify", "at": AT, "score": 50, "baseline": 100, "cases": 4}
LEDGER = {"kind": "ledger", "subject": "anthropic/a", "at": AT}
ALARM = {
    "AlarmName": "drey-dev-undelivered",
    "AlarmDescription": "It is kept.",
    "NewStateReason": "[2] was too much.",
}


@pytest.mark.parametrize(
    ("alert", "title", "words"),
    [
        (FALLBACK, "anthropic/a is not answering", "bedrock/b"),
        (OVERRUN, "A call cost more than was held for it: complete openai/c", "0.034 USD were billed"),
        (BUDGET, "user:ada has spent 80 % of its budget for 2026-11", "8.1 of 10 USD are spent"),
        ({**BUDGET, "percent": 100}, "user:ada has used up its budget for 2026-11", "refused with 402"),
        ({**BUDGET, "window": "total"}, "user:ada has spent 80 % of its whole budget", "8.1 of 10 USD"),
        (DRIFT, "Answers for classify have become worse", "50 % of 4 cases pass now, 100 % did"),
        (ALARM, "Alarm: drey-dev-undelivered", "CloudWatch says: [2] was too much"),
        (LEDGER, "Usage could not be written down: anthropic/a", "withheld from the caller"),
    ],
)
def test_each_kind_has_words_of_its_own(alert: dict[str, object], title: str, words: str) -> None:
    found = notice(alert)
    assert found.title == title
    assert words in found.text
    for part in (found.what, found.means, found.do):
        assert part in found.text
        assert part.endswith("."), "a sentence"


def test_what_cannot_wait_is_urgent() -> None:
    urgent = [alert["kind"] for alert in (FALLBACK, OVERRUN, BUDGET, DRIFT, LEDGER) if notice(alert).urgent]
    assert urgent == ["overrun", "ledger"]
    assert notice({**BUDGET, "percent": 100}).urgent


def test_a_kind_that_nobody_knows_is_told_by_its_heading_and_shows_no_facts() -> None:
    found = notice({"kind": "weather", "subject": "oak", "why": "a fact that could be anything"}, "Drey: storm")
    assert found.title == "Drey: storm"
    assert "weather was raised about oak" in found.what
    assert "anything" not in found.text


def test_somebody_elses_message_has_at_least_its_heading() -> None:
    assert notice({"AlarmName": "x"}, "ALARM: x").title == "ALARM: x", "it lacks its words"
    assert notice({}, 'ALARM: "drey-dev-api-5xx" in EU (Ireland)').title == 'ALARM: "drey-dev-api-5xx" in EU (Ireland)'
    assert notice({}).title == "alert"


@pytest.mark.parametrize("missing", ["subject", "answered_by"])
def test_an_alert_that_lacks_a_fact_is_told_all_the_same(missing: str) -> None:
    found = notice({name: value for name, value in FALLBACK.items() if name != missing}, "Drey: something fell back")
    assert found.title == "Drey: something fell back"


def test_a_percentage_that_is_none_is_told_all_the_same() -> None:
    assert notice({**BUDGET, "percent": "many"}, "Drey: a budget").title == "Drey: a budget"


@pytest.mark.parametrize(
    "call", ["@everyone", "@here", "@channel", "<@1234>", "<!channel>", "<@&99>", "<#12>", "@EVERYONE"]
)
def test_a_fact_calls_nobody(call: str) -> None:
    assert call not in notice({**FALLBACK, "subject": f"x {call} y"}).text
    assert call not in notice({"kind": call}, f"Look {call}").text


def test_an_address_stays_one_word() -> None:
    assert harmless("user:ada@corp.example") == "user:ada@corp.example"


def test_secrets_are_struck_and_a_keys_public_id_is_not() -> None:
    key = "sk-proj-" + "a" * 12 + "B" * 43
    redaction.remember("https://hooks.example/T0/B0/very-secret")
    found = notice({**FALLBACK, "subject": f"key {key}", "answered_by": "https://hooks.example/T0/B0/very-secret"})
    assert key not in found.text
    assert "very-secret" not in found.text
    assert harmless(key[:20]) == key[:20]


def test_a_fact_is_one_short_line() -> None:
    assert harmless("a\n\nb\tc\x00\x07 d") == "a b c d"
    assert len(harmless("word " * 100)) == LONGEST
