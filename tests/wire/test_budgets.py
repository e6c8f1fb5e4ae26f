"""Budgets over the real wire: what both official clients see, and the nights on which nobody looks."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import anthropic
import httpx2
import openai
import pytest

from llm_core import callers, keys, ledger, payment
from llm_core.accounts import tree
from llm_core.accounts.admission import OPEN_HOLDS
from llm_core.accounts.tree import Account
from llm_core.accounts.window import Window, label
from llm_core.aws.writes import together
from llm_core.deadline import Deadline
from llm_core.keys import NewKey, Terms
from llm_core.payment import Allowance, Payment
from tests.conftest import Platform, fresh

USD = 10**9
HELLO: list[Any] = [{"role": "user", "content": "Hello"}]

Asks = Callable[[str], Any]


class Counted(httpx2.HTTPTransport):
    """How often a client really asked."""

    asked = 0

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.asked += 1
        return super().handle_request(request)


def made(month: int | None = None, *, parent: str | None = None, **terms: Any) -> NewKey:
    """A key with this monthly budget, in nano-USD."""
    limits: Any = {} if month is None else {"month": month}
    user = f"user-{uuid4().hex[:8]}"
    return keys.create("budgets", user_id=user, terms=Terms({"ai:complete"}, limits, **terms), parent=parent)


def window(account: str) -> dict[str, Any]:
    item = Window(account, label("month", time.time())).read()
    assert item is not None
    assert item["limit"] == item["remaining"] + item["held"] + item["spent"]
    return item


def held(key: NewKey, amount: int) -> Payment:
    """A call of this key in flight, elsewhere, that may cost so much."""
    caller = callers.identify(key.api_key)
    return payment.take(caller, ledger.new_id(), amount, 0, "chat p/m", Allowance(), Deadline.after(60))


@pytest.fixture(params=["openai", "anthropic"])
def client(request: pytest.FixtureRequest, understudy: Platform) -> Callable[[NewKey], tuple[Asks, Counted]]:
    """Either vendor's client as it comes, with its own retries, and how often it really asked."""

    def of(key: NewKey) -> tuple[Asks, Counted]:
        counted = Counted()
        http: Any = httpx2.Client(transport=counted)
        if request.param == "openai":
            gpt = openai.OpenAI(base_url=f"{understudy.url}/v1", api_key=key.api_key, http_client=http)
            return lambda model: gpt.chat.completions.create(model=model, messages=HELLO, max_tokens=50), counted
        claude = anthropic.Anthropic(base_url=understudy.url, api_key=key.api_key, http_client=http)
        return lambda model: claude.messages.create(model=model, messages=HELLO, max_tokens=50), counted

    return of


def test_a_used_up_budget_says_everything_and_no_client_asks_again(
    inside: Platform, client: Callable[[NewKey], tuple[Asks, Counted]]
) -> None:
    key = made(month=1_000)
    ask, counted = client(key)
    with pytest.raises((openai.APIStatusError, anthropic.APIStatusError)) as told:
        ask(fresh("alone"))
    refused: Any = told.value
    assert (refused.status_code, counted.asked) == (402, 1)
    body: Any = refused.body
    error = body.get("error", body) if isinstance(body, dict) else {}
    assert error["code"] == "budget_exceeded"
    assert error["limit_id"] == f"key:{key.key_id}#{label('month', time.time())}"
    assert (error["limit"], error["remaining"]) == ("0.000001", "0.000001")
    assert float(error["required"]) > float(error["remaining"])
    assert error["window_end"].endswith("-01T00:00:00Z")
    assert (window(f"key:{key.key_id}")["held"], window(f"key:{key.key_id}")["spent"]) == (0, 0)


def test_a_budget_that_others_hold_for_a_moment_is_asked_for_again(
    inside: Platform, client: Callable[[NewKey], tuple[Asks, Counted]]
) -> None:
    """Given a call in flight that holds nearly all, when it ends within the client's patience, then all is well."""
    key = made(month=USD)
    other = held(key, USD - 1_000)
    ask, counted = client(key)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ask, fresh("alone"))
        while not counted.asked:
            time.sleep(0.01)
        time.sleep(0.5)  # the first refusal is on its way; its Retry-After is 2 s
        other.settle()
        assert answer.result(timeout=30)
    assert counted.asked >= 2


