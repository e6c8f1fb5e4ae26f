"""Callers' own provider keys: which are taken, what they pay for, and where they are kept."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

import pytest

from llm_core import byok, redaction
from llm_core.aws import clients
from llm_core.aws.stage_catalog import catalog
from llm_core.byok import OwnKeys
from llm_core.catalog import Model
from llm_core.errors import InvalidRequest, StoreUnavailable
from llm_core.providers import directory
from llm_core.redaction import redact
from llm_core.settings import settings
from tests.conftest import Platform

SECRET = "own-key-of-ada-4711"


@pytest.fixture
def key_id(inside: Platform) -> str:
    return f"sk-proj-{uuid4().hex[:12]}"


def models(*names: str) -> list[Model]:
    return [catalog().model(name) for name in names]


CLAUDE = ("anthropic/claude-haiku-4-5", "bedrock/global.anthropic.claude-haiku-4-5-20251001-v1:0")


def name(key_id: str, provider: str = "anthropic") -> str:
    return f"{settings().byok_path}/{key_id}/{provider}"


# ------------------------------------------------------------------------------------------- sent


def test_a_key_that_is_sent_is_the_one_the_provider_is_asked_with(inside: Platform) -> None:
    own, room = byok.sent("anthropic", SECRET), directory.provider("anthropic")
    assert own.room(room)._key() == own.room(room)._key(fresh=True) == SECRET
    assert room._key() != SECRET, "the platform's own room is as it was"
    assert own.room(directory.provider("openai")) is directory.provider("openai")
    assert redact(f"refused: {SECRET}") == "refused: ***"


@pytest.mark.parametrize("provider", [None, "", "bedrock", "Anthropic", "nobody"])
def test_a_key_needs_a_provider_that_takes_one(inside: Platform, provider: str | None) -> None:
    with pytest.raises(InvalidRequest) as refused:
        byok.sent(provider, SECRET)
    assert refused.value.param == "X-User-Provider"
    assert refused.value.details == {"valid_providers": ["anthropic", "openai"]}


@pytest.mark.parametrize("secret", ["", "short", "with a space", "new\nline-key", "ümlaut-key", "x" * 513])
def test_what_cannot_be_a_key_is_refused_and_not_repeated(inside: Platform, secret: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        byok.sent("openai", secret)
    assert refused.value.param == "X-User-API-Key"
    assert refused.value.details == {"valid_providers": ["anthropic", "openai"]}
    assert not secret or secret not in refused.value.message


# ------------------------------------------------------------------------------------------- what it pays for


def test_the_chain_is_what_the_key_pays_for(inside: Platform) -> None:
    own, chain = byok.sent("anthropic", SECRET), models(*CLAUDE, "gpt-4.1")
    assert own.narrowed(chain, others=False) == chain[:1]
    assert own.narrowed(chain, others=True) == chain
    assert own.narrowed(models("gpt-4.1", CLAUDE[0]), others=True) == models(CLAUDE[0], "gpt-4.1"), "their own first"
    assert [model in own for model in chain] == [True, False, False]


def test_a_key_that_was_sent_is_used_or_the_request_is_refused(inside: Platform) -> None:
    with pytest.raises(InvalidRequest) as refused:
        byok.sent("openai", SECRET).narrowed(models(*CLAUDE), others=True)
    assert refused.value.details == {"valid_providers": ["anthropic"]}


def test_a_kept_key_pays_where_it_can_and_is_in_nobodys_way_elsewhere(inside: Platform) -> None:
    own = byok.kept("sk-proj-testtesttest", ("openai",))
    assert own.narrowed(models(*CLAUDE), others=False) == models(*CLAUDE)
    assert own.narrowed(models(*CLAUDE, "gpt-4.1"), others=False) == models("gpt-4.1")


def test_who_has_no_key_of_their_own_is_served_as_ever(inside: Platform) -> None:
    assert OwnKeys().narrowed(models(*CLAUDE), others=False) == models(*CLAUDE)
    assert OwnKeys().room(directory.provider("anthropic")) is directory.provider("anthropic")


def test_who_pays_is_a_word_that_tells_nothing_of_a_key(inside: Platform) -> None:
    claude, bedrock = models(*CLAUDE)
    sent, another = byok.sent("anthropic", SECRET), byok.sent("anthropic", f"{SECRET}2")
    kept = byok.kept("sk-proj-testtesttest", ("anthropic",))
    payers = [own.payer(claude) for own in (OwnKeys(), kept, sent, another)]
    assert len(set(payers)) == 4
    assert sent.payer(bedrock) == OwnKeys().payer(claude)
    assert SECRET not in str(payers)


# ------------------------------------------------------------------------------------------- kept


def read(key_id: str, *, fresh: bool = False) -> str:
    return byok.kept(key_id, ("anthropic",)).by_provider["anthropic"](fresh)


def test_a_kept_key_is_encrypted_at_a_place_of_its_own_and_struck_out_when_it_is_read(key_id: str) -> None:
    byok.store(key_id, "anthropic", SECRET)
    told = clients.ssm().get_parameter(Name=name(key_id), WithDecryption=False)["Parameter"]
    assert (told["Type"], SECRET in told["Value"]) == ("SecureString", False)

    redaction.begin_request()
    assert read(key_id) == SECRET
    assert redact(f"refused: {SECRET}") == "refused: ***"


def test_a_kept_key_is_remembered_for_five_minutes_and_read_anew_when_it_is_refused(
    key_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    byok.store(key_id, "anthropic", SECRET)
    assert read(key_id) == SECRET
    clients.ssm().put_parameter(Name=name(key_id), Value="replaced-elsewhere", Type="SecureString", Overwrite=True)
    assert read(key_id) == SECRET
    assert read(key_id, fresh=True) == "replaced-elsewhere"
    clients.ssm().put_parameter(Name=name(key_id), Value="and-once-more", Type="SecureString", Overwrite=True)
    assert read(key_id) == "replaced-elsewhere"
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + byok.CACHE_SECONDS + 1)
    assert read(key_id) == "and-once-more"


def test_a_replaced_and_a_forgotten_key_are_gone_at_once_where_it_was_done(key_id: str) -> None:
    byok.store(key_id, "anthropic", SECRET)
    assert read(key_id) == SECRET
    byok.store(key_id, "anthropic", "a-newer-key-4712")
    assert read(key_id) == "a-newer-key-4712"
    byok.forget(key_id, "anthropic")
    byok.forget(key_id, "anthropic")
    with pytest.raises(StoreUnavailable, match="keep it anew"):
        read(key_id)


def test_each_key_and_each_provider_has_its_own(key_id: str) -> None:
    byok.store(key_id, "anthropic", SECRET)
    byok.store(key_id, "openai", "another-key-4712")
    assert read(key_id) == SECRET
    with pytest.raises(StoreUnavailable):
        read("sk-proj-somebodyelse")


@pytest.mark.parametrize(("provider", "secret"), [("bedrock", SECRET), ("nobody", SECRET), ("openai", "short")])
def test_only_what_can_be_used_is_kept(key_id: str, provider: str, secret: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        byok.store(key_id, provider, secret)
    assert refused.value.param in ("provider", "apiKey")
    with pytest.raises(clients.ssm().exceptions.ParameterNotFound):
        clients.ssm().get_parameter(Name=name(key_id, provider))


def test_memory_of_kept_keys_has_an_end(key_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(byok, "_CACHE_SIZE", 3)
    for number in range(10):
        byok.store(f"{key_id}{number}", "anthropic", SECRET)
        read(f"{key_id}{number}")
    assert len(byok._found) <= 3


def test_when_the_store_is_silent_nobody_elses_key_is_used(key_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    clients._clients.clear()
    acts: list[Any] = [
        lambda: read(key_id),
        lambda: byok.store(key_id, "anthropic", SECRET),
        lambda: byok.forget(key_id, "anthropic"),
    ]
    for act in acts:
        with pytest.raises(StoreUnavailable):
            act()
