"""The demos: what anybody gets, and that nobody gets more, whatever headers they send."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from demo import answer, visits
from llm_core import public, viewer
from llm_core.accounts import standing, tree
from llm_core.aws import clients
from llm_core.deadline import Deadline
from llm_core.settings import settings
from local.firewall import Firewall
from local.template import Template
from tests.conftest import ROOT, Platform
from tests.test_events import lambda_context

EVENT = json.loads((ROOT / "events/demo/answer-complete.json").read_text())


def ask(address: str, body: Any = None, path: str = "complete", **headers: str) -> tuple[int, dict[str, Any]]:
    """One request over this connection, in process."""
    event = json.loads(json.dumps(EVENT))
    event["path"] = event["resource"] = f"/public/demo/{path}"
    event["body"] = json.dumps({"prompt": "Why do squirrels bury nuts?"} if body is None else body)
    event["requestContext"]["identity"]["sourceIp"] = address
    event["headers"] |= {name.replace("_", "-"): value for name, value in headers.items()}
    event["multiValueHeaders"] = {name: [value] for name, value in event["headers"].items()}
    told = answer.handler(event, lambda_context("DemoAnswer"))
    return told["statusCode"], json.loads(told["body"])


def spent() -> int:
    """nano-USD of today's purse, what is held included."""
    import time

    found = standing.of(tree.find(public.PURSE), "day", time.time())
    return (found.spent or 0) + (found.held or 0)


# ------------------------------------------------------------------------------------------------ over HTTP
def test_anybody_gets_a_summary_a_label_and_an_answer(platform: Platform) -> None:
    bodies = {
        "summarize": ({"text": "A drey is a nest of twigs."}, "summary"),
        "classify": ({"text": "The nut was rotten.", "labels": ["praise", "complaint"]}, "label"),
        "complete": ({"prompt": "Why?"}, "content"),
    }
    for path, (body, field) in bodies.items():
        told = platform.http.post(f"{platform.url}/api/public/demo/{path}", json=body)
        assert told.status_code == 200, told.text
        assert told.json()[field]
        assert 0 <= told.json()["remainingToday"] < visits.A_DAY
        assert json.loads(platform.asked()[0]["body"])["max_tokens"] <= 256
        assert "haiku" in told.json()["model"]


# ------------------------------------------------------------------------------------------------ bounds
BAD: list[tuple[str, Any]] = [
    ("complete", {}),
    ("complete", {"prompt": ""}),
    ("complete", {"prompt": " \n"}),
    ("complete", {"prompt": "x" * 4_096}),
    ("complete", {"prompt": "x", "max_tokens": 4_000}),
    ("complete", {"prompt": "x", "model": "claude-opus-4-7"}),
    ("summarize", {"text": 1}),
    ("classify", {"text": "x", "labels": ["a"]}),
    ("classify", {"text": "x", "labels": ["a", "a"]}),
    ("classify", {"text": "x", "labels": [str(n) for n in range(11)]}),
]


@pytest.mark.parametrize(("path", "body"), BAD, ids=range(len(BAD)))
def test_what_is_too_much_is_refused_and_counted_for_nobody(inside: Platform, path: str, body: Any) -> None:
    before = spent() if _opened() else 0
    status, told = ask("198.51.100.1", body, path)
    assert (status, told["statusCode"]) == (400, 400)
    assert (spent() if _opened() else 0) == before
    assert visits.count("198.51.100.1", Deadline.after(5)) >= 0


def _opened() -> bool:
    from llm_core.aws import table

    return table.get(settings().need("budgets_table_name"), {"userId": public.PURSE}) is not None


def test_an_address_has_twenty_a_day_and_forged_headers_give_it_no_more(inside: Platform) -> None:
    forged = [
        {"X_Forwarded_For": "1.2.3.4"},
        {"x_viewer_ip": "1.2.3.4"},
        {"x_viewer_ip": "1.2.3.5", "x_origin_verify": "guess"},
        {"CF_Connecting_IP": "1.2.3.6", "True_Client_IP": "1.2.3.7", "X_Real_IP": "1.2.3.8"},
        {"Forwarded": "for=1.2.3.9"},
    ]
    told = [ask("198.51.100.2", **forged[n % len(forged)]) for n in range(visits.A_DAY + 5)]
    assert [status for status, _ in told] == [200] * visits.A_DAY + [429] * 5
    assert [body["remainingToday"] for status, body in told if status == 200] == list(range(visits.A_DAY - 1, -1, -1))
    assert told[-1][1]["code"] == "demo_limit"
    assert "tomorrow" in told[-1][1]["error"]


