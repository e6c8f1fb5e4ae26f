"""The price gate, by an injected clock: what it refuses, what it only warns of, and that it says what to do."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gates.prices import Finding, findings, of_aws
from llm_core.catalog import PACKAGE, Catalog
from llm_core.freshness import LONGEST_DAYS
from tests.conftest import ROOT

CHECKED = date(2026, 11, 20)
Row = dict[str, Any]
Edit = Callable[[Row], None]


def nothing(row: Row) -> None:
    """The row as it is."""


def catalog(edit: Edit, names: Any) -> Catalog:
    """One row of ours, Haiku 4.5, checked on CHECKED, changed by a test; with roles, aliases and routes of its own."""
    told = json.loads(PACKAGE.read_bytes())
    (row,) = [row for row in told["models"] if (row["provider"], row["model"]) == ("anthropic", "claude-haiku-4-5")]
    row["checked_on"] = CHECKED.isoformat()
    edit(row)
    return Catalog(json.dumps({"unit": told["unit"], "as_of": told["as_of"], "models": [row], **names}).encode())


def found(edit: Edit = nothing, *, today: date = CHECKED, names: Any = ()) -> list[Finding]:
    return findings(catalog(edit, dict(names)), today)


def test_a_price_of_today_is_no_finding() -> None:
    assert found() == []


@pytest.mark.parametrize(("days", "fails"), [(0, None), (76, None), (77, False), (90, False), (91, True), (400, True)])
def test_ninety_days_pass_and_ninety_one_fail(days: int, fails: bool | None) -> None:
    told = found(today=CHECKED + timedelta(days=days))
    assert [each.fails for each in told] == ([] if fails is None else [fails])
    for each in told:
        assert f"{days} days ago" in each.what
        assert "make pricing-update" in each.do


def test_a_price_without_a_day_fails() -> None:
    (told,) = found(lambda row: row.pop("checked_on"))
    assert told.fails
    assert "anthropic/claude-haiku-4-5: no `checked_on`" in told.what


def test_a_day_that_is_still_to_come_fails() -> None:
    (told,) = found(today=CHECKED - timedelta(days=1))
    assert told.fails
    assert "still to come" in told.what


@pytest.mark.parametrize(
    ("field", "price", "where"),
    [
        ("input", 0.9, "tokens of input"),
        ("output", 6, "output"),
        ("cache_read", 0.2, "cache_read"),
        ("cache_write_1h", 1.25, "cache_write_1h"),
        ("fees", {"web_search": 0.02}, "web_search"),
    ],
)
def test_a_price_that_the_independent_list_has_otherwise_fails(field: str, price: Any, where: str) -> None:
    told = found(lambda row: row.update({field: price}))
    assert [each.fails for each in told] == [True]
    assert where in told[0].what
    assert "USD here" in told[0].what


def test_a_model_that_the_independent_list_does_not_know_fails() -> None:
    (told,) = found(lambda row: row.update(model="claude-of-my-own"))
    assert told.fails
    assert "does not know it" in told.what


END = CHECKED + timedelta(days=60)


@pytest.mark.parametrize(("left", "fails"), [(61, None), (60, False), (1, False), (0, False), (-1, True)], ids=str)
def test_a_models_end_is_told_sixty_days_before_and_refused_the_day_after(left: int, fails: bool | None) -> None:
    told = found(lambda row: row.update(shutdown=END.isoformat()), today=END - timedelta(days=left))
    of_ends = [each for each in told if "end" in each.what.split(": ")[1][:6]]
    assert [each.fails for each in of_ends] == ([] if fails is None else [fails])
    if fails:
        assert "an alias 'claude-haiku-4-5' keeps its callers served" in of_ends[0].do


def test_an_end_names_what_else_stops_with_it() -> None:
    names = {"roles": {"fast": "claude-haiku-4-5"}, "aliases": {"claude-3-haiku": "fast"}}
    told = found(lambda row: row.update(shutdown=CHECKED.isoformat()), names=names)
    assert "(reached as fast, claude-3-haiku)" in told[0].what


def check(text: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """The command itself, on a catalog with this text."""
    file = folder / "catalog.json"
    file.write_text(text)
    command = [sys.executable, "-m", "gates.prices", "--catalog", str(file), *options]
    variables = {"PYTHONPATH": "layers/llm_core:functions:.", "COLUMNS": "200", "NO_COLOR": "1"}
    return subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)


def test_the_catalog_as_it_is_passes_on_the_day_it_was_checked_and_moving_one_date_turns_it_red(tmp_path: Path) -> None:
    text = PACKAGE.read_text()
    day = max(model.checked_on for model in Catalog(text.encode()).models if model.checked_on)
    good = check(text, tmp_path, "--today", day.isoformat())
    assert good.returncode == 0, good.stdout

    old = (day - timedelta(days=LONGEST_DAYS + 1)).isoformat()
    bad = check(text.replace(f'"checked_on": "{day}"', f'"checked_on": "{old}"', 1), tmp_path, "--today", str(day))
    assert bad.returncode == 1
    assert f"checked on {old}, 91 days ago" in bad.stdout
    assert "`make pricing-update`" in bad.stdout


def test_without_an_injected_clock_it_is_today(tmp_path: Path) -> None:
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    text = PACKAGE.read_text()
    first = json.loads(text)["models"][0]["checked_on"]
    bad = check(text.replace(f'"checked_on": "{first}"', f'"checked_on": "{tomorrow}"', 1), tmp_path)
    assert bad.returncode == 1
    assert "still to come" in bad.stdout


def test_a_day_that_is_none_fails_and_names_the_place(tmp_path: Path) -> None:
    bad = check(PACKAGE.read_text().replace('"checked_on": "2', '"checked_on": "x', 1), tmp_path)
    assert bad.returncode == 1
    assert "models.0.checked_on" in bad.stdout


def test_the_gate_is_part_of_what_ci_runs() -> None:
    assert "pricing-check" in (ROOT / "Makefile").read_text().split("\ncheck:")[1].split("##")[0]
    assert "make pricing-check" in (ROOT / ".ci/run").read_text()


def test_list_prices_of_aws_that_nobody_has_looked_at_for_a_year_are_found(tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    row = {"usd": "1", "per": 1, "what": "keys", "free": 0, "source": "AWS KMS pricing", "checked_on": "2026-11-28"}
    file.write_text(json.dumps({"prices": {"kms.keys": row}}))
    assert not list(of_aws(date(2027, 11, 28), file))
    (found,) = of_aws(date(2027, 11, 29), file)
    assert found.fails
    assert "kms.keys" in found.what
    assert "AWS KMS pricing" in found.do
