"""What `make pricing-update` takes over from the independent list, and what it leaves to a person."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from gates import independent
from gates.proposal import Proposal, applied, propose
from llm_core.catalog import PACKAGE, Catalog, Model

TODAY = date(2026, 12, 24)
NEWER = "9.9.9"
TEXT = PACKAGE.read_text()


def edited(name: str, **fields: Any) -> str:
    """The catalog's text with these fields in the row called `name`; the others' lines as they are."""
    lines = TEXT.splitlines(keepends=True)
    for place, line in enumerate(lines):
        if line.lstrip().startswith('{"provider"'):
            row = json.loads(line.strip().rstrip(","))
            if f"{row['provider']}/{row['model']}" == name:
                lines[place] = line.replace(line.strip().rstrip(","), json.dumps({**row, **fields}))
    text = "".join(lines)
    assert text != TEXT
    return text


def proposed(text: str, name: str, listed: str = NEWER) -> tuple[Model, Proposal]:
    model = Catalog(text.encode()).model(name)
    return model, propose(model, TODAY, listed)


HAIKU, TIERED = "anthropic/claude-haiku-4-5", "anthropic/claude-haiku-5-5"


def test_a_price_that_moved_is_taken_over_with_the_day_and_the_source() -> None:
    text = edited(HAIKU, output=4)
    _, told = proposed(text, HAIKU)
    assert [str(move) for move in told.moves] == ["output 4 -> 5"]

    written = applied(text, [told], TODAY, NEWER)
    row = Catalog(written.encode()).model(HAIKU)
    assert (row.output, row.checked_on) == (Decimal(5), TODAY)
    assert f"genai-prices {NEWER} anthropic/claude-haiku-4-5" in row.source
    assert [line for line in written.splitlines() if "claude-haiku-4-5" not in line] == [
        line for line in TEXT.splitlines() if "claude-haiku-4-5" not in line
    ]


def test_a_price_of_a_tier_is_taken_over_in_its_tier() -> None:
    tiers = [
        {"above": 100000, "input": 0.4, "output": 2.5, "cache_write_5m": 0.625, "cache_write_1h": 1, "cache_read": 0.05}
    ]
    _, told = proposed(text := edited(TIERED, tiers=tiers), TIERED)
    assert [str(move) for move in told.moves] == ["input above 100,000 0.4 -> 0.5"]
    row = Catalog(applied(text, [told], TODAY, NEWER).encode()).model(TIERED)
    assert (row.tiers[0].input, row.input) == (Decimal("0.5"), Decimal("0.1"))


@pytest.mark.parametrize(
    ("ours", "held"),
    [(10, False), (10.5, True), (50, True), (0.5, False), (0.05, True), (0, True), (0.1, False)],
)
def test_a_price_that_moves_more_than_tenfold_or_from_nothing_is_held_back(ours: float, held: bool) -> None:
    _, told = proposed(text := edited(HAIKU, input=ours), HAIKU)
    assert [move.field for move in (told.held if held else told.moves)] == ["input"]
    row = Catalog(applied(text, [told], TODAY, NEWER).encode()).model(HAIKU)
    assert row.input == (Decimal(str(ours)) if held else 1)
    assert (row.checked_on == TODAY) is not held, "a row with an open question has not been checked"


def test_a_price_that_falls_to_nothing_is_held_back(monkeypatch: pytest.MonkeyPatch) -> None:
    free = SimpleNamespace(input_mtok=Decimal(0), output_mtok=Decimal(0))
    monkeypatch.setattr(independent, "rates", lambda *_: free)
    _, told = proposed(TEXT, HAIKU)
    assert not told.moves
    assert {move.field for move in told.held} == {"input", "output"}
    assert applied(TEXT, [told], TODAY, NEWER) == TEXT


def test_the_same_list_again_gives_no_row_a_new_day() -> None:
    named = Catalog(TEXT.encode()).model(HAIKU).source.split("genai-prices ")[1].split(" ")[0]
    _, told = proposed(TEXT, HAIKU, listed=named)
    assert not told.dated
    assert applied(TEXT, [told], TODAY, named) == TEXT


def test_a_newer_list_that_agrees_gives_the_row_its_day() -> None:
    _, told = proposed(TEXT, HAIKU)
    assert (told.moves, told.dated) == ((), True)
    assert Catalog(applied(TEXT, [told], TODAY, NEWER).encode()).model(HAIKU).checked_on == TODAY


def test_a_model_that_the_list_does_not_know_and_tiers_with_other_marks_are_for_a_person() -> None:
    unheard = propose(Catalog(TEXT.encode()).model(HAIKU).model_copy(update={"model": "claude-of-my-own"}), TODAY)
    assert unheard.unknown
    tier = {"above": 150000, "input": 0.5, "output": 2.5}
    _, other = proposed(edited(TIERED, tiers=[tier]), TIERED)
    assert "other marks" in other.unknown
    assert not other.dated


def test_a_newer_list_that_agrees_with_all_moves_days_and_nothing_else() -> None:
    """All rows at once: prices as they are, days moved, still the same catalog."""
    before = Catalog(TEXT.encode())
    after = Catalog(applied(TEXT, [propose(model, TODAY, NEWER) for model in before.models], TODAY, NEWER).encode())
    assert {model.checked_on for model in after.models} == {TODAY}
    strip = {"source", "checked_on"}
    assert [m.model_dump(exclude=strip) for m in after.models] == [m.model_dump(exclude=strip) for m in before.models]
