"""One attempt, whatever comes of it: one row in the table, one line in the log, and the right amount in both."""

from __future__ import annotations

import io
import json
import socket
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from llm_core import callers, keys, ledger
from llm_core.attempt import Attempt
from llm_core.aws import breaker, outages
from llm_core.aws.stage_catalog import catalog
from llm_core.byok import OwnKeys
from llm_core.call import Call
from llm_core.catalog import Model
from llm_core.deadline import Deadline
from llm_core.errors import DeadlineExceeded, DreyError, LedgerUnavailable, Misconfigured
from llm_core.failures import (
    ProviderDenied,
    ProviderError,
    ProviderFailed,
    ProviderOverloaded,
    ProviderRefused,
    ProviderSkipped,
    ProviderTimeout,
)
from llm_core.messages import Message, Reply, Request, Text, Usage
from llm_core.payment import Allowance
from llm_core.providers import directory
from llm_core.settings import settings
from tests.conftest import Platform, fresh

CEILING = 5_000_000
CHARGED_CEILING = 5_100_000  # and two per cent

Make = Callable[..., Reply]


@pytest.fixture
def call(inside: Platform) -> Call:
    key = keys.create("attempts", user_id="ada", terms=keys.Terms({"ai:complete"}))
    call = Call(callers.identify(key.api_key), "chat", "asked-for", b'"Hello"')
    call.admit(catalog().model("claude-haiku-4-5"), CHARGED_CEILING, 0, Allowance(), Deadline.after(10))
    return call


@pytest.fixture
def model(inside: Platform) -> Model:
    """One of its own, so that no breaker is in the way."""
    return catalog().model(f"anthropic/{fresh('alone')}")


def replying(usage: Usage, **fields: Any) -> Callable[[], Reply]:
    return lambda: Reply("msg_1", "m", (Text("Hello"),), "stop", usage, **fields)


def raising(error: Exception) -> Callable[[], Reply]:
    def send() -> Reply:
        raise error

    return send


def made(call: Call, model: Model, send: Callable[[], Reply], *, first: bool = True, ceiling: int = CEILING) -> Reply:
    return Attempt(call, model, ceiling, first, Deadline.after(10)).make(send)


def rows(call: Call) -> list[dict[str, Any]]:
    return [ledger.find("ada", call.id, attempt=number + 1) for number in range(len(call.rows))]


def llm_calls(log: io.StringIO) -> list[dict[str, Any]]:
    told = [json.loads(line) for line in log.getvalue().splitlines() if line.startswith("{")]
    return [line for line in told if line.get("event") == "llm_call"]


def test_an_answer_is_in_the_books_before_anybody_sees_it(call: Call, model: Model, log: io.StringIO) -> None:
    reply = made(call, model, replying(Usage(input=1_000, output=200)))

    assert reply.parts == (Text("Hello"),)
    (row,) = rows(call)
    assert (row["cost"], row["charged"], row["estimated"]) == (2_000_000, 2_040_000, False)
    assert (row["outcome"], row["attempt"], row["fallback"]) == ("ok", 1, False)
    assert (row["requestedModel"], row["model"], row["provider"]) == ("asked-for", model.model, "anthropic")
    assert row["priceVersion"] == catalog().version
    (line,) = llm_calls(log)
    assert (line["outcome"], line["cost_usd"], line["charged_usd"]) == ("ok", "0.002", "0.00204")
    assert (call.cost, call.charged) == (2_000_000, 2_040_000)


HTTP = [
    (ProviderRefused, 400),
    (ProviderDenied, 401),
    (ProviderDenied, 404),
    (ProviderOverloaded, 429),
    (ProviderOverloaded, 529),
    (ProviderFailed, 500),
    (ProviderFailed, 408),
]


