"""Cache building: a thread per model, three services each, what is asked again and what is kept."""

from __future__ import annotations

import io
import json
import threading
import time
from typing import Any

import pytest

from llm_core.aws import expiring
from llm_core.settings import settings
from sayings import build_cache, builder, cooldown, services, writer
from tests.conftest import Platform
from tests.functions.sayings.conftest import PROVIDERS, Sayings
from tests.functions.sayings.test_get_saying import errors

OPENAI = [role for role in writer.ROLES if PROVIDERS[role] == "openai"]


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builder, "FIRST_PAUSE", 0.01)


@pytest.fixture
def written(understudy: Platform, four: dict[str, str]) -> Platform:
    """Each model writes a saying of its own about any service."""
    for model in four.values():
        understudy.perform({"text": texts(model)}, model=model)
    return understudy


def texts(model: str, *, unfit: tuple[str, ...] = ()) -> str:
    every = {name: f"{each.name} is a lighthouse, says {model}." for name, each in services.services().items()}
    return json.dumps(every | dict.fromkeys(unfit, "unfit"))


def asked(understudy: Platform, model: str) -> list[list[str]]:
    """The services of each call to this model, oldest first; Gemini and Bedrock name theirs in the path."""
    calls = [json.loads(each["body"]) for each in understudy.asked(1_000)]
    return [_services(call) for call in calls if call.get("model") == model]


def _services(call: dict[str, Any]) -> list[str]:
    content = call["messages"][-1]["content"]
    told = json.loads(content if isinstance(content, str) else content[0]["text"])
    return [service["id"] for service in told["services"]]


def test_four_models_are_asked_once_each_for_three_services_of_their_own(
    sayings: Sayings, written: Platform, four: dict[str, str]
) -> None:
    assert sayings.fill() == dict.fromkeys(writer.ROLES, 3)
    calls = [asked(written, model) for model in four.values()]
    assert [len(each) for each in calls] == [1, 1, 1, 1]
    assert len({service for ((*share,),) in calls for service in share}) == 12
    kept = sayings.items("MainHumorTable")
    assert len(kept) == 12
    assert {item["model"] for item in kept} == set(four.values())


@pytest.mark.parametrize("role", writer.ROLES)
def test_only_openais_models_are_asked_again_for_what_was_unfit(
    sayings: Sayings, understudy: Platform, four: dict[str, str], role: str
) -> None:
    """Given an answer of which one saying is fit; then the others are asked for, or what was fit is all there is."""
    model = four[role]
    understudy.perform({"text": json.dumps(dict.fromkeys(services.services(), "unfit"))}, model=model, times=1)
    understudy.perform({"text": texts(model)}, model=model)
    new = sayings.fill()[role]
    calls = asked(understudy, model)
    if role in OPENAI:
        assert (new, len(calls)) == (3, 2)
        assert calls[0] == calls[1]
    else:
        assert (new, len(calls)) == (0, 1)


def test_a_top_up_asks_only_for_what_is_missing(
    sayings: Sayings, understudy: Platform, four: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = four["sayings_gpt"]
    monkeypatch.setattr(writer, "ROLES", ("sayings_gpt",))
    wanted = list(services.services().values())[:3]
    monkeypatch.setattr(services, "some", lambda *_: wanted)
    unfit = (wanted[0].id, wanted[2].id)
    understudy.perform({"text": texts(model, unfit=unfit)}, model=model, times=1)
    understudy.perform({"text": texts(model)}, model=model)
    assert sayings.fill() == {"sayings_gpt": 3}
    assert asked(understudy, model) == [[service.id for service in wanted], [*unfit]]


@pytest.mark.parametrize("role", writer.ROLES)
def test_what_fails_three_times_is_given_up_and_rests(
    sayings: Sayings, understudy: Platform, four: dict[str, str], role: str, log: io.StringIO
) -> None:
    understudy.order({"kind": "status", "code": 429}, model=four[role])
    assert sayings.fill()[role] == 0
    assert len(asked(understudy, four[role])) == 3
    assert cooldown.resting() == {role}
    assert {line["error_type"] for line in errors(log) if line["model"] == four[role]} <= {"RateLimit", "ApiError"}


def test_a_long_retry_after_is_obeyed_by_not_asking_again(
    sayings: Sayings, understudy: Platform, four: dict[str, str]
) -> None:
    for model in four.values():
        understudy.order({"kind": "status", "code": 429, "retry_after": 120}, model=model)
    began = time.time()
    sayings.fill()
    assert [len(asked(understudy, model)) for model in four.values()] == [1, 1, 1, 1]
    assert cooldown.resting() == set(writer.ROLES)
    names = [f"cooldown#{role}" for role in writer.ROLES]
    health = settings().need("health_table_name")
    assert expiring.alive(health, names, now=int(began) + 115) == set(names)
    assert expiring.alive(health, names, now=int(time.time()) + 121) == set()
    assert sayings.fill() == {}, "nobody is asked while all rest"


@pytest.mark.parametrize("code", [401, 403])
def test_a_refused_key_lets_all_models_of_that_provider_rest(
    sayings: Sayings, understudy: Platform, four: dict[str, str], code: int
) -> None:
    understudy.order({"kind": "status", "code": code}, provider="openai")
    sayings.fill()
    assert cooldown.resting() >= set(OPENAI)
    assert [len(asked(understudy, four[role])) for role in OPENAI] == [1, 1]


def test_a_slow_model_keeps_nobody_else_waiting(sayings: Sayings, written: Platform, four: dict[str, str]) -> None:
    """What the others wrote is kept while it still writes: if everything were frozen now, nothing would be lost."""
    slow = four["sayings_sonnet"]
    written.free()
    written.order({"kind": "slow_headers", "seconds": 2.5}, model=slow)
    for role, model in four.items():
        if role != "sayings_sonnet":
            written.perform({"text": texts(model)}, model=model)
    round_ = threading.Thread(target=sayings.fill)
    round_.start()
    until = time.monotonic() + 15
    while len(sayings.items("MainHumorTable")) < 9 and time.monotonic() < until:
        time.sleep(0.02)
    early = {item["model"] for item in sayings.items("MainHumorTable")}
    assert round_.is_alive()
    round_.join()
    assert early == set(four.values()) - {slow}


def test_two_rounds_at_once_are_one(sayings: Sayings, written: Platform, four: dict[str, str]) -> None:
    rounds: list[dict[str, int]] = []
    threads = [threading.Thread(target=lambda: rounds.append(sayings.fill())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(len, rounds)) == [0, 0, 0, 4]
    assert sayings.fill() == {}, "nor does another follow at once"
    assert [len(asked(written, model)) for model in four.values()] == [1, 1, 1, 1]


def test_what_cannot_be_kept_is_told_and_fails_nothing(
    sayings: Sayings, written: Platform, four: dict[str, str], monkeypatch: pytest.MonkeyPatch, log: io.StringIO
) -> None:
    monkeypatch.setenv("MAIN_HUMOR_TABLE_NAME", "there-is-no-such-table")
    settings.cache_clear()
    assert sayings.fill() == dict.fromkeys(writer.ROLES, 0)
    assert {line["model"] for line in errors(log)} == {"DynamoDB"}


def test_a_warm_up_asks_nobody(sayings: Sayings) -> None:
    assert build_cache.handler({"warmup": True}, None) == {}