def test_200_calls_of_200_addresses_spend_no_more_than_the_purse(
    understudy: Platform, inside: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight at a time, from addresses of their own, against a purse for some of them."""
    from llm_core import budgets

    ask("198.51.100.3")
    limit = spent() + 15_000_000  # 1.5 cents: some dozens of calls
    budgets.limited(public.PURSE, {"day": limit}, deadline=Deadline.after(20))
    try:
        with ThreadPoolExecutor(8) as pool:
            told = list(pool.map(lambda n: ask(f"10.0.{n // 250}.{n % 250}"), range(200)))
        assert spent() <= limit
        statuses = [status for status, _ in told]
        assert statuses.count(200) >= 1
        refused = [body for status, body in told if status != 200]
        assert refused, "the purse was not meant to suffice"
        assert {(each["statusCode"], each["code"]) for each in refused} == {(429, "demo_budget_spent")}
        assert all("run Drey yourself" in each["error"] for each in refused)
    finally:
        budgets.limited(public.PURSE, {"day": public.FIRST_DAILY}, deadline=Deadline.after(20))


# ------------------------------------------------------------------------------------------------ whose address
@pytest.fixture
def cloudfront(inside: Platform, monkeypatch: pytest.MonkeyPatch) -> str:
    """A stage behind CloudFront: its secret."""
    clients.secretsmanager().create_secret(Name="drey/origin-test", SecretString="known to cloudfront")
    monkeypatch.setenv("ORIGIN_VERIFY_REF", "secretsmanager:drey/origin-test")
    settings.cache_clear()
    return "known to cloudfront"


def event(source: str = "130.176.0.1", **headers: str) -> dict[str, Any]:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"headers": told, "requestContext": {"identity": {"sourceIp": source}}}


def test_a_viewers_address_counts_only_with_the_secret(cloudfront: str) -> None:
    assert viewer.address(event(x_viewer_ip="203.0.113.9", x_origin_verify=cloudfront)) == "203.0.113.9"
    assert viewer.address(event(X_Viewer_Ip="203.0.113.9", X_Origin_Verify=cloudfront)) == "203.0.113.9"
    for secret in ("", "guess", cloudfront[:-1], f"{cloudfront} ", "é"):
        assert viewer.address(event(x_viewer_ip="203.0.113.9", x_origin_verify=secret)) == "130.176.0.1"
    assert viewer.address(event(x_viewer_ip="203.0.113.9")) == "130.176.0.1"


def test_a_household_of_ipv6_is_one_address(inside: Platform) -> None:
    assert viewer.address(event("2001:db8:1:2:3::1")) == viewer.address(event("2001:db8:1:2:ffff::9"))
    assert viewer.address(event("2001:db8:1:3::1")) != viewer.address(event("2001:db8:1:2::1"))
    assert viewer.address(event("::ffff:203.0.113.9")) == "203.0.113.9"


# ------------------------------------------------------------------------------------------------ the firewall
TEMPLATE = Template(ROOT / "template.yaml")


def paths(rate: dict[str, Any]) -> list[dict[str, Any]]:
    """What a rate rule counts: a path, and whether it came through CloudFront."""
    found: list[dict[str, Any]] = rate["ScopeDownStatement"]["AndStatement"]["Statements"]
    return found


def test_the_firewall_has_a_rate_for_each_public_route_and_for_nothing_else() -> None:
    rules = TEMPLATE.resources["Firewall"]["Properties"]["Rules"]
    plain = [rule["Statement"]["RateBasedStatement"] for rule in rules if "Name" in rule]
    counted = [paths(each)[0]["ByteMatchStatement"]["SearchString"] for each in plain]
    demos = [route.path for route, _ in TEMPLATE.routes if route.path.startswith("/public/")]
    assert sorted(counted) == sorted([*demos, "/sayings", "/feedback"])
    assert all(each["Limit"] >= 10 and each["EvaluationWindowSec"] in (60, 120, 300, 600) for each in plain)
    statements = [rule["Fn::If"][1]["Statement"] for rule in rules if "Fn::If" in rule]
    trusting = [each["RateBasedStatement"] for each in statements if "RateBasedStatement" in each]
    assert len(trusting) == len(plain)
    for each in trusting:
        assert each["ForwardedIPConfig"]["HeaderName"] == "x-viewer-ip"
        (_, proven) = paths(each)
        assert proven["LabelMatchStatement"]["Key"] == "through-cloudfront"
    association = TEMPLATE.resources["FirewallOfTheApi"]
    assert association["Condition"] == TEMPLATE.resources["Firewall"]["Condition"] == "HasFirewall"


def test_the_front_door_counts_by_the_firewalls_own_rules() -> None:
    firewall = Firewall(TEMPLATE)
    path = "/api/public/demo/complete"
    told = [firewall.blocked(path, "198.51.100.9") for _ in range(31)]
    assert told[:30] == [None] * 30
    assert told[30] is not None
    assert json.loads(told[30].body)["code"] == "rate_limit"
    assert told[30].headers == {"Retry-After": "60", "Access-Control-Allow-Origin": "*"}
    assert firewall.blocked(path, "198.51.100.10") is None
    assert firewall.blocked("/api/public/demo/classify", "198.51.100.9") is None
    assert firewall.blocked("/api/v1/complete", "198.51.100.9") is None


def test_the_31st_call_within_a_minute_is_refused_at_the_front_door(platform: Platform) -> None:
    """Whatever it is, and before any door hears of it."""
    url = f"{platform.url}/api/public/demo/summarize"
    told = [platform.http.post(url, content=b"no JSON", headers={"X-Forwarded-For": f"1.2.3.{n}"}) for n in range(40)]
    assert {each.status_code for each in told[:20]} == {400}
    assert told[-1].status_code == 429
    assert told[-1].json()["statusCode"] == 429
    assert told[-1].headers["retry-after"] == "60"
