"""The list of models and prices, what an operator lays over it, and how a name finds its row."""

import json
from datetime import date
from typing import Any

import pytest

from llm_core.catalog import PACKAGE, Catalog
from llm_core.errors import Misconfigured, ModelNotFound

CATALOG = Catalog(PACKAGE.read_bytes())
ROW = {"provider": "anthropic", "model": "mine-1", "input": 1.0, "output": 5.0, "context": 1000, "max_output": 100}

WALL = {"kind": "openai", "base_url": "http://127.0.0.1:1/v1", "secret": "env:WALL_KEY"}


def _changed(**fields: object) -> bytes:
    """The catalog with its first row changed."""
    file = json.loads(PACKAGE.read_text())
    file["models"][0] |= fields
    return json.dumps(file).encode()


def _with(overlay: dict[str, Any]) -> Catalog:
    return Catalog(PACKAGE.read_bytes(), json.dumps(overlay).encode())


def test_a_model_answers_to_its_bare_id_and_to_its_full_name() -> None:
    assert CATALOG.model("claude-haiku-4-5") is CATALOG.model("anthropic/claude-haiku-4-5")


def test_an_unknown_model_is_refused_with_the_nearest_names() -> None:
    with pytest.raises(ModelNotFound) as refused:
        CATALOG.model("claude-haiku-4.5")
    assert "claude-haiku-4-5" in refused.value.nearest
    assert "claude-haiku-4-5" in refused.value.message


def test_a_name_like_nothing_we_know_points_to_the_list() -> None:
    with pytest.raises(ModelNotFound, match="GET /v1/models"):
        CATALOG.model("x" * 5_000)


def test_the_version_changes_with_every_byte_of_either_file() -> None:
    versions = {CATALOG.version, Catalog(_changed(input=1.5)).version, _with({"aliases": {"mine": "gpt-4.1"}}).version}
    assert len(versions) == 3


def test_every_row_has_a_price_a_source_and_a_date() -> None:
    for model in CATALOG.models:
        assert model.input > 0, model.name
        assert model.source != "overlay", model.name
        assert model.checked_on, model.name
        if model.kind == "chat":
            assert model.output > 0, model.name
            assert min(model.default_output, model.max_output) <= model.context, model.name


def test_a_model_that_writes_to_a_cache_by_the_hour_says_what_that_costs() -> None:
    for model in CATALOG.models:
        if model.provider in ("anthropic", "bedrock"):
            assert None not in (model.cache_write_5m, model.cache_write_1h, model.cache_read), model.name


def test_no_model_is_past_its_last_day() -> None:
    assert all(model.shutdown is None or model.shutdown > date(2026, 11, 20) for model in CATALOG.models)


def test_no_two_rows_have_one_name() -> None:
    names = [model.name for model in CATALOG.models]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    "broken",
    [{"input": -1}, {"input": None}, {"output": "cheap"}, {"context": 0}, {"capabilities": ["flying"]}, {"pirce": 1}],
    ids=str,
)
def test_a_broken_row_is_refused_when_the_catalog_is_read(broken: dict[str, object]) -> None:
    with pytest.raises(Misconfigured, match=r"catalog.json, models.0"):
        Catalog(_changed(**broken))


def test_a_model_that_sees_says_what_a_picture_counts_for() -> None:
    """Without it a picture would be held at nothing."""
    seeing = ROW | {"capabilities": ["vision"]}
    with pytest.raises(Misconfigured, match=r"models.0.image_tokens"):
        _with({"models": [seeing]})
    assert _with({"models": [seeing | {"image_tokens": 1_600}]}).model("mine-1").image_tokens == 1_600


def test_an_overlay_adds_models_routes_roles_and_aliases() -> None:
    mine = _with(
        {
            "models": [ROW],
            "routes": {"exam": ["anthropic/mine-1", "gpt-4.1"]},
            "roles": {"fast": "exam"},
            "aliases": {"m": "exam"},
        }
    )
    assert mine.model("mine-1").input == 1
    assert mine.routes["exam"].candidates == ("anthropic/mine-1", "gpt-4.1")
    assert (mine.roles["fast"], mine.aliases["m"]) == ("exam", "exam")
    assert mine.roles["judge"] == CATALOG.roles["judge"]


def test_an_overlay_replaces_a_row_of_the_same_name() -> None:
    assert _with({"models": [ROW | {"model": "claude-haiku-4-5", "input": 7}]}).model("claude-haiku-4-5").input == 7


@pytest.mark.parametrize(
    ("overlay", "place"),
    [
        ({"modles": []}, "the overlay, modles"),
        ({"models": [ROW | {"contxt": 1}]}, "models.0.contxt"),
        ({"models": [ROW | {"input": "cheap"}]}, "models.0.input"),
        ({"models": [ROW, ROW]}, "anthropic/mine-1"),
        ({"models": [ROW | {"tiers": [{"above": 100, "input": 2}]}]}, "models.0.tiers.0.output"),
        ({"routes": {"exam": ["nobody/none"]}}, "routes.exam"),
        ({"roles": {"fast": "nobody"}}, "roles.fast"),
        ({"aliases": {"mine": "nobody"}}, "aliases.mine"),
        ({"providers": {"wall": WALL | {"kind": "smtp"}}}, "providers.wall.kind"),
        ({"providers": {"wall": WALL | {"base_url": "ftp://x"}}}, "providers.wall.base_url"),
        ({"providers": {"wall": WALL | {"secret": "sk-123"}}}, "providers.wall.secret"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_broken_overlay_is_refused_by_its_place(overlay: dict[str, Any], place: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        _with(overlay)
    assert place in refused.value.message


def test_an_overlay_that_is_no_json_says_so() -> None:
    with pytest.raises(Misconfigured, match="the overlay: this is not JSON"):
        Catalog(PACKAGE.read_bytes(), b"{")


@pytest.mark.parametrize("overlay", [b"null", b"[]", b"[" * 100_000], ids=["null", "a list", "endless"])
def test_an_overlay_of_another_kind_is_refused_in_words(overlay: bytes) -> None:
    with pytest.raises(Misconfigured, match="In the overlay: "):
        Catalog(PACKAGE.read_bytes(), overlay)
