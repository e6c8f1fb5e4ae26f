"""stacks/monitoring.yaml and doors.yaml: what pages is really measured, says what to do, and tells nobody unasked."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from llm_core import alerts, journal
from local.template import Template
from operations import prices
from tests.estate import ROOT, Estate
from tests.llm_core.test_journal import ROW

STACK = Template(ROOT / "stacks/monitoring.yaml").document
DOORS = Template(ROOT / "stacks/doors.yaml").document
ESTATE = Estate({"Stage": "dev"})
ALARMS = {name: r["Properties"] for name, r in STACK["Resources"].items() if r["Type"] == "AWS::CloudWatch::Alarm"}
QUERIES = {
    r["Properties"]["Name"]["Fn::Sub"].removeprefix("${Prefix}/"): r["Properties"]["QueryString"]
    for r in STACK["Resources"].values()
    if r["Type"] == "AWS::Logs::QueryDefinition"
}
RUNBOOK = (ROOT / "docs/operations.md").read_text().split("## Alarms")[1].split("\n## ")[0]

Metric = tuple[str, str, frozenset[tuple[str, str]]]
"""Namespace, name, and the dimensions with their values: CloudWatch knows a metric by all of them, and by no fewer."""


def metrics(alarm: dict[str, Any]) -> Iterator[Metric]:
    """All that it watches, in the stage `dev`."""
    stats = [query["MetricStat"]["Metric"] for query in alarm.get("Metrics", []) if "MetricStat" in query]
    for metric in stats or [alarm]:
        dimensions = ((dimension["Name"], dimension["Value"]) for dimension in metric.get("Dimensions", []))
        named = frozenset((name, "dev" if value == {"Ref": "Stage"} else str(value)) for name, value in dimensions)
        yield str(metric["Namespace"]), metric["MetricName"], named


def called(name: str) -> str:
    """By which an operator meets it: `slo-burn` of the stack."""
    return str(ALARMS[name]["AlarmName"]["Fn::Sub"]).removeprefix("${Prefix}-")


# ------------------------------------------------------------------------------------------------ alarms
def test_ten_alarms_watch_all_there_is() -> None:
    watched = {namespace for alarm in ALARMS.values() for namespace, _, _ in metrics(alarm)}
    assert len(ALARMS) <= 10
    assert {"AWS/ApiGateway", "AWS/Lambda", "AWS/States", "AWS/DynamoDB", "AWS/SQS", "Drey"} <= watched


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_is_one_that_cloudwatch_takes(name: str) -> None:
    alarm = ALARMS[name]
    assert len(list(metrics(alarm))) <= 10, "CloudWatch's own limit"
    assert alarm["TreatMissingData"] in ("notBreaching", "missing"), "nobody asks: nothing is wrong"
    assert len(alarm["AlarmDescription"]) < 200, "more than a chat is told"
    if "Metrics" in alarm:
        assert [query["ReturnData"] for query in alarm["Metrics"]].count(True) == 1
        periods = {query["MetricStat"]["Period"] for query in alarm["Metrics"] if "MetricStat" in query}
        assert len(periods) == 1, "metrics of one expression have one period"


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_is_told_where_an_operator_wants_it_and_is_not_told_twice(name: str) -> None:
    pager = {"Fn::If": ["HasPager", {"Ref": "PagerTopicArn"}, {"Ref": "AWS::NoValue"}]}
    actions = ALARMS[name]["AlarmActions"]
    if name == "Budgets":  # the chats have heard it from the alert itself
        assert actions == {"Fn::If": ["HasPager", [{"Ref": "PagerTopicArn"}], {"Ref": "AWS::NoValue"}]}
    else:
        assert actions == [{"Ref": "AlertsTopicArn"}, pager]
    assert "OKActions" not in ALARMS[name], "one message an episode"


def test_what_alarms_watch_of_ours_is_measured_by_doors(
    capsys: pytest.CaptureFixture[str], log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = ESTATE.functions["OperationsPrices"]["Environment"]["Variables"]  # as every door's
    for name in ("POWERTOOLS_METRICS_NAMESPACE", "POWERTOOLS_SERVICE_NAME"):
        monkeypatch.setenv(name, given[name])

    # When a call falls back, money is told of, and the age of prices is.
    journal.answered(replace(ROW, fallback=True), b"{}", None)
    for kind in ("budget", "overrun", "ledger"):
        alerts._log({"kind": kind, "subject": "user:ada"})
    prices.handler({"id": "1", "time": "2026-11-21T00:00:00Z"}, None)

    # Then each metric of ours that an alarm watches is among what was measured, with just these dimensions.
    measured: set[Metric] = set()
    for line in map(json.loads, capsys.readouterr().out.splitlines()):
        for told in line["_aws"]["CloudWatchMetrics"]:
            for names in told["Dimensions"]:
                dimensions = frozenset((name, line[name]) for name in names)
                measured |= {(told["Namespace"], metric["Name"], dimensions) for metric in told["Metrics"]}
    watched = {metric for alarm in ALARMS.values() for metric in metrics(alarm) if metric[0] == "Drey"}
    assert len(watched) == 6
    assert watched <= measured


REPORT: dict[str, Any] = {
    "time": "2026-11-21T09:25:00.000Z",
    "type": "platform.report",
    "record": {"requestId": "6d68ca91", "metrics": {"durationMs": 693.9, "billedDurationMs": 694}, "status": "success"},
}


@pytest.mark.parametrize(
    ("status", "counted"),
    [
        ("success", set()),
        ("error", {"FailedInvocations"}),
        ("failure", {"FailedInvocations"}),
        ("timeout", {"TimedOutInvocations"}),
    ],
)
def test_the_log_of_all_doors_counts_what_failed_and_what_was_late(status: str, counted: set[str]) -> None:
    filters = {n: r["Properties"] for n, r in STACK["Resources"].items() if r["Type"] == "AWS::Logs::MetricFilter"}
    lines: list[dict[str, Any]] = [
        REPORT | {"record": {**REPORT["record"], "status": status}},
        REPORT | {"type": "platform.runtimeDone", "record": {"status": status}},
        {"level": "ERROR", "status": status},
    ]
    for name, found in filters.items():
        matched = [line for line in lines if matches(found["FilterPattern"], line)]
        assert matched == (lines[:1] if name in counted else [])
        (told,) = found["MetricTransformations"]
        assert told["MetricName"] == name
        assert "DefaultValue" not in told, "a metric that is published while nothing fails is billed all month"


def test_the_log_of_all_doors_measures_their_cold_starts() -> None:
    cold = STACK["Resources"]["ColdStarts"]["Properties"]
    record = {**REPORT["record"], "metrics": {**REPORT["record"]["metrics"], "initDurationMs": 912.4}}
    assert matches(cold["FilterPattern"], REPORT | {"record": record})
    assert not matches(cold["FilterPattern"], REPORT)
    assert cold["MetricTransformations"][0]["MetricValue"] == "$.record.metrics.initDurationMs"


def matches(pattern: str, line: dict[str, Any]) -> bool:
    """As much of CloudWatch's filter patterns as these three speak: equality, being there, && and ||."""

    def value(path: str) -> Any:
        found: Any = line
        for part in path.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        return found

    words = re.sub(r'\$\.([\w.]+) = ("[^"]*")', lambda m: str(value(m[1]) == m[2].strip('"')), pattern.strip("{} "))
    words = re.sub(r"\$\.([\w.]+) = \*", lambda m: str(value(m[1]) is not None), words)
    assert re.fullmatch(r"[TrueFals()&| ]+", words), f"a pattern that this reader does not know: {pattern}"
    return bool(eval(words.replace("&&", "and").replace("||", "or")))  # noqa: S307 - four words, checked above


