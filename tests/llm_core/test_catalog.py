"""The list of models and prices, and how a name finds its row."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from llm_core import catalog as room
from llm_core.catalog import Catalog, catalog
from llm_core.errors import ModelNotFound

FILE = Path(room.__file__).with_name("catalog.json")


def _changed(**fields: object) -> bytes:
    """The catalog with its first row changed."""
    file = json.loads(FILE.read_text())
    file["models"][0] |= fields
    return json.dumps(file).encode()


def test_a_model_answers_to_its_bare_id_and_to_its_full_name() -> None:
    assert catalog().model("claude-haiku-4-5") is catalog().model("anthropic/claude-haiku-4-5")


def test_an_unknown_model_is_refused_with_the_nearest_names() -> None:
    with pytest.raises(ModelNotFound) as refused:
        catalog().model("claude-haiku-4.5")
    assert "claude-haiku-4-5" in refused.value.nearest
    assert "claude-haiku-4-5" in refused.value.message


def test_a_name_like_nothing_we_know_points_to_the_list() -> None:
    with pytest.raises(ModelNotFound, match="GET /v1/models"):
        catalog().model("x" * 5_000)


def test_the_version_changes_with_every_byte() -> None:
    assert Catalog(_changed()).version != Catalog(_changed(input=1.5)).version


def test_every_row_has_a_price_a_source_and_a_date() -> None:
    for model in catalog().models:
        assert model.input > 0, model.name
        assert model.output > 0, model.name
        assert model.source, model.name
        assert model.default_output <= model.max_output <= model.context, model.name


def test_no_two_rows_have_one_name() -> None:
    names = [model.name for model in catalog().models]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    "broken",
    [{"input": -1}, {"input": None}, {"output": "cheap"}, {"context": 0}, {"capabilities": ["flying"]}, {"pirce": 1}],
    ids=str,
)
def test_a_broken_row_is_refused_when_the_catalog_is_read(broken: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Catalog(_changed(**broken))
