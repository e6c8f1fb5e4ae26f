"""Who cannot be asked now: kept for a minute, with the open circuits, found among many names."""

from __future__ import annotations

import io
import time
from uuid import uuid4

import pytest

from llm_core.aws import breaker, clients, outages
from llm_core.errors import StoreUnavailable
from llm_core.failures import ProviderFailed
from tests.conftest import Platform


def name() -> str:
    return f"anthropic/model-{uuid4().hex[:12]}"


def later(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = time.time() + outages.LASTS_SECONDS + 1
    monkeypatch.setattr(time, "time", lambda: moment)


def test_what_was_met_is_known_for_a_minute(inside: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    down, up = name(), name()
    outages.note(down)
    assert outages.among([up, down]) == [down]
    with monkeypatch.context() as patched:
        later(patched)
        assert outages.among([up, down]) == []


def test_a_model_whose_circuit_is_open_cannot_be_asked(inside: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    down = name()

    def fails() -> str:
        raise ProviderFailed("no", provider="anthropic")

    assert breaker.guarded(down, "anthropic", lambda: "hello") == "hello"
    assert outages.among([down]) == []
    for _ in range(breaker.FAILURES):
        with pytest.raises(ProviderFailed):
            breaker.guarded(down, "anthropic", fails)
    assert outages.among([down]) == [down]
    with monkeypatch.context() as patched:
        later(patched)
        assert outages.among([down]) == [], "nobody has asked for so long that nothing is known"


def test_more_names_are_looked_up_than_dynamodb_reads_at_once(inside: Platform) -> None:
    names = [name() for _ in range(120)]
    outages.note(names[3])
    outages.note(names[110])
    assert outages.among(names) == sorted([names[3], names[110]])


def test_without_its_table_it_hinders_nobody(
    inside: Platform, monkeypatch: pytest.MonkeyPatch, log: io.StringIO
) -> None:
    with monkeypatch.context() as patched:
        patched.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        clients._clients.clear()
        outages.note("x")
        with pytest.raises(StoreUnavailable):
            outages.among(["x"])
    clients._clients.clear()
    assert log.getvalue().count('"outage_lost"') == 1
