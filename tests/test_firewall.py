"""The firewall of template.yaml, read as AWS WAF reads it: who is let in, and who is counted by what."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.estate import Estate

NAME = "drey/origin"
SECRET = f"{{{{resolve:secretsmanager:{NAME}}}}}"  # CloudFormation puts the value here
OPEN = {"complete": "/api/public/demo/complete", "feedback": "/api/feedback", "sayings": "/api/sayings"}
DEMO, HEALTH = "/api/public/demo/complete", "/api/health"
PROVEN = {"x-origin-verify": SECRET, "x-viewer-ip": "203.0.113.9"}


def estate(stage: str, *, secret: bool, firewall: bool = False) -> Estate:
    given = {"Stage": stage, "FirewallEnabled": str(firewall).lower(), "OriginVerifyName": NAME if secret else ""}
    return Estate(given)


def stands(found: Estate) -> bool:
    (kept,) = {found.source.resources[name]["Condition"] for name in ("Firewall", "FirewallOfTheApi")}
    return found._holds({"Condition": kept})


def rules(found: Estate) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = found.fill(found.source.resources["Firewall"]["Properties"]["Rules"])
    return sorted(told, key=lambda rule: rule["Priority"])


@dataclass
class Passed:
    """What WAF did with a request: `counted` are the rate rules that did, with what they took for its address."""

    status: int = 200
    counted: dict[str, str] = field(default_factory=dict)


def passed(found: Estate, path: str, headers: dict[str, str], address: str = "198.51.100.7") -> Passed:
    told, labels = Passed(), set[str]()

    def matches(statement: dict[str, Any]) -> bool:
        ((kind, of),) = statement.items()
        match kind:
            case "ByteMatchStatement" if of["FieldToMatch"] == {"UriPath": {}}:
                return path.endswith(str(of["SearchString"]))
            case "ByteMatchStatement":
                name = of["FieldToMatch"]["SingleHeader"]["Name"]
                assert of["PositionalConstraint"] == "EXACTLY"
                return headers.get(name) == str(of["SearchString"])
            case "LabelMatchStatement":
                return of["Key"] in labels
            case "NotStatement":
                return not matches(of["Statement"])
            case "AndStatement":
                return all(map(matches, of["Statements"]))
        raise AssertionError(statement)

    for rule in rules(found):
        rate = rule["Statement"].get("RateBasedStatement")
        if rate and matches(rate["ScopeDownStatement"]):
            by_header = rate["AggregateKeyType"] == "FORWARDED_IP"
            told.counted[rule["Name"]] = headers[rate["ForwardedIPConfig"]["HeaderName"]] if by_header else address
        elif not rate and matches(rule["Statement"]):
            labels |= {label["Name"] for label in rule.get("RuleLabels", [])}
            if "Block" in rule["Action"]:
                told.status = rule["Action"]["Block"]["CustomResponse"]["ResponseCode"]
                return told
    return told


@pytest.mark.parametrize("path", [DEMO, HEALTH, "/api/v1/chat/completions"])
def test_in_prod_nobody_goes_around_cloudfront(path: str) -> None:
    prod = estate("prod", secret=True)
    assert stands(prod), "whatever FirewallEnabled says"
    for headers in ({}, {"x-origin-verify": ""}, {"x-origin-verify": "guess"}, {"x-origin-verify": f"{SECRET} "}):
        assert passed(prod, path, headers).status == 403
    assert passed(prod, path, PROVEN).status == 200


@pytest.mark.parametrize(("stage", "secret"), [("prod", False), ("staging", True), ("dev", True), ("dev", False)])
def test_elsewhere_or_without_a_secret_the_api_answers_at_its_own_address(stage: str, secret: bool) -> None:
    found = estate(stage, secret=secret, firewall=True)
    assert passed(found, HEALTH, {}).status == 200
    assert stands(found)
    assert not stands(estate(stage, secret=secret)), "it costs something, so only where it is wanted"


@pytest.mark.parametrize("stage", ["dev", "prod"])
@pytest.mark.parametrize("name", OPEN)
def test_who_comes_through_cloudfront_is_counted_by_the_address_it_tells_and_not_by_cloudfronts(
    stage: str, name: str
) -> None:
    """Else thirty calls a minute would be all that all viewers of one of its places have together."""
    told = passed(estate(stage, secret=True, firewall=True), OPEN[name], PROVEN, address="130.176.0.1")
    assert told.counted == {f"{name}-by-viewer": "203.0.113.9"}


@pytest.mark.parametrize("proof", [{}, {"x-origin-verify": "guess"}])
def test_who_does_not_is_counted_by_the_connection_whatever_its_headers_say(proof: dict[str, str]) -> None:
    told = passed(estate("dev", secret=True, firewall=True), DEMO, proof | {"x-viewer-ip": "1.2.3.4"})
    assert told.counted == {"complete": "198.51.100.7"}
    assert passed(estate("dev", secret=False, firewall=True), DEMO, {"x-viewer-ip": "1.2.3.4"}).counted == told.counted


def test_a_rule_has_a_place_and_a_name_of_its_own() -> None:
    found = rules(estate("prod", secret=True))
    assert len({rule["Priority"] for rule in found}) == len({rule["Name"] for rule in found}) == len(found)