# ------------------------------------------------------------------------------------------------ runbook and queries
def test_every_alarm_has_its_entry_in_the_runbook_and_every_entry_its_alarm() -> None:
    entries = re.findall(r"^\| `([a-z-]+)` \|(.*)\|$", RUNBOOK, re.MULTILINE)
    assert sorted(name for name, _ in entries) == sorted(map(called, ALARMS))
    for name, rest in entries:
        means, query, action = (cell.strip() for cell in rest.split(" | "))
        assert query.strip("`") in QUERIES, f"{name}: its first query is not saved"
        assert means, name
        assert action, name


def test_a_saved_query_asks_for_events_that_doors_log() -> None:
    code = "".join(
        path.read_text() for root in ("layers/llm_core/llm_core", "functions") for path in (ROOT / root).rglob("*.py")
    )
    for name, query in QUERIES.items():
        asked = re.findall(r'event = "(\w+)"', query)
        asked += [word for many in re.findall(r"event in \[([^]]+)\]", query) for word in re.findall(r'"(\w+)"', many)]
        for event in asked:
            assert f'"event": "{event}"' in code, f"{name}: nobody logs {event}"


# ------------------------------------------------------------------------------------------------ dashboard
def test_the_dashboard_can_be_read_and_costs_nothing() -> None:
    (text, names) = STACK["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    filled = re.sub(r"\$\{([\w:]+)\}", lambda found: str(names.get(found[1], f"<{found[1]}>")).replace('"', "'"), text)
    body = json.loads(filled)
    assert sum(len(each["properties"].get("metrics", [])) for each in body["widgets"]) <= 50, "more is billed"
    (alarms,) = (each["properties"]["alarms"] for each in body["widgets"] if each["type"] == "alarm")
    assert len(alarms) == len(ALARMS)
    shown = {value["Fn::GetAtt"][0] for name, value in names.items() if name.startswith("Alarm")}
    assert shown == set(ALARMS)


# ------------------------------------------------------------------------------------------------ how they are used
@pytest.mark.parametrize(("name", "stack"), [("Monitoring", STACK), ("Doors", DOORS)])
def test_a_stack_is_given_all_it_asks_for(name: str, stack: dict[str, Any]) -> None:
    assert set(ESTATE.source.resources[name]["Properties"]["Parameters"]) == set(stack["Parameters"])


def test_in_detail_every_function_is_watched_at_four_fifths_of_its_time() -> None:
    listed = ESTATE.source.resources["Doors"]["Properties"]["Parameters"]["Doors"]["Fn::Join"][1]
    told = dict(each["Fn::Sub"].strip("${").split("}:") for each in listed)
    assert {name: int(ms) for name, ms in told.items()} == {
        name: int(door.timeout * 800) for name, door in ESTATE.source.doors.items()
    }
    assert ESTATE.source.resources["Doors"]["Condition"] == "IsDetailed"


def test_alarms_reach_an_encrypted_topic() -> None:
    """With the key that AWS manages for SNS, CloudWatch could not publish, and nobody would hear of it."""
    topic = ESTATE.source.resources["AlertsTopic"]["Properties"]
    assert topic["KmsMasterKeyId"] == {"Fn::GetAtt": ["Identity", "Outputs.ContentKeyArn"]}
    key = Template(ROOT / "stacks/identity.yaml").document["Resources"]["ContentKey"]["Properties"]["KeyPolicy"]
    services = [s for s in key["Statement"] if s["Principal"].get("Service") == "cloudwatch.amazonaws.com"]
    assert [set(s["Action"]) for s in services] == [{"kms:Decrypt", "kms:GenerateDataKey"}]
    assert all("aws:sns:topicArn" in json.dumps(s["Condition"]) for s in services), "for topics only, not for posts"
    (policy,) = ESTATE.of_type("AWS::SNS::TopicPolicy").values()
    allowed = [s for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Allow"]
    assert [s["Principal"] for s in allowed] == [{"Service": "cloudwatch.amazonaws.com"}]
    (source,) = (s["Condition"]["ArnLike"]["aws:SourceArn"] for s in allowed)
    assert source.endswith(":alarm:drey-test-*"), "every alarm's name begins with the stack's"