def test_ten_at_once_without_max_tokens_fit_into_a_dollar(understudy: Platform, inside: Platform) -> None:
    key = made(month=USD)
    gpt = openai.OpenAI(base_url=f"{understudy.url}/v1", api_key=key.api_key, max_retries=0)

    def ask(_: int) -> Any:
        return gpt.chat.completions.with_raw_response.create(model="claude-sonnet-4-6", messages=HELLO)

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(ask, range(10)))
    assert [answer.status_code for answer in answers] == [200] * 10
    assert all(answer.headers["x-budget-limit"] == "1" for answer in answers)
    assert all(float(answer.headers["x-budget-remaining"]) < 1 for answer in answers)
    assert (window(f"key:{key.key_id}")["held"], window(f"key:{key.key_id}")["spent"] > 0) == (0, True)


def test_a_key_that_holds_a_hundred_calls_does_not_stop_another_of_its_team(
    understudy: Platform, inside: Platform
) -> None:
    team = f"team:{uuid4().hex[:8]}"
    together(tree.opening(Account(team, None, {"month": 10 * USD})), Deadline.after(5))
    bug, other = made(parent=team), made(parent=team)
    stuck = [held(bug, 10_000_000) for _ in range(OPEN_HOLDS)]
    url = f"{understudy.url}/v1/chat/completions"
    body = {"model": fresh("alone"), "messages": HELLO, "max_tokens": 50}
    answers = [
        httpx2.post(url, json=body, headers={"authorization": f"Bearer {key.api_key}"}, timeout=30)
        for key in (bug, other)
    ]
    assert [answer.status_code for answer in answers] == [429, 200]
    assert answers[0].headers["retry-after"]
    for each in stuck:
        each.settle()
    assert window(team)["held"] == 0


def test_the_2847_dollar_night_ends_at_fifty(understudy: Platform, inside: Platform) -> None:
    """One empty classification, asked 891 times at 3.20 USD each, by a loop that nobody watched."""
    key = made(month=50 * USD)
    understudy.perform({"text": "", "output_tokens": 128_000}, key=None, model="claude-opus-4-7")
    url, headers = f"{understudy.url}/v1/chat/completions", {"authorization": f"Bearer {key.api_key}"}
    body = {"model": "claude-opus-4-7", "messages": HELLO, "max_tokens": 128_000}
    http = httpx2.Client(timeout=60)

    def ask(_: int) -> httpx2.Response:
        return http.post(url, json=body, headers=headers)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(891)))
    paid = [answer for answer in answers if answer.status_code == 200]
    refused = [answer for answer in answers if answer.status_code != 200]
    assert {answer.status_code for answer in refused} <= {402, 429}
    last = answers[-1]
    assert (last.status_code, last.json()["error"]["code"]) == (402, "budget_exceeded")
    assert "50 USD" in last.json()["error"]["message"]
    item = window(f"key:{key.key_id}")
    assert (item["held"], item["overrun"]) == (0, 0)
    assert 45 * USD < item["spent"] <= 50 * USD
    assert len(paid) == 15
    charged = sum(round(float(answer.headers["x-drey-cost-usd"]) * USD) for answer in paid)
    assert charged == item["spent"]


def test_a_minute_has_so_many_requests(understudy: Platform, inside: Platform) -> None:
    key = made(requests_per_minute=2)
    url, headers = f"{understudy.url}/v1/chat/completions", {"authorization": f"Bearer {key.api_key}"}
    body = {"model": fresh("alone"), "messages": HELLO, "max_tokens": 50}
    answers = [httpx2.post(url, json=body, headers=headers, timeout=30) for _ in range(4)]
    while answers[-1].status_code == 200:  # the minute turned
        answers.append(httpx2.post(url, json=body, headers=headers, timeout=30))
    assert [answer.status_code for answer in answers[:2]] == [200, 200]
    assert answers[0].headers["x-ratelimit-limit-requests"] == "2"
    assert {answers[0].headers["x-ratelimit-remaining-requests"], "1"} == {"1"}
    assert answers[-1].json()["error"]["code"] == "rate_limit"
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
