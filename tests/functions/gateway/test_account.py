"""What a caller wishes, in headers; what an answer says about itself, in headers."""

from __future__ import annotations

import io
import json
import time
from dataclasses import replace
from typing import Any

import pytest

from gateway import account
from llm_core import callers, gateway, keys
from llm_core.accounts.holds import Hold
from llm_core.aws import telemetry
from llm_core.aws.http import Door, Response
from llm_core.call import Call
from llm_core.callers import Caller
from llm_core.catalog import PACKAGE, Catalog
from llm_core.errors import InsufficientScope, InvalidRequest, Unauthorized
from llm_core.gateway import Wishes
from llm_core.messages import Reply, Text, Usage
from llm_core.payment import Allowance, Payment
from tests.conftest import Platform
from tests.functions.gateway.events import Send
from tests.llm_core.test_journal import ROW


@pytest.fixture
def wishes() -> Any:
    """What these headers are read as; a request stands behind them as in a door."""
    found: list[Wishes | InvalidRequest] = []
    door = Door()

    @door.post("/v1/chat/completions")
    def read() -> Response:
        try:
            found.append(account.wishes(door))
        except InvalidRequest as refused:
            found.append(refused)
        return Response(200, b"{}")

    def of(**headers: str) -> Wishes | InvalidRequest:
        Send(door, "any")("chat-hello", headers={name.replace("_", "-"): value for name, value in headers.items()})
        return found[-1]

    return of


def test_who_says_nothing_is_served_by_anybody_at_any_price(wishes: Any) -> None:
    assert wishes() == Wishes()
    assert (Wishes().fallback, Wishes().allowance.most) == (True, None)


@pytest.mark.parametrize(("said", "fallback"), [("off", False), ("OFF", False), ("on", True), ("", True)])
def test_only_off_is_off(wishes: Any, said: str, fallback: bool) -> None:
    assert wishes(X_Drey_Fallback=said).fallback is fallback


@pytest.mark.parametrize(
    ("said", "nano"),
    [("0.05", 50_000_000), ("1", 10**9), ("0", 0), ("0.000000001", 1), ("0.0000000019", 1), (" 2 ", 2 * 10**9)],
)
def test_an_amount_is_usd_and_never_rounded_up(wishes: Any, said: str, nano: int) -> None:
    assert wishes(x_drey_max_cost_usd=said).allowance.most == nano


@pytest.mark.parametrize(
    "said", ["", "cheap", "NaN", "sNaN", "Infinity", "-Infinity", "0,05", "$1", "1e9999999", "0x1"]
)
def test_what_is_no_amount_is_refused(wishes: Any, said: str) -> None:
    refused = wishes(x_drey_max_cost_usd=said)
    assert isinstance(refused, InvalidRequest)
    assert "x-drey-max-cost-usd" in refused.message


@pytest.mark.parametrize("said", ["-1", "-0.000000001", "1e100000", "-1e100000"])
def test_an_amount_that_nobody_can_have_is_refused(wishes: Any, said: str) -> None:
    """The long ones cost as well: `1e999990` is 25 seconds of arithmetic, and negative also a body of a megabyte."""
    assert isinstance(wishes(x_drey_max_cost_usd=said), InvalidRequest)


@pytest.mark.parametrize("said", ["of", "false", "0", "none"])
def test_a_misspelt_wish_about_fallbacks_is_refused_for_it_would_cost_what_it_meant_to_avoid(
    wishes: Any, said: str
) -> None:
    refused = wishes(x_drey_fallback=said)
    assert isinstance(refused, InvalidRequest)
    assert "on, off" in refused.message


# ------------------------------------------------------------------------------------------- the answer


def answered(*, fallback: bool = False, limit: int = 100) -> Response:
    call = Call(Caller("sk-proj-testtesttest", "ada", frozenset()), "chat", "fast", b"")
    rows = [replace(ROW, charged=105_000, latency_ms=20), replace(ROW, charged=0, latency_ms=5)]
    call.payment = Payment(Allowance(), Hold(call.id, "ada"), rows)
    model = Catalog(PACKAGE.read_bytes()).model("claude-haiku-4-5")
    reply = Reply("msg_1", model.model, (Text("hi"),), "stop", Usage())
    answer = gateway.Answer(call, model, reply, fallback, limit)
    return account.response(answer, {"größe": 1}, time.perf_counter() - 0.030)


def test_an_answer_says_who_how_often_and_for_how_much() -> None:
    told = answered()
    headers = dict(told.headers)
    overhead = float(headers.pop("x-drey-overhead-ms"))
    assert 5 <= overhead < 1_000, "30 ms, of which the provider took 25"
    assert headers.pop("x-drey-generation-id").startswith("gen-")
    assert headers == {
        "x-drey-provider": "anthropic",
        "x-drey-attempts": "2",
        "x-drey-fallback": "false",
        "x-drey-cache": "BYPASS",
        "x-drey-cost-usd": "0.000105",
        "x-drey-max-tokens": "100",
    }
    assert isinstance(told.body, bytes)
    assert (told.status, json.loads(told.body)) == (200, {"größe": 1})


def test_a_fallback_is_disclosed_and_no_limit_is_not_told() -> None:
    assert answered(fallback=True).headers["x-drey-fallback"] == "true"
    assert "x-drey-max-tokens" not in answered(limit=0).headers


# ------------------------------------------------------------------------------------------- the caller


@pytest.fixture
def asks(inside: Platform) -> Any:
    """The caller behind a key as a door finds it, or what it is told."""

    def of(key: str, *scopes: str) -> Caller | Exception:
        found: list[Caller | Exception] = []
        door = Door()

        @door.post("/v1/chat/completions")
        def read() -> Response:
            try:
                found.append(callers.admit(door.api_key(), *scopes))
            except (InsufficientScope, Unauthorized) as refused:
                found.append(refused)
            telemetry.logger.info("asked")
            return Response(200, b"{}")

        Send(door, key)("chat-hello")
        return found[-1]

    return of


def test_a_caller_needs_one_of_the_scopes_and_is_named_in_the_log(asks: Any, log: io.StringIO) -> None:
    made = keys.create("one", user_id="ada-of-the-log", terms=keys.Terms({"ai:embed"}))
    found = asks(made.api_key, "ai:complete", "ai:embed")
    assert (found.key_id, found.user_id) == (made.key_id, "ada-of-the-log")
    line = json.loads(log.getvalue().splitlines()[-1])
    assert (line["key_id"], line["user_id"]) == (made.key_id, "ada-of-the-log")
    assert made.api_key not in log.getvalue()


def test_who_may_not_is_named_in_the_log_and_who_is_nobody_is_not(asks: Any, log: io.StringIO) -> None:
    made = keys.create("one", user_id="ada", terms=keys.Terms({"usage:read"}))
    assert isinstance(asks(made.api_key, "ai:complete"), InsufficientScope)
    assert json.loads(log.getvalue().splitlines()[-1])["key_id"] == made.key_id
    assert isinstance(asks(made.key_id + "A" * 43, "ai:complete"), Unauthorized)
    assert "key_id" not in json.loads(log.getvalue().splitlines()[-1])
