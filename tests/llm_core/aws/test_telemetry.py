"""Logs without secrets and, in prod, without words; labels that keep to their request."""

from __future__ import annotations

import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from llm_core import redaction
from llm_core.aws import telemetry
from llm_core.failures import ProviderFailed
from llm_core.settings import in_prod, settings

KEY = "sk-ant-api03-telemetry-canary-0123456789"
WORDS = "canary-words-of-a-prompt"


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def failing() -> None:
    """As a provider's failure arrives: words of a prompt and a key, in two exceptions of one chain."""
    try:
        raise ValueError(f"first {WORDS} {KEY}")
    except ValueError as error:
        raise ProviderFailed(f"second {WORDS} {KEY}", provider="p") from error


def logged_failure() -> None:
    try:
        failing()
    except ProviderFailed:
        telemetry.logger.exception("it failed", extra={"event": "failed"})


# ------------------------------------------------------------------------------------------- redaction


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error", "critical"])
def test_a_key_is_struck_out_of_every_line_wherever_it_stands(
    log: io.StringIO, level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telemetry.logger._logger, "level", 10)
    deep = {"list": [{"header": f"Bearer {KEY}"}], KEY: 1}
    getattr(telemetry.logger, level)(f"sent with {KEY}", extra={"deep": deep, "object": Path(KEY)})
    (line,) = lines(log)
    assert KEY not in log.getvalue()
    assert line["message"] == "sent with sk-***"
    assert line["deep"]["list"] == [{"header": "Bearer sk-***"}]


def test_a_secret_that_was_read_is_struck_out_of_lines_even_where_json_writes_it_otherwise(log: io.StringIO) -> None:
    secret = 'telemetry "quoted" \\ pässword'
    redaction.remember(secret)
    telemetry.logger.info(f"it is {secret}", extra={"inner": json.dumps({"secret": secret})})
    assert "quoted" not in lines(log)[0]["message"]
    telemetry.logger.info("labelled", extra={"secret": secret})
    assert lines(log)[1]["secret"] == "***"


def test_labels_and_exceptions_are_redacted_too(log: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGE", "dev")
    with telemetry.request(note=f"from {KEY}"):
        logged_failure()
    assert KEY not in log.getvalue()
    assert lines(log)[0]["note"] == "from sk-***"


# ------------------------------------------------------------------------------------------- exceptions


@pytest.mark.parametrize("stage", ["prod", "production", "Prod", " prod"])
def test_in_prod_and_wherever_nobody_knows_an_exception_is_classes_and_frames(
    log: io.StringIO, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stage that is none of ours counts as prod, and what happens there is still logged."""
    monkeypatch.setenv("STAGE", stage)
    logged_failure()
    (line,) = lines(log)
    assert (line["level"], line["message"], line["event"]) == ("ERROR", "it failed", "failed")
    assert WORDS not in log.getvalue()
    told = line["exception"].splitlines()
    assert (told[0], "ValueError" in told) == ("ProviderFailed", True)
    assert 'test_telemetry.py", line ' in line["exception"]
    assert "in failing" in line["exception"]


@pytest.mark.parametrize("stage", ["dev", "staging", "ci", "local", None])
def test_elsewhere_an_exception_has_its_words(
    log: io.StringIO, stage: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if stage is None:
        monkeypatch.delenv("STAGE", raising=False)
    else:
        monkeypatch.setenv("STAGE", stage)
    logged_failure()
    assert WORDS in lines(log)[0]["exception"]
    assert KEY not in log.getvalue()


def test_in_prod_words_of_exceptions_in_a_group_stay_out_too(log: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGE", "prod")
    try:
        raise ExceptionGroup(f"attempts {WORDS}", [ValueError(WORDS), KeyError(WORDS)])
    except ExceptionGroup:
        telemetry.logger.exception("all failed")
    assert WORDS not in log.getvalue()
    assert "ExceptionGroup" in lines(log)[0]["exception"]


def test_an_empty_stage_is_prod_for_all_or_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the log keeps words of prompts where it takes care to keep none of exceptions."""
    monkeypatch.setenv("STAGE", "")
    settings.cache_clear()
    try:
        assert settings().is_prod == in_prod()
    finally:
        settings.cache_clear()


# ------------------------------------------------------------------------------------------- labels


def test_concurrent_requests_do_not_see_each_others_labels(log: io.StringIO) -> None:
    together = threading.Barrier(8)

    def one(number: int) -> None:
        with telemetry.request(request_id=f"r-{number}"):
            together.wait(timeout=10)
            telemetry.logger.info("early", extra={"number": number})
            if number % 2:
                telemetry.label(user_id=f"u-{number}")
            together.wait(timeout=10)
            telemetry.logger.info("late", extra={"number": number})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(8)))

    told = lines(log)
    assert len(told) == 16
    for line in told:
        number = line["number"]
        labelled = number % 2 and line["message"] == "late"
        assert (line["request_id"], line.get("user_id")) == (f"r-{number}", f"u-{number}" if labelled else None)


def test_labels_end_with_their_request_however_it_ends(log: io.StringIO) -> None:
    with suppress(ValueError), telemetry.request(request_id="r-1"):
        telemetry.label(user_id="u-1")
        raise ValueError("ends")
    telemetry.logger.info("after")
    with telemetry.request(request_id="r-2"):
        telemetry.logger.info("next")
    after, following = lines(log)
    assert not {"request_id", "user_id"} & set(after)
    assert (following["request_id"], "user_id" in following) == ("r-2", False)


# ------------------------------------------------------------------------------------------- metrics


def test_metrics_of_two_moments_do_not_share_a_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Drey")
    telemetry.measure({"alert": "one"}, Alerts=(1, "Count"))
    telemetry.measure({"model": "m"}, Cost=(0.5, "None"))
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line)
    assert (first["alert"], first["Alerts"], "model" in first) == ("one", [1.0], False)
    assert (second["model"], second["Cost"], "alert" in second) == ("m", [0.5], False)
