"""Sayings under faults: every dependency, every fault, and a visitor still gets a saying or a clean error.

The doors run in this process as containers that were just started; models are played by the understudy, AWS by the
emulator behind a server that is in trouble as it is told. Time limits of models that never answer are scaled
down, all others are real.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from llm_core import public
from llm_core.aws import breaker, clients, expiring, outages, secrets
from llm_core.providers import directory
from llm_core.settings import settings
from sayings import builder, cooldown, live, services, shelf, writer
from tests.conftest import Platform
from tests.faults.troubled_aws import FAULTS as AWS_FAULTS
from tests.faults.troubled_aws import Trouble, standing_before
from tests.functions.sayings.conftest import PROVIDERS, Sayings, begin, haiku
from tests.functions.sayings.conftest import four as four
from tests.functions.sayings.conftest import sayings as sayings
from tests.functions.sayings.conftest import warm as warm

EVERY = "DREY_FAULTS" in os.environ
"""`make sayings-faults` plays all of them, the suite some."""

SOME = {"429", "silence", "throttled"}

MOST_SECONDS = 12.0
REQUESTS = 7
LIVE_S, ROUND_S = 3.0, 6.0
"""In the place of 10 and 20 s, for models that never answer."""

ATTIC = "S3 is an attic, and it was here before the trouble."


def status(code: int, **more: Any) -> dict[str, Any]:
    return {"kind": "status", "code": code, **more}


MODEL_FAULTS: dict[str, dict[str, Any]] = {
    **{str(code): status(code) for code in (400, 401, 403, 404, 408, 413, 422, 429, 500, 502, 503, 529)},
    "429, Retry-After 120 s": status(429, retry_after=120),
    "context overflow": {"kind": "context_length"},
    "content filter": {"kind": "content_filter"},
    "refusal": {"kind": "refusal"},
    "reset": {"kind": "reset"},
    "silence": {"kind": "silence"},
    "slow": {"kind": "slow_headers", "seconds": 30},
    "stall": {"kind": "stall"},
    "cut": {"kind": "cut"},
    "cut hard": {"kind": "cut", "clean": False},
    "reset within": {"kind": "reset_mid_stream"},
    "no JSON": {"kind": "malformed_chunk"},
    "another shape": {"kind": "wrong_shape"},
    "a page for people": {"kind": "html_page"},
    "no usage": {"kind": "usage_missing"},
}
NEVER_ANSWER = {"silence", "slow", "stall"}
MAY_ANSWER = {"cut"}
"""A whole body that is cut cleanly may still be refused or read; either way somebody gets a saying."""

RESTS = {"401": 300, "403": 300, "404": 300, "429": 60, "503": 60, "529": 60, "429, Retry-After 120 s": 120}
"""Seconds that a model is left alone by all containers."""


def played(faults: Iterable[str]) -> list[str]:
    """Those that this run plays."""
    return [fault for fault in faults if EVERY or fault in SOME]


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builder, "FIRST_PAUSE", 0.01)


@pytest.fixture
def told(sayings: Sayings) -> Sayings:
    """A table with a saying in it, and no outage that an earlier test met."""
    shelf.keep([haiku(ATTIC)])
    for provider in set(PROVIDERS.values()):
        expiring.forget(settings().need("health_table_name"), f"outage#{provider}")
    return sayings


def container(sayings: Sayings, requests: int = REQUESTS) -> list[dict[str, Any]]:
    """The first requests of a container: each is answered, in time, with a saying."""
    answers = [in_time(sayings.get) for _ in range(requests)]
    assert all(answer["saying"] for answer in answers)
    return answers


def in_time(door: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    began = time.monotonic()
    answer = door()
    assert time.monotonic() - began < MOST_SECONDS
    return answer


def roles_of(provider: str) -> list[str]:
    return [role for role in writer.ROLES if PROVIDERS[role] == provider]


@pytest.mark.parametrize("fault", played(MODEL_FAULTS))
@pytest.mark.parametrize("provider", ["anthropic", "openai"])
def test_a_model_in_trouble(
    told: Sayings,
    understudy: Platform,
    four: dict[str, str],
    provider: str,
    fault: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Given a provider in trouble: the live request asks it once and is answered from elsewhere, a second container
    asks it only if it does not rest, and a round fills the cache with what the other provider's models write."""
    if fault in NEVER_ANSWER:
        monkeypatch.setattr(live, "SECONDS", LIVE_S)
        monkeypatch.setattr(builder, "SECONDS", ROUND_S)
    own, others = roles_of(provider), roles_of("openai" if provider == "anthropic" else "anthropic")
    understudy.order(MODEL_FAULTS[fault], provider=provider)
    for role in others:
        text = {name: f"{each.name} is a lighthouse of {role}." for name, each in services.services().items()}
        understudy.perform({"text": json.dumps(text)}, model=four[role])

    def chosen(resting: Collection[str], _: object) -> str | None:
        return own[0] if own[0] not in resting else None

    with monkeypatch.context() as patch:
        patch.setattr(writer, "choose", chosen)
        answers = container(told)
        asked = len(calls(understudy, four))
        assert asked == 1, "one live call, never repeated"
        assert fault in MAY_ANSWER or answers[3]["source"].startswith(("Cache: ", "DynamoDB: "))
        assert bool(cooldown.resting()) == (fault in RESTS)
        begin(patch)
        container(told, 4)
        assert len(calls(understudy, four)) - asked == (0 if fault in RESTS else 1)

    began = time.monotonic()
    new = told.fill()
    assert time.monotonic() - began < builder.SECONDS + MOST_SECONDS
    assert [new[role] for role in others] == [3, 3]
    for role in own:
        assert len([model for model in calls(understudy, four) if model == four[role]]) <= 2 + builder.ATTEMPTS


