"""What all rooms have in common: with whose key somebody is asked."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import pytest

from llm_core.aws.stage_catalog import catalog
from llm_core.deadline import Deadline
from llm_core.failures import OwnKeyRefused, ProviderDenied, ProviderError, ProviderOverloaded, ProviderRefused
from llm_core.messages import Message, Request, Text
from llm_core.providers import anthropic, openai
from llm_core.providers.base import Provider
from llm_core.providers.directory import provider
from tests.conftest import Platform, fresh

SECRET = "own-key-of-ada-4711"
FAMILIES = [("anthropic", "alone"), ("openai", "gpt")]


def ask(room: Provider, model: str) -> None:
    request = Request(model, (Message("user", (Text("Hello"),)),))
    room.send(room.body(request, catalog().model(model), 100), Deadline.after(10))


def keys(platform: Platform, model: str) -> list[str]:
    """The keys that came with the requests for this model, in order."""
    return [sale["key"] for sale in platform.sold() if sale["model"] == model]


class Kept:
    """A caller's own key, which may have been replaced."""

    def __init__(self, *values: str) -> None:
        self.values = list(values)

    def __call__(self, fresh: bool) -> str:
        if fresh and len(self.values) > 1:
            self.values.pop(0)
        return self.values[0]


@pytest.mark.parametrize(("name", "family"), FAMILIES)
def test_the_provider_sees_exactly_the_callers_own_key_and_then_the_platforms_again(
    understudy: Platform, inside: Platform, name: str, family: str
) -> None:
    room, model = provider(name), fresh(family)
    ask(room.with_key(Kept(SECRET)), model)
    ask(room, model)
    ask(room.with_key(Kept("another-key-4712")), model)
    seen = keys(inside, model)
    assert (seen[0], seen[2]) == (SECRET, "another-key-4712")
    assert seen[1] not in (SECRET, "another-key-4712")
    (sent,) = inside.asked()
    assert SECRET not in str(sent)


@pytest.mark.parametrize(("name", "family"), FAMILIES)
def test_a_thousand_keys_leave_one_client_behind(inside: Platform, name: str, family: str) -> None:
    made: dict[str, Callable[[str | None], Any]] = {"anthropic": anthropic._client, "openai": openai._client}
    kind = type(made[name](provider(name).base_url))
    for number in range(1_000):
        provider(name).with_key(Kept(f"key-number-{number}"))._client(f"key-number-{number}")
    gc.collect()
    alive = [each for each in gc.get_objects() if type(each) is kind and "key-number" in str(each.api_key)]
    assert alive == []


@pytest.mark.parametrize(("name", "family"), FAMILIES)
@pytest.mark.parametrize("code", [401, 402, 403, 404])
def test_a_refusal_of_the_callers_own_key_is_not_the_platforms(
    understudy: Platform, inside: Platform, name: str, family: str, code: int
) -> None:
    room, model = provider(name), fresh(family)
    understudy.order({"kind": "status", "code": code}, model=model)
    with pytest.raises(OwnKeyRefused, match=f"about your key for {name}, not about your key here") as refused:
        ask(room.with_key(Kept(SECRET)), model)
    assert (refused.value.status, refused.value.elsewhere, refused.value.retryable) == (code, False, False)
    assert len([each for each in inside.asked(10_000) if each["model"] == model]) == 1
    with pytest.raises(ProviderDenied) as ours:
        ask(room, model)
    assert type(ours.value) is ProviderDenied


@pytest.mark.parametrize(("code", "kind"), [(400, ProviderRefused), (429, ProviderOverloaded)])
def test_other_refusals_are_what_they_are_whoever_pays(
    understudy: Platform, inside: Platform, code: int, kind: type[ProviderError]
) -> None:
    model = fresh("alone")
    understudy.order({"kind": "status", "code": code}, model=model)
    with pytest.raises(kind) as refused:
        ask(provider("anthropic").with_key(Kept(SECRET)), model)
    assert type(refused.value) is kind


def test_a_key_that_was_replaced_is_read_again_once(understudy: Platform, inside: Platform) -> None:
    model = fresh("alone")
    understudy.order({"kind": "status", "code": 401}, model=model, key="the-old-key-4711")
    ask(provider("anthropic").with_key(Kept("the-old-key-4711", "the-new-key-4712")), model)
    assert [each["key"] for each in inside.sold() if each["model"] == model][-1] == "the-new-key-4712"
