"""Which room answers to which name: three of our own, and those that an operator added."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from llm_core.aws import stage_catalog
from llm_core.errors import Misconfigured
from llm_core.providers import directory
from llm_core.providers.anthropic import Anthropic
from llm_core.providers.bedrock import Bedrock
from llm_core.providers.openai import OpenAI
from llm_core.settings import settings

ENDPOINT = {"kind": "openai", "base_url": "http://127.0.0.1:9/v1", "secret": "ssm:/wall/key"}
ROW = {"provider": "wall", "model": "ok-1", "input": 1, "output": 5, "context": 8_000, "max_output": 1_000}
SET = {
    "ANTHROPIC_API_KEY_REF": "ssm:/a",
    "ANTHROPIC_BASE_URL": "http://a",
    "OPENAI_API_KEY_REF": "ssm:/o",
    "OPENAI_BASE_URL": "http://o/v1",
    "ANTHROPIC_BEDROCK_BASE_URL": "http://b",
}

Stage = Callable[..., None]


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """A stage with these settings and this overlay."""

    def fresh() -> None:
        settings.cache_clear()
        stage_catalog.catalog.cache_clear()
        directory.provider.cache_clear()

    def at(overlay: dict[str, Any] | None = None, **variables: str) -> None:
        for name in SET:
            monkeypatch.delenv(name, raising=False)
        file = tmp_path / "overlay.json"
        file.write_text(json.dumps(overlay or {}))
        for name, value in {"DREY_OVERLAY": f"file:{file}", "STAGE": "dev", **variables}.items():
            monkeypatch.setenv(name, value)
        fresh()

    at()
    yield at
    monkeypatch.undo()
    fresh()


def test_our_own_have_the_secrets_and_addresses_of_the_settings(stage: Stage) -> None:
    stage(**SET)
    anthropic, openai, bedrock = (directory.provider(name) for name in directory.OWN)
    assert (type(anthropic), anthropic.secret, anthropic.base_url) == (Anthropic, "ssm:/a", "http://a")
    assert (type(openai), openai.secret, openai.base_url) == (OpenAI, "ssm:/o", "http://o/v1")
    assert (type(bedrock), bedrock.secret, bedrock.base_url) == (Bedrock, "", "http://b")


def test_without_an_address_it_is_the_sdks_own(stage: Stage) -> None:
    assert [directory.provider(name).base_url for name in directory.OWN] == [None, None, None]


def test_a_room_is_opened_once(stage: Stage) -> None:
    assert directory.provider("anthropic") is directory.provider("anthropic")


def test_an_operators_provider_speaks_openais_protocol_with_the_name_of_the_limit_that_all_know(stage: Stage) -> None:
    stage({"providers": {"wall": ENDPOINT}, "models": [ROW]})
    wall, own = directory.provider("wall"), directory.provider("openai")
    assert isinstance(wall, OpenAI)
    assert isinstance(own, OpenAI)
    assert (wall.name, wall.secret, wall.base_url) == ("wall", "ssm:/wall/key", "http://127.0.0.1:9/v1")
    assert (wall.limit, own.limit) == ("max_tokens", "max_completion_tokens")
    directory.check()


def test_a_name_without_a_room_is_an_operators_mistake(stage: Stage) -> None:
    with pytest.raises(Misconfigured, match="no provider of that name"):
        directory.provider("nobody")


def test_the_packages_own_catalog_has_a_room_for_every_model(stage: Stage) -> None:
    directory.check()


@pytest.mark.parametrize("name", directory.OWN)
def test_a_name_of_our_own_cannot_be_taken(stage: Stage, name: str) -> None:
    """Else an overlay would send prompts and our own key's name elsewhere, or seem to and not do it."""
    stage({"providers": {name: ENDPOINT}})
    with pytest.raises(Misconfigured, match=rf"providers\.{name}: that name is one of the platform's own"):
        directory.check()


def test_a_model_of_nobody_is_found_before_it_is_asked(stage: Stage) -> None:
    stage({"models": [ROW]})
    with pytest.raises(Misconfigured, match="'wall'"):
        directory.check()


def test_a_secret_in_a_variable_is_for_a_machine_of_ones_own(stage: Stage) -> None:
    overlay = {"providers": {"wall": {**ENDPOINT, "secret": "env:WALL_KEY"}}, "models": [ROW]}
    stage(overlay, STAGE="local")
    directory.check()
    stage(overlay, STAGE="prod")
    with pytest.raises(Misconfigured, match=r"providers\.wall\.secret"):
        directory.check()