@pytest.mark.parametrize("fault", played(RESTS))
def test_a_model_rests_as_long_as_it_should(
    told: Sayings, understudy: Platform, four: dict[str, str], fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    understudy.order(MODEL_FAULTS[fault], provider="openai")
    monkeypatch.setattr(writer, "choose", lambda *_: "sayings_gpt")
    began = int(time.time())
    container(told, 4)
    names, health = [f"cooldown#{role}" for role in writer.ROLES], settings().need("health_table_name")
    alive = expiring.alive(health, names, now=began + RESTS[fault] - 1)
    whose = roles_of("openai") if RESTS[fault] == 300 else ["sayings_gpt"]
    assert alive == {f"cooldown#{role}" for role in whose}
    assert expiring.alive(health, names, now=int(time.time()) + RESTS[fault] + 1) == set()


# ------------------------------------------------------------------------------------------------ AWS
@pytest.fixture(scope="module")
def before_aws(platform: Platform) -> Iterator[Trouble]:
    with standing_before(platform.environment["AWS_ENDPOINT_URL"]) as trouble:
        yield trouble


@pytest.fixture
def aws(before_aws: Trouble, told: Sayings, four: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Trouble]:
    """AWS in good health, until a test says otherwise; this process's clients know nothing yet."""
    before_aws.end()
    monkeypatch.setenv("AWS_ENDPOINT_URL", before_aws.url)
    for kept in (clients._clients, secrets._stores, secrets._read, secrets._refused, breaker._stores, public._opened):
        kept.clear()
    yield before_aws
    before_aws.end()


@pytest.mark.parametrize("fault", played(AWS_FAULTS))
def test_dynamodb_in_trouble(
    told: Sayings, aws: Trouble, understudy: Platform, four: dict[str, str], fault: str
) -> None:
    """Given no table can be asked: sayings come from the package, a thumb is refused and not lost, nobody is paid."""
    aws.begin("DynamoDB", fault)
    vote = {"key": str(uuid4()), "saying": ATTIC, "feedbackType": "POSITIVE"}
    doors: list[Callable[[], Any]] = [
        lambda: container(told),
        lambda: in_time(lambda: told.vote(**vote)),
        lambda: in_time(told.opinions),
        told.fill,
    ]
    with ThreadPoolExecutor(len(doors)) as pool:
        answers, voted, opinions, new = (run.result() for run in [pool.submit(door) for door in doors])
    if fault == "slow":
        assert voted["statusCode"] == opinions["statusCode"] == 200
    else:
        assert {answer["source"] for answer in answers} == {"Built-in"}
        for answer in (voted, opinions):
            assert answer["statusCode"] == 503
            assert json.loads(answer["body"])["code"] == "store_unavailable"
        assert voted["multiValueHeaders"]["retry-after"] == ["1"]
        assert (new, calls(understudy, four)) == ({}, []), "what cannot be held is not asked"
    aws.end()
    assert told.vote(**vote)["statusCode"] == 200
    assert told.saying(ATTIC)["upvotes"] == 1


@pytest.mark.parametrize("fault", played(["throttled", "reset", "broken"]))
def test_a_warm_container_goes_on_with_the_sayings_it_has(told: Sayings, aws: Trouble, fault: str) -> None:
    shelf.keep([haiku("S3 is another attic, two doors down.")])
    container(told, 1)
    aws.begin("DynamoDB", fault)
    answers = container(told, 3)
    assert {answer["source"] for answer in answers} <= {"DynamoDB: generated by Claude Haiku 4.5"}


@pytest.mark.parametrize("fault", played(AWS_FAULTS))
def test_parameter_store_in_trouble(
    told: Sayings, aws: Trouble, understudy: Platform, four: dict[str, str], fault: str
) -> None:
    """Given no provider's key can be read: sayings come from the table, and the store is not stormed."""
    aws.begin("AmazonSSM", fault)
    answers = container(told, 4)
    if fault == "slow":
        return
    assert answers[3]["source"].startswith(("Cache: ", "DynamoDB: "))
    assert calls(understudy, four) == []
    assert 1 <= aws.asked <= 3
    refused = fault in ("denied", "missing", "garbage")
    assert bool(cooldown.resting()) == refused
    if refused:
        assert outages.among(PROVIDERS.values()), "health shows it"
        met = aws.asked
        told.fill()
        told.fill()
        assert aws.asked <= met + 2, "the other provider's key, by the threads of its two models at once"
        assert calls(understudy, four) == []


def test_a_key_that_was_read_serves_while_parameter_store_is_in_trouble(
    told: Sayings, aws: Trouble, understudy: Platform, four: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = json.dumps(dict.fromkeys(services.services(), "It is a lighthouse with a light of its own."))
    understudy.perform({"text": text})
    monkeypatch.setattr(writer, "choose", lambda *_: "sayings_gpt")
    container(told, 4)
    secrets._stores.clear()  # five minutes later
    aws.begin("AmazonSSM", "throttled")
    begin(monkeypatch)
    assert container(told, 4)[3]["source"].startswith("Generated by ")
    assert aws.asked > 0


def test_without_one_providers_key_the_other_one_writes(
    told: Sayings, aws: Trouble, understudy: Platform, four: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for role in roles_of("openai"):
        text = {name: f"{each.name} is a lighthouse of {role}." for name, each in services.services().items()}
        understudy.perform({"text": json.dumps(text)}, model=four[role])
    monkeypatch.setenv("ANTHROPIC_API_KEY_REF", f"ssm:/not/there/{uuid4().hex}")
    settings.cache_clear()
    directory.provider.cache_clear()
    new = told.fill()
    assert new == {"sayings_haiku": 0, "sayings_sonnet": 0, "sayings_gpt": 3, "sayings_gpt_mini": 3}
    assert cooldown.resting() == set(roles_of("anthropic"))
    assert outages.among(set(PROVIDERS.values())) == ["anthropic"]
    directory.provider.cache_clear()


def calls(understudy: Platform, four: dict[str, str]) -> list[str]:
    """The models that were asked, of these four."""
    sent = [json.loads(each["body"]).get("model") for each in understudy.asked(1_000) if each.get("body")]
    return [model for model in sent if model in four.values()]