@pytest.mark.parametrize(("kind", "status"), HTTP, ids=[str(status) for _, status in HTTP])
def test_an_error_by_status_is_an_answer_and_costs_nothing(
    call: Call, model: Model, log: io.StringIO, kind: type[ProviderError], status: int
) -> None:
    with pytest.raises(kind):
        made(call, model, raising(kind("no", provider="anthropic", status=status)))

    (row,) = rows(call)
    assert (row["cost"], row["charged"], row["estimated"], row["tokens"]["output"]) == (0, 0, False, 0)
    assert row["outcome"] == kind.code
    (line,) = llm_calls(log)
    assert (line["level"], line["provider_status"], line["error.type"]) == ("WARNING", status, kind.__name__)


NOBODY = "nobody"
OUTAGES = [
    pytest.param(ProviderDenied("no", provider="anthropic", status=401), "provider", id="our key is refused"),
    pytest.param(ProviderDenied("no", provider="anthropic", status=404), "model", id="this model is not for us"),
    pytest.param(Misconfigured("no such secret"), "provider", id="our key cannot be read"),
    pytest.param(ProviderRefused("no", provider="anthropic", status=400), NOBODY, id="the request is at fault"),
    pytest.param(ProviderOverloaded("no", provider="anthropic", status=529), NOBODY, id="once is no outage"),
]


@pytest.mark.parametrize(("failure", "whose"), OUTAGES)
@pytest.mark.parametrize("own", [False, True])
def test_an_outage_of_ours_is_remembered_and_one_of_a_callers_own_key_is_not(
    call: Call, model: Model, failure: DreyError, whose: str, own: bool
) -> None:
    alone = model.model_copy(update={"provider": f"provider-{uuid4().hex[:12]}"})
    if own:
        call.own = OwnKeys({alone.provider: lambda _: "sk-own"})
    with pytest.raises(type(failure)):
        made(call, alone, raising(failure))
    names = {"provider": alone.provider, "model": alone.name}
    assert outages.among(names.values()) == ([names[whose]] if whose != NOBODY and not own else [])


UNKNOWN = [
    pytest.param(ProviderTimeout("silent", provider="anthropic"), id="silence"),
    pytest.param(ProviderFailed("reset", provider="anthropic"), id="a broken connection"),
    pytest.param(ProviderFailed("html", provider="anthropic", status=200), id="an answer nobody can read"),
]


