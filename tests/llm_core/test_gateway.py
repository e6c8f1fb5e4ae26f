"""One request at the top floor: what is refused before anybody is asked, and what a caller is told about costs."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from llm_core import callers, fitting, gateway, keys
from llm_core.aws.stage_catalog import catalog
from llm_core.callers import Caller
from llm_core.catalog import PACKAGE, Catalog
from llm_core.deadline import Deadline
from llm_core.errors import (
    BudgetExceeded,
    DeadlineExceeded,
    DreyError,
    InvalidRequest,
    LedgerUnavailable,
    Misconfigured,
    ModelNotFound,
    ParameterNotPriced,
)
from llm_core.failures import AllProvidersFailed, ProviderFailed, ProviderOverloaded, ProviderRefused
from llm_core.gateway import Answer, Wishes
from llm_core.messages import Message, Opaque, Original, Reply, Request, Text, Tool
from llm_core.money import nano, plain, with_markup
from llm_core.payment import Allowance
from llm_core.settings import settings
from tests.conftest import Platform, fresh, pool

HELLO = (Message("user", (Text("Hello"),)),)
WEATHER = Tool("get_weather", "The weather.", {"type": "object", "properties": {}})


def ada() -> Caller:
    """A caller without limits, on the tables of the running platform."""
    key = keys.create("gateway", user_id="ada", terms=keys.Terms({"ai:complete", "ai:embed"}))
    return callers.identify(key.api_key)


def request(model: str, **fields: Any) -> Request:
    asked: dict[str, Any] = {"model": model, "messages": HELLO, "max_tokens": 50} | fields
    return Request(**asked)


def up_to(most: int) -> Wishes:
    """A caller who allows so many nano-USD."""
    return Wishes(allowance=Allowance(most))


def answer(asked: Request, wishes: Wishes = Wishes(), seconds: float = 20) -> Answer[Reply]:  # noqa: B008 - frozen
    return gateway.answer(asked, ada(), Deadline.after(seconds), wishes)


def charge(asked: Request, name: str) -> int:
    """The most that one attempt at this model can cost the caller: nano-USD."""
    ceiling = fitting.ceiling(asked, gateway._prompt(asked), catalog().model(name))
    return with_markup(ceiling, settings().markup_percent)


def asked_of(platform: Platform, model: str) -> list[str]:
    """The providers that a request for this model reached, in order."""
    return [each["provider"] for each in platform.asked(10_000) if model in (each["model"] or "")]


# ------------------------------------------------------------------------------------------- refused before


# Each has the fault of its own line and of all lines below: what is told first is what is checked first.
ORDER: list[tuple[str, type[DreyError], dict[str, Any], Wishes]] = [
    ("an unknown model", ModelNotFound, {"model": "no-such-model"}, up_to(0)),
    ("a model of another kind", InvalidRequest, {"model": "text-embedding-3-small"}, up_to(0)),
    ("a term without a price", ParameterNotPriced, {"terms": {"service_tier": "gold"}, "top_k": 1}, up_to(0)),
    ("what the model cannot do", InvalidRequest, {"model": "claude-opus-4-7", "temperature": 0.1}, up_to(0)),
    ("more than is allowed", BudgetExceeded, {}, up_to(0)),
    ("no time", DeadlineExceeded, {}, Wishes()),
]


@pytest.mark.parametrize(("_", "refused", "fields", "wishes"), ORDER, ids=[line[0] for line in ORDER])
def test_a_request_is_refused_for_the_first_of_its_faults_and_nobody_is_asked(
    understudy: Platform, inside: Platform, _: str, refused: type[DreyError], fields: dict[str, Any], wishes: Wishes
) -> None:
    before = len(inside.asked(10_000))
    with pytest.raises(DreyError) as raised:
        answer(request(**{"model": fresh("claude")} | fields), wishes, seconds=-1)
    assert type(raised.value) is refused
    assert "cost" not in raised.value.details
    assert len(inside.asked(10_000)) == before


def test_the_first_candidate_must_be_able_and_the_others_may_be_passed_over(
    understudy: Platform, inside: Platform
) -> None:
    """Given a part that only Anthropic has words for, when Anthropic is down, then GPT is not asked with half of it."""
    model, gpt = fresh("alone"), fresh("gpt")
    thinking = Message("assistant", (Opaque("thinking"),))
    body = {"model": model, "max_tokens": 50, "messages": [{"role": "user", "content": "Hello"}]}
    asked = request(model, messages=(*HELLO, thinking, *HELLO), original=Original("anthropic", body))
    understudy.order({"kind": "status", "code": 529}, model=model)

    with pytest.raises(AllProvidersFailed):
        answer(replace(asked, models=(model, gpt)))
    assert asked_of(inside, gpt) == []

    with pytest.raises(InvalidRequest, match="thinking"):
        answer(replace(asked, models=(gpt, model)))


def test_a_usage_table_without_a_name_stops_a_request_before_it_costs(
    inside: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = fresh("alone")
    monkeypatch.delenv("USAGE_TABLE_NAME")
    settings.cache_clear()
    with pytest.raises(Misconfigured, match="USAGE_TABLE_NAME"):
        answer(request(model))
    assert asked_of(inside, model) == []


# ------------------------------------------------------------------------------------------- answered


def test_an_answer_says_who_gave_it_and_what_it_was_allowed(understudy: Platform, inside: Platform) -> None:
    model = fresh("claude")
    told = answer(request(model))
    assert (told.model.name, told.fallback, told.limit) == (f"anthropic/{model}", False, 50)
    assert told.reply.finish == "stop"
    assert told.call.charged == sum(row.charged for row in told.call.rows) > 0
    assert answer(request(model, max_tokens=None)).limit == 4_096


def test_a_fallback_is_told_and_both_attempts_are_of_one_call(understudy: Platform, inside: Platform) -> None:
    model = fresh("claude")
    understudy.order({"kind": "status", "code": 529, "retry_after": 30}, provider="anthropic", model=model)
    told = answer(request(model))
    assert (told.model.provider, told.fallback) == ("bedrock", True)
    assert [(row.provider, row.attempt, row.fallback) for row in told.call.rows] == [
        ("anthropic", 1, False),
        ("bedrock", 2, True),
    ]


def test_who_wishes_no_fallback_gets_the_first_candidates_failure(understudy: Platform, inside: Platform) -> None:
    model = fresh("claude")
    understudy.order({"kind": "status", "code": 529, "retry_after": 30}, provider="anthropic", model=model)
    with pytest.raises(ProviderOverloaded):
        answer(request(model), Wishes(fallback=False))
    assert asked_of(inside, model) == ["anthropic"]


def test_without_fallback_the_cheapest_for_this_request_is_asked_not_the_first_on_the_list(
    understudy: Platform, inside: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    dear, cheap = fresh("alone"), fresh("gpt")
    overlay = json.dumps({**pool(), "routes": {"low": {"cheapest": [dear, cheap]}}})
    low = Catalog(PACKAGE.read_bytes(), overlay.encode())
    monkeypatch.setattr(gateway, "catalog", lambda: low)
    assert answer(request("low"), Wishes(fallback=False)).model.model == cheap
    assert asked_of(inside, dear) == []


def test_the_same_prompt_has_the_same_bytes_whoever_is_asked_and_another_has_others() -> None:
    one = gateway._prompt(request("a", tools=(WEATHER,)))
    assert one == gateway._prompt(request("b", tools=(WEATHER,), max_tokens=7, temperature=0.5))
    assert one != gateway._prompt(request("a"))
    assert one != gateway._prompt(request("a", tools=(WEATHER,), system="Be brief."))


# ------------------------------------------------------------------------------------------- the caller's ceiling


def test_exactly_the_ceiling_is_enough_and_a_nano_dollar_less_is_not(understudy: Platform, inside: Platform) -> None:
    asked = request(fresh("alone"))
    most = charge(asked, asked.model)

    with pytest.raises(BudgetExceeded) as raised:
        answer(asked, up_to(most - 1))
    assert raised.value.details == {"required": plain(most), "limit": plain(most - 1)}
    assert asked_of(inside, asked.model) == []

    assert answer(asked, up_to(most)).call.charged <= most


def test_a_candidate_that_could_cost_more_than_allowed_is_passed_over(understudy: Platform, inside: Platform) -> None:
    cheap, dear = fresh("gpt"), fresh("alone")
    asked = request(cheap, models=(cheap, dear))
    understudy.order({"kind": "status", "code": 503, "retry_after": 30}, model=cheap)
    with pytest.raises(ProviderOverloaded):
        answer(asked, up_to(charge(asked, cheap)))
    assert asked_of(inside, dear) == []


def test_attempts_that_were_billed_by_nobody_leave_the_ceiling_whole(understudy: Platform, inside: Platform) -> None:
    """An HTTP error costs nothing, so the second attempt may cost as much as the first might have."""
    asked = request(fresh("alone"))
    understudy.order({"kind": "status", "code": 500}, model=asked.model, times=1)
    told = answer(asked, up_to(charge(asked, asked.model)))
    assert [row.outcome for row in told.call.rows] == ["provider_error", "ok"]


def test_an_attempt_whose_end_nobody_saw_is_counted_against_the_ceiling(understudy: Platform, inside: Platform) -> None:
    asked = request(fresh("alone"))
    most = charge(asked, asked.model)
    understudy.order({"kind": "reset"}, model=asked.model)

    with pytest.raises(AllProvidersFailed, match="could not be asked or understood") as raised:
        answer(asked, up_to(2 * most - 1))

    assert asked_of(inside, asked.model) == ["anthropic"]
    assert (raised.value.code, raised.value.retryable) == ("budget_exceeded", False)
    assert raised.value.details == {"cost": plain(most)}


def test_as_many_such_attempts_are_made_as_the_ceiling_has_room_for(understudy: Platform, inside: Platform) -> None:
    asked = request(fresh("alone"))
    most = charge(asked, asked.model)
    understudy.order({"kind": "reset"}, model=asked.model, times=1)
    told = answer(asked, up_to(2 * most))
    assert [row.estimated for row in told.call.rows] == [True, False]
    assert told.call.charged <= 2 * most


# ------------------------------------------------------------------------------------------- failed and accounted


def test_a_failed_call_says_what_it_is_charged_for_attempts_that_may_be_billed(
    understudy: Platform, inside: Platform
) -> None:
    asked = request(fresh("alone"))
    understudy.order({"kind": "reset"}, model=asked.model)
    with pytest.raises(AllProvidersFailed) as raised:
        answer(asked)
    assert raised.value.details["cost"] == plain(3 * charge(asked, asked.model))


@pytest.mark.parametrize(("code", "failed"), [(400, ProviderRefused), (529, ProviderOverloaded)])
def test_a_failed_call_that_costs_nothing_says_nothing_of_costs(
    understudy: Platform, inside: Platform, code: int, failed: type[DreyError]
) -> None:
    asked = request(fresh("alone"))
    understudy.order({"kind": "status", "code": code, "retry_after": 30}, model=asked.model)
    with pytest.raises(failed) as raised:
        answer(asked)
    assert "cost" not in raised.value.details


def test_what_one_failure_is_charged_is_not_told_of_the_next(understudy: Platform, inside: Platform) -> None:
    """`details` of the class are shared by all errors: they must not be written to."""
    asked = request(fresh("alone"))
    understudy.order({"kind": "malformed_chunk"}, model=asked.model)
    with pytest.raises(DreyError) as raised:
        answer(asked)
    assert nano(str(raised.value.details["cost"])) > 0
    assert dict(DreyError("another").details) == dict(ProviderFailed("another", provider="p").details) == {}


def test_an_answer_that_cannot_be_booked_is_withheld(
    understudy: Platform, inside: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = request(fresh("claude"))
    monkeypatch.setenv("USAGE_TABLE_NAME", "no-such-table")
    settings.cache_clear()
    with pytest.raises(LedgerUnavailable):
        answer(asked)
    assert asked_of(inside, asked.model) == ["anthropic"], "and not bought again elsewhere"


def _json(sent: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(sent["body"])
    return body


# ------------------------------------------------------------------------------------------- vectors


def test_vectors_come_from_the_model_that_the_name_stands_for_and_are_booked(
    understudy: Platform, inside: Platform
) -> None:
    told = gateway.embed({"model": "embed", "input": ["one", "two"]}, ada(), Deadline.after(10))
    assert (told.model.name, len(told.reply.vectors), told.fallback) == ("openai/text-embedding-3-small", 2, False)
    (row,) = told.call.rows
    assert (row.operation, row.requested_model, row.usage.output) == ("embeddings", "embed", 0)
    assert 0 < row.usage.input == inside.sold()[-1]["usage"]["input"]
    assert row.cost == Decimal(row.usage.input) * nano("0.02") / 1_000_000


def test_only_the_texts_models_name_changes_on_their_way(understudy: Platform, inside: Platform) -> None:
    body = {"model": "embed", "input": "one", "dimensions": 8, "user": "u-1"}
    gateway.embed(body, ada(), Deadline.after(10))
    (sent,) = inside.asked()
    assert {**body, "model": "text-embedding-3-small", "encoding_format": "float"}.items() <= _json(sent).items()
    assert body["model"] == "embed", "the caller's own is left as it was"


@pytest.mark.parametrize(("name", "refused"), [("no-such-model", ModelNotFound), ("claude-haiku-4-5", InvalidRequest)])
def test_what_makes_no_vectors_is_refused_and_nobody_is_asked(
    understudy: Platform, inside: Platform, name: str, refused: type[DreyError]
) -> None:
    before = len(inside.asked(10_000))
    with pytest.raises(refused):
        gateway.embed({"model": name, "input": "one"}, ada(), Deadline.after(10))
    assert len(inside.asked(10_000)) == before


def test_vectors_that_may_have_been_billed_are_told_as_that(understudy: Platform, inside: Platform) -> None:
    understudy.order({"kind": "reset"}, path="/v1/embeddings", times=1)
    understudy.order({"kind": "status", "code": 429, "retry_after": 30}, path="/v1/embeddings")
    with pytest.raises(AllProvidersFailed) as raised:
        gateway.embed({"model": "embed", "input": "one"}, ada(), Deadline.after(10))
    assert nano(str(raised.value.details["cost"])) > 0
