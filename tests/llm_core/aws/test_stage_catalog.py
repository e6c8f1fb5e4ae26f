"""The catalog of a stage: the package's own, with an operator's overlay over it, read once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from llm_core.aws import stage_catalog
from llm_core.catalog import PACKAGE, Catalog
from llm_core.errors import Misconfigured
from llm_core.settings import settings

ROW = {"provider": "wall", "model": "ok-1", "input": 1, "output": 5, "context": 8_000, "max_output": 1_000}

Lay = Callable[[Any], Path]


@pytest.fixture
def lay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lay]:
    """Lay an overlay over the catalog, as a stage's setting; None takes it away."""
    file = tmp_path / "overlay.json"

    def over(overlay: Any) -> Path:
        if overlay is None:
            monkeypatch.delenv("DREY_OVERLAY", raising=False)
        else:
            file.write_text(overlay if isinstance(overlay, str) else json.dumps(overlay))
            monkeypatch.setenv("DREY_OVERLAY", f"file:{file}")
        settings.cache_clear()
        stage_catalog.catalog.cache_clear()
        return file

    yield over
    monkeypatch.undo()
    settings.cache_clear()
    stage_catalog.catalog.cache_clear()


def test_without_an_overlay_it_is_the_packages_own(lay: Lay) -> None:
    lay(None)
    own = Catalog(PACKAGE.read_bytes())
    assert stage_catalog.catalog().models == own.models
    assert stage_catalog.catalog().version == own.version


def test_an_overlay_adds_and_replaces_and_has_a_version_of_its_own(lay: Lay) -> None:
    lay(None)
    before = stage_catalog.catalog()
    lay({"models": [ROW, {**ROW, "provider": "anthropic", "model": "claude-haiku-4-5"}], "roles": {"fast": "ok-1"}})
    after = stage_catalog.catalog()
    assert after.model("wall/ok-1").input == Decimal(1)
    assert after.model("anthropic/claude-haiku-4-5").context == 8_000
    assert (before.roles["fast"], after.roles["fast"]) == ("claude-haiku-4-5", "ok-1")
    assert len(after.models) == len(before.models) + 1
    assert before.version != after.version, "a ledger row says by which prices it was charged"


def test_it_is_read_once(lay: Lay) -> None:
    file = lay({"models": [ROW]})
    first = stage_catalog.catalog()
    file.unlink()
    assert stage_catalog.catalog() is first


BROKEN: list[tuple[Any, str]] = [
    ("{", "In the overlay: this is not JSON"),
    ({"modles": []}, "In the overlay, modles: "),
    ({"models": [{**ROW, "input": -1}]}, "In the overlay, models.0.input: "),
    ({"models": [{**ROW, "output": 0}]}, "In the overlay, models.0.output: "),
    ({"models": [ROW, ROW]}, "wall/ok-1 stands there twice"),
    ({"roles": {"fast": "nobody"}}, "roles.fast names 'nobody'"),
    ({"aliases": {"a": "b", "b": "a"}}, "aliases.a leads to no model"),
    ({"routes": {"mixed": ["gpt-4.1", "text-embedding-3-small"]}}, "routes.mixed leads to models of two kinds"),
]


@pytest.mark.parametrize(("overlay", "place"), BROKEN, ids=[place for _, place in BROKEN])
def test_an_overlay_that_is_wrong_is_refused_by_its_place(lay: Lay, overlay: Any, place: str) -> None:
    lay(overlay)
    with pytest.raises(Misconfigured) as raised:
        stage_catalog.catalog()
    assert place in raised.value.message


def test_an_overlay_that_is_not_there_is_no_reason_to_do_without(lay: Lay) -> None:
    lay({}).unlink()
    for _ in range(2):  # nor is the failure kept as an answer
        with pytest.raises(Misconfigured, match="cannot be read"):
            stage_catalog.catalog()
    lay({"models": [ROW]})
    assert stage_catalog.catalog().knows("ok-1")
