"""A few runs whose doors are killed; `make survival` has fifty."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from llm_core.settings import settings
from local.key import USER
from tests.conftest import _forget, started
from tests.survival import kills


def test_a_run_goes_on_when_its_doors_are_killed_and_nothing_is_paid_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with started(tmp_path) as platform:
        platform.http.post(f"{platform.understudy}/_understudy/pace", json={"first_token_s": 0.3})
        supervisor = json.loads((tmp_path / "ready.json").read_text())["pid"]
        outcome = kills.survived(platform, supervisor, runs=3, seed=7, at_once=3)
        for name, value in platform.environment.items():
            monkeypatch.setenv(name, value)
        _forget()
        kills.settled(platform, USER, outcome)
    settings.cache_clear()
    _forget()
    assert outcome.problems == []
    assert outcome.kills == 1
    assert outcome.statuses == {"succeeded": 3}
