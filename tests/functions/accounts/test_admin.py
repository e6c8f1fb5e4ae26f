"""/admin/usage, /admin/budgets and /admin/keys over HTTP, for people of the emulator's own pool."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from llm_core import keys
from llm_core.aws import clients, table
from llm_core.deadline import Deadline
from llm_core.roll_ups.counting import Fact, count
from local import people
from local.emulator import client
from tests.conftest import Platform
from tests.llm_core.roll_ups.rows import fresh_day, row


class Operator:
    """Somebody who signed in; `name` is the address they did that with."""

    def __init__(self, platform: Platform, *groups: str) -> None:
        self.platform = platform
        self.name = f"{uuid4().hex[:8]}@example.com"
        cognito = client("cognito-idp", platform.environment["AWS_ENDPOINT_URL"])
        pool, site = platform.outputs["UserPoolId"], platform.outputs["UserPoolClientId"]
        password = ""
        for group in groups:
            password = people.invite(cognito, pool, self.name, group, mail=False) or password
        self.id = cognito.admin_get_user(UserPoolId=pool, Username=self.name)["Username"]
        self.token = people._signed_in(cognito, pool, site, self.name, password)["IdToken"]

    def ask(self, method: str, path: str, body: Any = None, **query: str) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        url = f"{self.platform.url}/api/admin{path}"
        return self.platform.http.request(method, url, json=body, params=query, headers=headers)

    def audited(self, account: str) -> Iterator[dict[str, Any]]:
        audit = self.platform.environment["AUDIT_TABLE_NAME"]
        yield from table.query(audit, {"account": account}, between=("at", "2", "3"))


@pytest.fixture(scope="session")
def admin(platform: Platform) -> Operator:
    return Operator(platform, "admin")


def test_only_people_of_the_group_see_anything(platform: Platform, inside: Platform) -> None:
    assert platform.http.get(f"{platform.url}/api/admin/usage").status_code == 401
    key = {"Authorization": f"Bearer {platform.key}"}
    assert platform.http.get(f"{platform.url}/api/admin/usage", headers=key).status_code == 401
    writer = Operator(platform, "writers")
    for path in ("/usage", "/budgets", "/keys", "/live", "/health"):
        assert writer.ask("GET", path).status_code == 403
    assert list(writer.audited(writer.name)) == []


def test_what_all_users_used_is_told_by_user_and_of_one_by_key(inside: Platform, admin: Operator) -> None:
    ada, grace = f"ada-{uuid4().hex[:8]}", f"grace-{uuid4().hex[:8]}"
    day = fresh_day()
    rows = [
        row(day, userId=user, keyId=f"sk-proj-{key * 12}", charged=charged)
        for user, key, charged in ((ada, "a", 1_000), (ada, "b", 2_000), (grace, "c", 4_000))
    ]
    count([Fact.of(each) for each in rows], Deadline.after(20))
    told = admin.ask("GET", "/usage", **{"from": str(day), "to": str(day), "by": "user"}).json()
    by_user = {line["user"]: line for line in told["data"]}
    assert (by_user[ada]["calls"], by_user[ada]["charged"]) == (2, 0.000003)
    assert (by_user[grace]["calls"], by_user[grace]["charged"]) == (1, 0.000004)
    of_ada = admin.ask("GET", "/usage", **{"from": str(day), "to": str(day), "by": "key", "user": ada}).json()
    assert [(line["key"], line["charged"]) for line in of_ada["data"]] == [
        ("sk-proj-aaaaaaaaaaaa", 0.000001),
        ("sk-proj-bbbbbbbbbbbb", 0.000002),
    ]


def test_keys_of_all_users_are_no_way_to_group_what_all_used(admin: Operator) -> None:
    answer = admin.ask("GET", "/usage", by="key")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert "user" in answer.json()["error"]


def test_a_look_is_written_down_once_an_hour(inside: Platform, platform: Platform) -> None:
    operator = Operator(platform, "admin")
    for _ in range(3):
        assert operator.ask("GET", "/budgets").status_code == 200
    looks = {each["at"][:13] for each in operator.audited(operator.name)}
    rows = list(operator.audited(operator.name))
    assert len(rows) == len(looks), "one for each hour, also when the hour strikes in between"
    assert {(each["what"], each["subject"]) for each in rows} == {("admin.read", "/admin/budgets")}


def test_a_key_without_its_account_hides_no_other(inside: Platform, admin: Operator) -> None:
    kept, lost = (
        admin.ask(
            "POST", "/keys", {"userId": "user-lost", "name": "x", "scopes": ["ai:complete"], "monthlyBudget": 1}
        ).json()
        for _ in "ab"
    )
    account = {"userId": {"S": f"key:{lost['keyId']}"}}
    clients.dynamodb().delete_item(TableName=inside.environment["BUDGETS_TABLE_NAME"], Key=account)
    listed = admin.ask("GET", "/keys")
    assert (listed.status_code, kept["keyId"] in listed.text, lost["keyId"] in listed.text) == (200, True, False)


def test_a_key_is_made_given_another_secret_and_ended_by_a_person(inside: Platform, admin: Operator) -> None:
    user = f"user-{uuid4().hex[:8]}"
    order = {
        "userId": user,
        "name": "from the dashboard",
        "scopes": ["ai:complete", "usage:read"],
        "monthlyBudget": 2.5,
    }
    answer = admin.ask("POST", "/keys", order)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["userId"], made["monthlyBudget"]) == (user, 2.5)
    assert works(admin.platform, made["apiKey"])
    listed = admin.ask("GET", "/keys")
    assert made["keyId"] in listed.text
    assert made["apiKey"] not in listed.text

    turned = admin.ask("POST", f"/keys/{made['keyId']}/rotate", {}).json()
    assert (turned["keyId"], turned["apiKey"] == made["apiKey"]) == (made["keyId"], False)
    assert works(admin.platform, turned["apiKey"])

    ended = admin.ask("DELETE", f"/keys/{made['keyId']}").json()
    assert ended["revoked"] == [made["keyId"]]
    assert keys.find(made["keyId"]).revoked_at
    acts = [(each["what"], each["by"]) for each in admin.audited(user) if each["what"].startswith("key.")]
    assert acts == [(what, f"person:{admin.id}") for what in ("key.create", "key.rotate", "key.revoke")]


def works(platform: Platform, key: str) -> bool:
    answer = platform.http.get(f"{platform.url}/v1/usage/budget", headers={"Authorization": f"Bearer {key}"})
    return answer.status_code == 200


@pytest.mark.parametrize(
    "wrong", [{"userId": "a b"}, {"userId": ""}, {"scopes": ["everything"]}, {"monthlyBudget": -1}]
)
def test_a_key_that_cannot_be_is_refused(admin: Operator, wrong: dict[str, Any]) -> None:
    order = {"userId": "ada", "name": "n", "scopes": ["ai:complete"], "monthlyBudget": 1} | wrong
    assert admin.ask("POST", "/keys", order).status_code == 400


def test_a_limit_is_told_with_what_is_left_of_it(inside: Platform, admin: Operator) -> None:
    user = f"user-{uuid4().hex[:8]}"
    order = {"userId": user, "name": "n", "scopes": ["ai:complete"], "monthlyBudget": 3, "dailyCap": 1}
    made = admin.ask("POST", "/keys", order).json()
    told = admin.ask("GET", "/budgets").json()
    (found,) = (each for each in told["accounts"] if each["account"] == f"key:{made['keyId']}")
    assert found["parent"] == f"user:{user}"
    limits = {kind: (window["limit"], window["remaining"]) for kind, window in found["windows"].items()}
    assert limits == {"month": (3.0, 3.0), "day": (1.0, 1.0)}
    assert set(told["byok"]) == {"platform", "own"}
