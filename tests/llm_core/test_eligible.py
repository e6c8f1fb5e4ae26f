"""Who may answer whom: own keys first, then what the key may use, then whether anybody but the first is wanted."""

from __future__ import annotations

from typing import Any

import pytest

from llm_core import byok, eligible
from llm_core.aws.stage_catalog import catalog
from llm_core.byok import OwnKeys
from llm_core.call import Call
from llm_core.callers import Caller
from llm_core.catalog import Model
from llm_core.errors import InvalidRequest, NotAllowed
from tests.conftest import Platform

CHAIN = ("openai/gpt-4.1", "anthropic/claude-haiku-4-5", "bedrock/global.anthropic.claude-haiku-4-5-20251001-v1:0")
ANTHROPIC = "anthropic/claude-haiku-4-5"


def allowed(models: tuple[str, ...] | None = None, own: OwnKeys | None = None, **wishes: Any) -> list[str]:
    caller = Caller("sk-proj-testtesttest", "ada", frozenset(), models=models)
    call = Call(caller, "chat", "any", b"", own=own or OwnKeys())
    chain: list[Model] = [catalog().model(name) for name in CHAIN]
    return [model.name for model in eligible.allowed(call, chain, **{"fallback": True, "others": False} | wishes)]


def test_whoever_wishes_nothing_is_answered_by_anybody_in_order(inside: Platform) -> None:
    assert allowed() == list(CHAIN)


def test_without_fallback_only_the_first_is_left(inside: Platform) -> None:
    assert allowed(fallback=False) == [CHAIN[0]]


def test_a_key_for_some_models_leaves_those_whatever_they_are_called(inside: Platform) -> None:
    assert allowed(models=("fast",)) == list(CHAIN[1:])
    with pytest.raises(NotAllowed, match="claude-opus-4-7"):
        allowed(models=("claude-opus-4-7",))
    with pytest.raises(NotAllowed):
        allowed(models=("fast",), fallback=False)


def test_a_model_that_has_left_the_catalog_takes_nothing_from_the_others(inside: Platform) -> None:
    assert allowed(models=("gone-4", "fast")) == list(CHAIN[1:])
    with pytest.raises(NotAllowed, match="only gone-4"):
        allowed(models=("gone-4",))
    with pytest.raises(NotAllowed, match="no model"):
        allowed(models=())


def test_the_first_of_ones_own_is_the_first_even_without_fallback(inside: Platform) -> None:
    own = byok.sent("anthropic", "own-key-of-ada-4711")
    assert allowed(own=own) == allowed(own=own, fallback=False) == [ANTHROPIC]
    assert allowed(own=own, others=True) == [ANTHROPIC, CHAIN[0], CHAIN[2]]


def test_ones_own_key_opens_no_model_that_the_key_of_ours_may_not_use(inside: Platform) -> None:
    own = byok.sent("openai", "own-key-of-ada-4711")
    with pytest.raises(NotAllowed):
        allowed(models=("fast",), own=own)


def test_a_key_for_nobody_in_the_chain_is_refused(inside: Platform) -> None:
    own = byok.OwnKeys({"wall": lambda _: "own-key-of-ada-4711"}, "a hash")
    with pytest.raises(InvalidRequest) as refused:
        allowed(own=own)
    assert refused.value.details == {"valid_providers": ["anthropic", "openai"]}
