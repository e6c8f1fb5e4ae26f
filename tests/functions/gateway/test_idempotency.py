"""A request with an Idempotency-Key at the door: what is kept when nobody knows what it has cost."""

from __future__ import annotations

from uuid import uuid4

import pytest

from gateway import chat
from gateway.dialects import native
from llm_core.money import nano
from llm_core.settings import settings
from tests.conftest import Platform, fresh
from tests.functions.gateway.events import Send, body, sender


@pytest.fixture
def send(understudy: Platform, inside: Platform) -> Send:
    return sender(chat.handler, inside.key)


def bought(platform: Platform, model: str) -> int:
    return len([each for each in platform.asked(10_000) if model in (each["model"] or "")])


def test_an_answer_that_could_not_be_booked_is_charged_and_so_not_bought_again(
    send: Send, understudy: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sweeper will book what is held; whoever repeats himself would pay for a second answer beside it."""
    model, named = fresh("alone"), {"idempotency-key": f"order-{uuid4()}"}
    usage = settings().need("usage_table_name")
    monkeypatch.setenv("USAGE_TABLE_NAME", "no-such-table")
    settings.cache_clear()
    first = send("chat-complete", headers=named, model=model)
    monkeypatch.setenv("USAGE_TABLE_NAME", usage)
    settings.cache_clear()
    second = send("chat-complete", headers=named, model=model)

    assert (first["statusCode"], body(first)["code"]) == (500, "ledger_unavailable")
    assert nano(body(first)["cost"]) > 0
    assert body(first)["estimated"] is True
    assert second["body"] == first["body"]
    assert second["headers"]["x-should-retry"] == "false"
    assert bought(understudy, model) == 1


def test_a_defect_after_the_answer_was_paid_is_kept(
    send: Send, understudy: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, named = fresh("alone"), {"idempotency-key": f"order-{uuid4()}"}
    with monkeypatch.context() as broken:
        broken.setattr(native, "write", lambda *_: 1 // 0)
        first = send("chat-complete", headers=named, model=model)
    second = send("chat-complete", headers=named, model=model)
    assert (first["statusCode"], body(first)["code"]) == (500, "internal")
    assert second["body"] == first["body"]
    assert bought(understudy, model) == 1


def test_what_was_refused_for_nothing_is_carried_out_when_it_comes_again(send: Send, understudy: Platform) -> None:
    model, named = fresh("alone"), {"idempotency-key": f"order-{uuid4()}"}
    understudy.order({"kind": "status", "code": 400}, model=model)
    first = send("chat-complete", headers=named, model=model)
    assert (first["statusCode"], "cost" in body(first)) == (400, False)
    understudy.free()
    assert send("chat-complete", headers=named, model=model)["statusCode"] == 200
