"""An answer that is told while it is written: who gives it, what it costs, and what is booked when it breaks off."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest

from llm_core import byok, callers, gateway, keys, ledger
from llm_core.accounts.window import Window, label
from llm_core.callers import Caller
from llm_core.cancellation import Cancellation
from llm_core.deadline import Deadline
from llm_core.errors import LedgerUnavailable, StoreUnavailable
from llm_core.failures import ProviderCancelled, ProviderError, ProviderFailed
from llm_core.gateway import Wishes
from llm_core.live import Live
from llm_core.messages import Message, Request, Text
from llm_core.money import plain
from tests.conftest import Platform, fresh

HELLO = (Message("user", (Text("Hello there, how are you?"),)),)


@pytest.fixture
def caller(inside: Platform) -> Caller:
    """With a budget of a dollar."""
    made = keys.create("live", user_id="ada", terms=keys.Terms({"ai:complete"}, {"month": 10**9}))
    return callers.identify(made.api_key)


def begun(caller: Caller, model: str, **fields: Any) -> Live:
    return gateway.stream(Request(model, HELLO, max_tokens=50, **fields), caller, Deadline.after(20))


def row(live: Live, attempt: int = 1) -> dict[str, Any]:
    return ledger.find("ada", live.call.id, attempt=attempt)


def balances(caller: Caller) -> tuple[int, int]:
    """Held and spent."""
    item = Window(caller.account, label("month", time.time())).read()
    assert item is not None
    assert item["limit"] == item["remaining"] + item["held"] + item["spent"]
    return item["held"], item["spent"]


def words(live: Iterator[Any]) -> str:
    return "".join(d.text for event in live for d in event.deltas if hasattr(d, "text"))


@pytest.mark.parametrize("family", ["claude", "gpt"])
def test_what_was_heard_is_booked_and_settled_with_the_last_event(caller: Caller, family: str) -> None:
    live = begun(caller, fresh(family))
    assert balances(caller)[0] > 0, "its ceiling is held while it is told"
    said = words(live)
    assert said
    assert live.heard.reply is not None
    assert live.heard.reply.parts == (Text(said),)
    assert row(live)["tokens"]["output"] == live.heard.reply.usage.output > 0
    assert (row(live)["outcome"], row(live)["estimated"]) == ("ok", False)
    assert balances(caller) == (0, live.call.charged)
    assert live.call.charged == row(live)["charged"] > 0


def test_before_the_first_content_another_candidate_answers_and_nobody_sees_the_first(
    understudy: Platform, caller: Caller
) -> None:
    model = fresh("claude")
    understudy.order({"kind": "status", "code": 529, "retry_after": 30}, provider="anthropic", model=model)
    live = begun(caller, model)
    assert (live.model.provider, live.fallback) == ("bedrock", True)
    assert words(live)
    assert [row(live, attempt)["outcome"] for attempt in (1, 2)] == ["provider_overloaded", "ok"]
    assert balances(caller) == (0, live.call.charged)


def test_an_answer_that_breaks_off_says_so_and_is_booked_at_its_ceiling(understudy: Platform, caller: Caller) -> None:
    model = fresh("claude")
    understudy.order({"kind": "cut", "after_events": 5}, provider="anthropic", model=model)
    live = begun(caller, model)
    with pytest.raises(ProviderFailed) as told:
        words(live)
    assert (row(live)["outcome"], row(live)["estimated"]) == ("provider_error", True)
    assert told.value.details["cost"]
    assert balances(caller) == (0, row(live)["charged"])


LOST = {"kind": "malformed_chunk", "after_events": 3, "instead": True}


@pytest.mark.parametrize("family", ["claude", "gpt"])
def test_an_event_that_nobody_could_read_is_told_with_the_account(
    understudy: Platform, caller: Caller, log: io.StringIO, family: str
) -> None:
    understudy.order(LOST, answer={"text": "one two three four five"})
    live = begun(caller, fresh(family))
    assert words(live) == "one two three five"
    assert live.call.skipped_events == 1
    assert '"event": "stream_damaged"' in log.getvalue()
    assert row(live)["outcome"] == "ok"


@pytest.mark.parametrize("family", ["claude", "gpt"])
def test_a_tool_call_that_may_lack_a_piece_is_no_answer(understudy: Platform, caller: Caller, family: str) -> None:
    """It would be carried out: with `/var` instead of `/var/tmp/old`."""
    called = {"name": "remove", "arguments": {"path": "/var /tmp /old", "force": True}}
    understudy.order(LOST, answer={"tool_calls": [called]})
    live = begun(caller, fresh(family))
    with pytest.raises(ProviderFailed, match="tool call that cannot be read"):
        words(live)
    assert (row(live)["outcome"], row(live)["estimated"]) == ("provider_error", True)
    assert balances(caller) == (0, row(live)["charged"])


@pytest.mark.parametrize("events", [0, 1, 3])
def test_a_caller_who_leaves_pays_what_was_held_and_holds_no_more(caller: Caller, events: int) -> None:
    live = begun(caller, fresh("claude"))
    for _ in range(events):
        next(live)
    live.close()
    assert (row(live)["outcome"], row(live)["estimated"]) == ("cancelled", True)
    assert balances(caller) == (0, live.call.charged)
    live.close()
    assert len(live.call.rows) == 1


def test_an_answer_that_cannot_be_booked_breaks_off_and_stays_held(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = begun(caller, fresh("claude"))

    def refuse(*_: Any, **__: Any) -> None:
        raise StoreUnavailable("gone")

    monkeypatch.setattr("llm_core.aws.table.put_new", refuse)
    with pytest.raises(LedgerUnavailable) as lost:
        words(live)
    assert balances(caller)[0] > 0, "for the sweeper, who will book it"
    assert lost.value.details == {"cost": plain(balances(caller)[0]), "estimated": True}


def test_before_it_begins_it_can_be_ended_and_nobody_else_is_asked(understudy: Platform, caller: Caller) -> None:
    """A model that thinks in silence may take two minutes, and each candidate after it as long again."""
    model, gone = fresh("claude"), Cancellation()
    understudy.order({"kind": "silence"}, model=model)

    def asked() -> int:
        return len([each for each in understudy.asked(10_000) if model in (each["model"] or "")])

    def leave() -> None:
        until = time.monotonic() + 8
        while not asked() and time.monotonic() < until:
            time.sleep(0.02)
        gone.cancel()

    leaving = Thread(target=leave)
    leaving.start()
    with pytest.raises(ProviderCancelled) as cancelled:
        gateway.stream(Request(model, HELLO, max_tokens=20), caller, Deadline.after(60), Wishes(cancellation=gone))
    leaving.join()
    held, spent = balances(caller)
    assert (held, asked()) == (0, 1)
    assert cancelled.value.details["cost"] == plain(spent), "it may be billed"

    with pytest.raises(ProviderCancelled):
        gateway.stream(Request(model, HELLO, max_tokens=20), caller, Deadline.after(60), Wishes(cancellation=gone))
    assert (balances(caller), asked()) == ((0, spent), 1), "who has gone before asks nobody"


def test_nobody_can_answer(understudy: Platform, caller: Caller) -> None:
    model = fresh("alone")
    understudy.order({"kind": "status", "code": 503}, model=model)
    with pytest.raises(ProviderError):
        begun(caller, model)
    assert balances(caller) == (0, 0)


@pytest.mark.parametrize(("family", "provider"), [("claude", "anthropic"), ("gpt", "openai")])
def test_a_callers_own_key_pays_for_what_is_told_too(
    understudy: Platform, caller: Caller, family: str, provider: str
) -> None:
    model, own = fresh(family), byok.sent(provider, "own-key-of-ada-4711")
    request = Request(model, HELLO, max_tokens=50)
    live = gateway.stream(request, caller, Deadline.after(20), gateway.Wishes(own=own))
    assert balances(caller)[0] == 0, "nothing is held of what the platform does not pay"
    assert words(live)
    assert {sale["key"] for sale in understudy.sold() if sale["model"] == model} == {"own-key-of-ada-4711"}
    assert (row(live)["byok"], row(live)["charged"], row(live)["cost"] > 0) == (True, 0, True)
    assert balances(caller) == (0, 0)