def test_what_an_attempt_cost_is_in_the_books_before_its_outage_is_remembered(
    call: Call, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Remembering may take a slow table seconds, in which whoever is late or dies would be charged an estimate."""
    booked: list[int] = []
    monkeypatch.setattr(outages, "note", lambda _name: booked.append(len(rows(call))))
    with pytest.raises(ProviderDenied):
        made(call, model, raising(ProviderDenied("no", provider="anthropic", status=401)))
    assert booked == [1]


@pytest.mark.parametrize("failure", UNKNOWN)
def test_an_end_that_nobody_saw_is_booked_at_the_most_it_can_have_cost(
    call: Call, model: Model, log: io.StringIO, failure: ProviderError
) -> None:
    with pytest.raises(type(failure)):
        made(call, model, raising(failure))

    (row,) = rows(call)
    assert (row["cost"], row["charged"], row["estimated"]) == (CEILING, CHARGED_CEILING, True)
    (line,) = llm_calls(log)
    assert line["estimated"] is True
    assert line["charged_usd"] == "0.0051"


def test_attempts_of_one_call_are_rows_of_one_id_and_their_sum_is_the_charge(call: Call, model: Model) -> None:
    with pytest.raises(ProviderOverloaded):
        made(call, model, raising(ProviderOverloaded("busy", provider="anthropic", status=529)))
    with pytest.raises(ProviderTimeout):
        made(call, model, raising(ProviderTimeout("silent", provider="anthropic")))
    made(call, model, replying(Usage(input=1_000, output=200)), first=False)

    booked = rows(call)
    assert [row["outcome"] for row in booked] == ["provider_overloaded", "timeout", "ok"]
    assert [row["attempt"] for row in booked] == [1, 2, 3]
    assert [row["fallback"] for row in booked] == [False, False, True]
    assert len({row["id"] for row in booked}) == 1
    assert call.charged == sum(row["charged"] for row in booked) == CHARGED_CEILING + 2_040_000
    assert call.provider_ms == sum(row["latencyMs"] for row in booked)


def test_who_was_not_asked_has_no_row(call: Call, model: Model) -> None:
    for _ in range(breaker.FAILURES):
        with pytest.raises(ProviderFailed):
            made(call, model, raising(ProviderFailed("500", provider="anthropic", status=500)))
    asked = []

    with pytest.raises(ProviderSkipped):
        made(call, model, lambda: asked.append("asked") or replying(Usage())())  # type: ignore[func-returns-value]

    assert asked == []
    assert len(call.rows) == breaker.FAILURES


def test_when_our_time_is_over_before_the_provider_was_asked_there_is_nothing_to_book(call: Call, model: Model) -> None:
    with pytest.raises(DeadlineExceeded):
        made(call, model, raising(DeadlineExceeded("over")))
    assert call.rows == []


def test_an_answer_that_cannot_be_booked_is_withheld_and_its_row_is_in_the_log(
    call: Call, model: Model, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USAGE_TABLE_NAME", "no-such-table")
    settings.cache_clear()

    with pytest.raises(LedgerUnavailable):
        made(call, model, replying(Usage(input=1_000, output=200)))

    told = [json.loads(line) for line in log.getvalue().splitlines() if "usage_row_lost" in line]
    assert told[0]["row"]["charged"] == 2_040_000


def test_the_tier_that_the_provider_applied_is_the_one_that_is_paid(call: Call) -> None:
    gpt = catalog().model("gpt-4.1-mini")
    made(call, gpt, replying(Usage(output=1_000_000), terms={"service_tier": "priority"}), ceiling=10**10)
    made(call, gpt, replying(Usage(output=1_000_000), terms={"service_tier": "default"}), ceiling=10**10)
    made(call, gpt, replying(Usage(output=1_000_000), terms=None), ceiling=10**10)
    assert [row["cost"] for row in rows(call)] == [2_800_000_000, 1_600_000_000, 1_600_000_000]


def test_a_tier_that_the_catalog_does_not_know_leaves_the_one_that_was_asked_for(inside: Platform) -> None:
    key = keys.create("tiers", user_id="ada", terms=keys.Terms({"ai:complete"}))
    call = Call(callers.identify(key.api_key), "chat", "asked-for", b"", {"service_tier": "priority"})
    call.admit(catalog().model("gpt-4.1-mini"), 10**10, 0, Allowance(), Deadline.after(10))
    made(
        call,
        catalog().model("gpt-4.1-mini"),
        replying(Usage(output=1_000_000), terms={"service_tier": "scale"}),
        ceiling=10**10,
    )
    assert [row["cost"] for row in rows(call)] == [2_800_000_000]


def test_an_answer_with_a_fee_that_nobody_foresaw_is_booked_all_the_same(call: Call, model: Model) -> None:
    """It was paid for: a surprise in the bill must not lose the row."""
    assert "web_search" not in model.fees
    try:
        made(call, model, replying(Usage(input=1_000, output=200, fees={"web_search": 1})))
    finally:
        (row,) = rows(call)
        assert row["cost"] >= 2_000_000
        assert row["fees"] == {"web_search": 1}


def test_who_could_not_be_reached_at_all_was_sent_nothing_and_bills_nothing(
    call: Call, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that was refused: the request has not left this machine, so its end is not unknown."""
    with socket.socket() as nobody:  # bound, and not listening
        nobody.bind(("127.0.0.1", 0))
        monkeypatch.setenv("ANTHROPIC_BASE_URL", f"http://127.0.0.1:{nobody.getsockname()[1]}")
        settings.cache_clear()
        directory.provider.cache_clear()
        provider = directory.provider("anthropic")
        hello = provider.body(Request(model.model, (Message("user", (Text("Hello"),)),)), model, 20)

        with pytest.raises(ProviderFailed):
            made(call, model, lambda: provider.send(hello, Deadline.after(5)))

    (row,) = rows(call)
    assert (row["charged"], row["estimated"]) == (0, False)
