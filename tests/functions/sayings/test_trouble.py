"""Errors as they are logged, and the saved query that counts them."""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from typing import Any

from llm_core.errors import BudgetExceeded, DreyError, Misconfigured, StoreUnavailable
from llm_core.failures import ProviderDenied, ProviderFailed, ProviderOverloaded, ProviderRefused, ProviderTimeout
from local.template import read_yaml
from sayings import trouble
from sayings.writer import BadOutput
from tests.estate import ROOT

MONITORING = read_yaml(ROOT / "stacks/monitoring.yaml")["Resources"]
QUERY = MONITORING["SayingErrorsQuery"]["Properties"]["QueryString"]

KINDS: list[tuple[DreyError, str]] = [
    (ProviderTimeout("Silent.", provider="anthropic"), "Timeout"),
    (ProviderOverloaded("Full.", provider="anthropic", status=529), "RateLimit"),
    (ProviderDenied("No.", provider="openai", status=403), "ApiError:Denied"),
    (ProviderRefused("What?", provider="openai", status=400), "ApiError:BadRequest"),
    (ProviderFailed("Oh.", provider="openai", status=500), "ApiError"),
    (BadOutput("Nothing."), "ApiError:BadOutput"),
    (BudgetExceeded("Spent."), "BudgetExceeded"),
    (Misconfigured("No parameter /ai/key."), "Misconfigured"),
    (StoreUnavailable("Down."), "StoreUnavailable"),
]


def insights(query: str, lines: list[dict[str, Any]]) -> Counter[tuple[str, ...]]:
    """As much of CloudWatch Logs Insights as this query speaks: fields, filter x != "", stats count() by."""
    rows, counted = lines, Counter[tuple[str, ...]]()
    for stage in (each.strip() for each in query.split("|")):
        if told := re.fullmatch(r'filter (\w+) != ""', stage):
            rows = [row for row in rows if row.get(told[1], "") != ""]
        elif told := re.fullmatch(r"stats count\(\) by (.+)", stage):
            names = [name.strip() for name in told[1].split(",")]
            counted = Counter(tuple(str(row.get(name)) for name in names) for row in rows)
        else:
            assert stage.startswith("fields "), f"a stage that this reader does not know: {stage}"
    return counted


def test_the_saved_query_counts_errors_by_kind_and_model(log: io.StringIO) -> None:
    for error, _ in KINDS:
        trouble.log(error, "gpt-4.1", trouble.ASKING, 12)
    trouble.log(ProviderTimeout("Silent.", provider="anthropic"), "claude-haiku-4-5", trouble.ASKING, 10_000)
    trouble.log(ProviderTimeout("Silent.", provider="anthropic"), "claude-haiku-4-5", trouble.ASKING, 10_000)
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    expected = Counter({(kind, "gpt-4.1"): 1 for _, kind in KINDS}) + Counter({("Timeout", "claude-haiku-4-5"): 2})
    assert insights(QUERY, [*lines, {"level": "INFO", "message": "no error"}]) == expected


def test_a_line_has_four_names_and_the_stack(log: io.StringIO) -> None:
    try:
        raise ProviderTimeout("Silent.", provider="anthropic")
    except ProviderTimeout as error:
        trouble.log(error, "claude-haiku-4-5", trouble.ASKING, 10_000)
    line = json.loads(log.getvalue())
    told = {name: line[name] for name in ("model", "error_type", "error_message", "api_time_ms")}
    assert told == {
        "model": "claude-haiku-4-5",
        "error_type": "Timeout",
        "error_message": "Silent.",
        "api_time_ms": 10_000,
    }
    assert "ProviderTimeout" in line["exception"]
