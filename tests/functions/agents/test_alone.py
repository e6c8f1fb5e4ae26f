"""A tool as a Lambda of its own, on the emulator's tables: who pays, what comes back."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from agents import classify, extract, search, summarize
from llm_core.accounts.window import Window, label
from tests.conftest import ROOT, Platform
from tests.functions.accounts.holder import Holder, someone
from tests.llm_core.accounts.books import sound

CONTEXT = SimpleNamespace(aws_request_id="one", get_remaining_time_in_millis=lambda: 30_000)


@pytest.fixture
def payer(inside: Platform) -> Holder:
    return someone(inside, limits={"month": 5})


def invoke(door: Any, case: str, payer: Holder, **fields: Any) -> dict[str, Any]:
    event = json.loads((ROOT / f"events/agents/{case}.json").read_text()) | {"keyId": payer.key_id} | fields
    answer: dict[str, Any] = door.handler(event, CONTEXT)
    return answer


def spent(payer: Holder) -> int:
    import time

    item = Window(f"key:{payer.key_id}", label("month", time.time())).read()
    if item is None:
        return 0
    sound(item)
    found: int = item["spent"]
    return found


def test_search_finds_the_passage_and_costs_nothing(payer: Holder) -> None:
    answer = invoke(search, "search-dreys", payer)
    assert answer["result"]["results"][0]["title"] == "Dreys"
    assert (answer["cost"], spent(payer)) == (0, 0)


def test_what_asks_a_model_is_paid_by_the_named_key(payer: Holder) -> None:
    answers = [
        invoke(summarize, "summarize-drey", payer)["result"].startswith("Understudy"),
        set(invoke(extract, "extract-drey", payer)["result"]) == {"animal", "days"},
        invoke(classify, "classify-drey", payer)["result"]["label"] in ("animals", "machines"),
    ]
    assert all(answers)
    assert spent(payer) > 0


def test_what_cannot_be_done_is_told_and_costs_nothing(payer: Holder) -> None:
    refused = [
        (invoke(classify, "classify-one_label", payer), "tool_error"),
        (invoke(classify, "classify-drey", payer, keyId="sk-proj-" + "x" * 12), "unauthorized"),
        (invoke(classify, "classify-drey", payer, colour="red"), "invalid_request"),
        (invoke(extract, "extract-drey", payer, arguments={"text": "a", "schema": {"type": "array"}}), "tool_error"),
    ]
    for answer, code in refused:
        assert answer["code"] == code, answer
        assert answer["cost"] == 0
    assert spent(payer) == 0


def test_a_key_without_money_pays_for_nothing(inside: Platform) -> None:
    answer = invoke(summarize, "summarize-drey", someone(inside, limits={"month": 0}))
    assert answer["code"] == "budget_exceeded"
