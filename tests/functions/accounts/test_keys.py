"""The keys' door, over HTTP: what a key's holder can do with its own keys, and with nobody else's."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from llm_core import callers
from llm_core.aws import clients
from tests.conftest import Platform, fresh
from tests.functions.accounts.holder import NANO, Holder, someone

SOON = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
UNKNOWN = "sk-proj-000000000000"
NEW = {"name": "job", "scopes": ["ai:complete"], "monthlyBudget": 5}


@pytest.fixture
def ada(inside: Platform) -> Holder:
    return someone(inside)


# ------------------------------------------------------------------------------------------------ making
def test_a_new_key_is_shown_once_and_works_at_once(ada: Holder) -> None:
    told = ada.told("POST", "/v1/auth/keys", NEW | {"dailyCap": 0.5, "requestsPerMinute": 60}, 201)
    made = Holder(ada.platform, ada.user, told["keyId"], told["apiKey"])
    assert told["apiKey"].startswith(told["keyId"])
    assert made.hello().status_code == 200
    assert (told["monthlyBudget"], told["dailyCap"], told["requestsPerMinute"]) == (5.0, 0.5, 60)
    assert (told["scopes"], told["madeBy"], told["policy"]) == (["ai:complete"], ada.key_id, "clamp")

    said = [ada.ask("GET", f"/v1/auth/keys/{made.key_id}").text, ada.ask("GET", "/v1/auth/keys").text]
    said += [made.ask("GET", "/v1/key").text, json.dumps(ada.acts)]
    for text in said:
        assert made.key_id in text
        for secret in (made.api_key[20:], made.kept["hash"], made.kept["salt"]):
            assert secret not in text


def test_its_account_stands_below_its_makers_and_its_user_is_the_same(ada: Holder) -> None:
    made = ada.make(monthlyBudget=7)
    assert made.kept["parent"] == made.kept["account"]["parent"] == f"key:{ada.key_id}"
    assert made.kept["userId"] == ada.user
    assert made.kept["account"]["limits"] == {"month": 7 * NANO}
    assert made.key_id in str(ada.kept["account"]["children"])


@pytest.mark.parametrize(
    ("amount", "nano"),
    [
        (b"0", 0),
        (b"5", 5 * NANO),
        (b"0.1", NANO // 10),
        (b"0.000000001", 1),
        (b"123456.123456789", 123_456_123_456_789),
        (b"999999.999999999", 10**15 - 1),
        (b"1e6", 10**15),
        (b"2.50", 2_500_000_000),
        (b"0.30000000000000000000000", 300_000_000),
    ],
)
def test_an_amount_is_kept_to_the_last_digit(ada: Holder, amount: bytes, nano: int) -> None:
    body = b'{"name": "exact", "scopes": ["ai:complete"], "monthlyBudget": ' + amount + b"}"
    told = ada.told("POST", "/v1/auth/keys", body, 201)
    made = Holder(ada.platform, ada.user, told["keyId"], told["apiKey"])
    assert made.kept["account"]["limits"] == {"month": nano}
    assert round(told["monthlyBudget"] * NANO) == nano


def _with(**changed: Any) -> bytes:
    return json.dumps(NEW | changed).encode()


BAD: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "JSON"),
    "half a body": (_with()[:-3], "JSON"),
    "a list": (b"[]", "body"),
    "no name": (b'{"scopes": ["ai:complete"], "monthlyBudget": 1}', "name"),
    "an empty name": (_with(name=""), "name"),
    "a long name": (_with(name="x" * 101), "name"),
    "a name that moves the cursor": (_with(name="\x1b[2J"), "name"),
    "no scopes": (_with(scopes=[]), "scopes"),
    "scopes as text": (_with(scopes="ai:complete"), "scopes"),
    "an unknown scope": (_with(scopes=["ai:complete", "admin"]), "admin"),
    "no budget said": (b'{"name": "job", "scopes": ["ai:complete"]}', "monthlyBudget"),
    "a negative budget": (_with(monthlyBudget=-1), "monthlyBudget"),
    "a budget as text": (_with(monthlyBudget="5"), "monthlyBudget"),
    "a budget that is true": (_with(monthlyBudget=True), "monthlyBudget"),
    "a budget above a million": (_with(monthlyBudget=1_000_001), "monthlyBudget"),
    "ten decimals": (_with().replace(b": 5}", b": 0.1234567891}"), "monthlyBudget"),
    "a hair beyond ten cents": (_with().replace(b": 5}", b": 0.1000000000000000000000000000000001}"), "monthlyBudget"),
    "next to nothing": (_with().replace(b": 5}", b": 1e-400}"), "monthlyBudget"),
    "nothing at all": (_with().replace(b": 5}", b": 1e-99999999999999999999999}"), ""),
    "endless": (_with().replace(b": 5}", b": 1e400}"), "JSON"),
    "not a number": (_with().replace(b": 5}", b": NaN}"), "JSON"),
    "a cap of thirty digits": (_with(dailyCap=10**30), "dailyCap"),
    "no requests at all": (_with(requestsPerMinute=0), "requestsPerMinute"),
    "half a request": (_with(requestsPerMinute=1.5), "requestsPerMinute"),
    "an unknown model": (_with(models=["gpt-99"]), "gpt-99"),
    "no model": (_with(models=[]), "models"),
    "yesterday": (_with(expiresAt=(datetime.now(UTC) - timedelta(days=1)).isoformat()), "expiresAt"),
    "a time of nowhere": (_with(expiresAt="2030-01-01T00:00:00"), "zone"),
    "a time as a number": (_with(expiresAt=1_900_000_000), "expiresAt"),
    "an unknown policy": (_with(policy="generous"), "policy"),
    "an unknown field": (_with(monthly_budget=5), "monthly_budget"),
    "somebody else's user": (_with(userId="root"), "userId"),
    "somebody else's account": (_with(parent="user:root"), "parent"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_body_is_refused_in_words_and_makes_nothing(ada: Holder, case: str) -> None:
    body, word = BAD[case]
    assert word in ada.refused("POST", "/v1/auth/keys", body, status=400)
    assert len(ada.told("GET", "/v1/auth/keys")["data"]) == 1


def test_what_is_left_out_is_as_much_as_the_maker_has(inside: Platform) -> None:
    ada = someone(inside, requests_per_minute=60, tokens_per_minute=1_000, models=("fast",), expires_at=SOON)
    told = ada.told("POST", "/v1/auth/keys", NEW, 201)
    assert (told["requestsPerMinute"], told["tokensPerMinute"]) == (60, 1_000)
    assert (told["models"], told["expiresAt"]) == (["fast"], SOON.isoformat().replace("+00:00", "Z"))


# ------------------------------------------------------------------------------------------------ seeing
def test_a_key_sees_itself_and_those_below_it_at_any_depth(ada: Holder) -> None:
    child, sibling = ada.make(name="child"), someone(ada.platform, user=ada.user)
    grandchild = child.make(name="grandchild")
    assert _ids(ada) == [ada.key_id, child.key_id, grandchild.key_id]
    assert _ids(child) == [child.key_id, grandchild.key_id]
    assert _ids(sibling) == [sibling.key_id]
    told = {each["keyId"]: each["madeBy"] for each in ada.told("GET", "/v1/auth/keys")["data"]}
    assert told == {ada.key_id: None, child.key_id: ada.key_id, grandchild.key_id: child.key_id}


def _ids(holder: Holder) -> list[str]:
    return [each["keyId"] for each in holder.told("GET", "/v1/auth/keys")["data"]]


def test_one_key_is_told_with_what_it_has_spent(ada: Holder) -> None:
    child = ada.make(monthlyBudget=2, dailyCap=1)
    assert child.hello().status_code == 200
    for told in (child.told("GET", "/v1/key"), ada.told("GET", f"/v1/auth/keys/{child.key_id}")):
        month, day = told["limits"]["month"], told["limits"]["day"]
        assert set(told["limits"]) == {"month", "day"}
        assert month["spent"] == day["spent"] > 0
        assert month["remaining"] == pytest.approx(2 - month["spent"])
        assert (month["limit"], day["limit"], month["reserved"]) == (2.0, 1.0, 0.0)
        assert month["period"] == datetime.now(UTC).strftime("%Y-%m")
        assert month["resetsAt"].endswith("-01T00:00:00Z")
    assert "madeBy" in told
    assert child.told("GET", "/v1/key")["madeBy"] is None, "who made it is not its business"


def test_a_key_without_limits_tells_what_it_spent_this_month(ada: Holder) -> None:
    month = ada.told("GET", "/v1/key")["limits"]["month"]
    assert (month["limit"], month["remaining"], month["spent"], month["alerts"]) == (None, None, 0.0, [])


def test_any_key_may_look_at_itself_and_only_some_at_keys(inside: Platform) -> None:
    narrow = someone(inside, {"ai:embed"})
    assert narrow.works
    told = narrow.told("GET", "/v1/auth/keys", status=403)
    assert (told["code"], told["required_scope"]) == ("insufficient_scope", "keys:write")


# ------------------------------------------------------------------------------------------------ changing
def test_a_change_counts_at_once_and_names_only_what_is_different(ada: Holder) -> None:
    child = ada.make(monthlyBudget=2, requestsPerMinute=60)
    told = ada.told("PATCH", f"/v1/auth/keys/{child.key_id}", {"name": "renamed", "scopes": ["ai:embed"]})
    assert (told["name"], told["scopes"]) == ("renamed", ["ai:embed"])
    assert (told["monthlyBudget"], told["requestsPerMinute"]) == (2.0, 60)
    assert child.hello().status_code == 403

    told = ada.told("PATCH", f"/v1/auth/keys/{child.key_id}", {"scopes": ["ai:complete"], "monthlyBudget": 0})
    assert told["monthlyBudget"] == 0
    assert child.hello().status_code == 402
    told = ada.told("PATCH", f"/v1/auth/keys/{child.key_id}", {"monthlyBudget": None, "requestsPerMinute": None})
    assert (told["monthlyBudget"], told["requestsPerMinute"]) == (None, None)
    assert child.hello().status_code == 200


@pytest.mark.parametrize("body", [{}, {"name": None}, {"scopes": None}, {"hash": "0"}, {"revokedAt": None}])
def test_a_change_of_nothing_or_of_what_cannot_be_changed_is_refused(ada: Holder, body: dict[str, Any]) -> None:
    assert ada.refused("PATCH", f"/v1/auth/keys/{ada.key_id}", json.dumps(body).encode(), status=400)


def test_what_a_key_loses_the_keys_below_it_lose_as_well(ada: Holder) -> None:
    child = ada.make(models=["fast", "smart"], requestsPerMinute=60)
    grandchild, other = child.make(models=["fast"]), child.make(models=["smart"], requestsPerMinute=10)
    change = {"scopes": ["ai:complete", "keys:write"], "models": ["fast"], "requestsPerMinute": 30}
    ada.told("PATCH", f"/v1/auth/keys/{child.key_id}", change | {"expiresAt": SOON.isoformat()})
    told = {each["keyId"]: each for each in child.told("GET", "/v1/auth/keys")["data"]}
    for each in told.values():
        assert each["scopes"] == ["ai:complete", "keys:write"]
        assert datetime.fromisoformat(each["expiresAt"]) == SOON
    assert [told[key.key_id]["models"] for key in (child, grandchild, other)] == [["fast"], ["fast"], []]
    assert [told[key.key_id]["requestsPerMinute"] for key in (child, grandchild, other)] == [30, 30, 10]
    assert ada.told("GET", "/v1/key")["scopes"] == sorted(callers.SCOPES)
    assert other.hello().status_code == 403


# ------------------------------------------------------------------------------------------------ rotating
def test_another_secret_works_at_once_and_the_one_before_no_more(ada: Holder) -> None:
    child = ada.make(monthlyBudget=2)
    assert child.works
    told = ada.told("POST", f"/v1/auth/keys/{child.key_id}/rotate")
    rotated = Holder(ada.platform, ada.user, told["keyId"], told["apiKey"])
    assert rotated.key_id == child.key_id
    assert told["monthlyBudget"] == 2.0
    assert (rotated.works, child.works) == (True, False)


def test_a_key_may_give_itself_another_secret(ada: Holder) -> None:
    told = ada.told("POST", f"/v1/auth/keys/{ada.key_id}/rotate")
    assert Holder(ada.platform, ada.user, told["keyId"], told["apiKey"]).works
    assert not ada.works


# ------------------------------------------------------------------------------------------------ revoking
def test_a_revoked_key_takes_all_below_it_along_and_stays_revoked(ada: Holder) -> None:
    child, sibling = ada.make(), ada.make()
    grandchild = child.make()
    told = ada.told("DELETE", f"/v1/auth/keys/{child.key_id}")
    assert told["revoked"] == [child.key_id, grandchild.key_id]
    assert told["revokedAt"]
    assert [key.works for key in (ada, child, grandchild, sibling)] == [True, False, False, True]

    for method, path in (("PATCH", ""), ("POST", "/rotate")):
        words = ada.refused(method, f"/v1/auth/keys/{grandchild.key_id}{path}", {"name": "x"}, status=400)
        assert "revoked" in words
    assert ada.told("DELETE", f"/v1/auth/keys/{child.key_id}")["revokedAt"] == told["revokedAt"], (
        "said twice, done once"
    )
    shown = {each["keyId"]: each["revokedAt"] for each in ada.told("GET", "/v1/auth/keys")["data"]}
    assert [bool(shown[key.key_id]) for key in (ada, child, grandchild, sibling)] == [False, True, True, False]


def test_a_key_may_end_itself(ada: Holder) -> None:
    child = ada.make()
    ada.told("DELETE", f"/v1/auth/keys/{ada.key_id}")
    assert not ada.works
    assert not child.works


# ------------------------------------------------------------------------------------------------ own provider keys
def test_a_kept_provider_key_pays_from_the_next_call_on_until_it_is_withheld(ada: Holder, understudy: Platform) -> None:
    own, model = f"own-key-{ada.user}", fresh("claude")
    path = f"/v1/auth/keys/{ada.key_id}/providers/anthropic"
    assert ada.told("PUT", path, {"apiKey": own})["providers"] == ["anthropic"]
    body = {"model": model, "messages": [{"role": "user", "content": "Hello"}], "maxTokens": 20}
    assert ada.told("POST", "/v1/complete", body)["usage"]["estimatedCost"] == 0
    assert ada.told("DELETE", path)["providers"] == []
    assert ada.told("POST", "/v1/complete", body)["usage"]["estimatedCost"] > 0
    assert [sale["key"] == own for sale in understudy.sold() if model in sale["model"]] == [True, False]
    acts = [act for act in ada.acts if act["what"] in ("key.provide", "key.withhold")]
    assert [act["after"]["providers"] for act in acts] == [["anthropic"], []]
    assert own not in json.dumps([ada.acts, ada.kept], default=str)
    assert own not in ada.platform.logs.read_text()


@pytest.mark.parametrize(
    ("provider", "body", "word"),
    [
        ("bedrock", {"apiKey": "own-key-0123456789"}, "anthropic"),
        ("..%2fopenai", {"apiKey": "own-key-0123456789"}, "anthropic"),
        ("anthropic", {"apiKey": "short"}, "characters"),
        ("anthropic", {"apiKey": 7}, "apiKey"),
        ("anthropic", {}, "JSON"),
    ],
)
def test_what_is_no_provider_or_no_key_is_not_kept(ada: Holder, provider: str, body: Any, word: str) -> None:
    assert word in ada.refused("PUT", f"/v1/auth/keys/{ada.key_id}/providers/{provider}", body, status=400)
    assert ada.told("GET", "/v1/key")["providers"] == []


def test_no_provider_key_outlives_the_key_that_it_was_kept_for(ada: Holder) -> None:
    child = ada.make()
    grandchild = child.make()
    for key in (child, grandchild):
        for provider in ("anthropic", "openai"):
            ada.told("PUT", f"/v1/auth/keys/{key.key_id}/providers/{provider}", {"apiKey": f"own-key-{key.key_id}"})
    assert len(_parameters(ada, child)) == len(_parameters(ada, grandchild)) == 2
    ada.told("DELETE", f"/v1/auth/keys/{child.key_id}")
    assert _parameters(ada, child) == _parameters(ada, grandchild) == []
    late = f"/v1/auth/keys/{child.key_id}/providers/openai"
    assert "revoked" in ada.refused("PUT", late, {"apiKey": "own-key-0123456789"}, status=400)
    assert "revoked" in ada.refused("DELETE", late, status=400)
    assert _parameters(ada, child) == []


def _parameters(ada: Holder, key: Holder) -> list[str]:
    path = f"{ada.platform.environment['BYOK_PATH']}/{key.key_id}"
    return [found["Name"] for found in clients.ssm().get_parameters_by_path(Path=path)["Parameters"]]


# ------------------------------------------------------------------------------------------------ audit
def test_every_act_is_written_down_with_who_what_before_and_after(ada: Holder) -> None:
    child = ada.make(name="job", monthlyBudget=5)
    path = f"/v1/auth/keys/{child.key_id}"
    ada.told("PATCH", path, {"monthlyBudget": 0.25, "scopes": ["ai:complete"]})
    ada.told("POST", f"{path}/rotate")
    ada.told("DELETE", path)
    made, changed, rotated, revoked = (act for act in ada.acts if act["subject"] == child.key_id)
    assert [act["what"] for act in (made, changed, rotated, revoked)] == [
        "key.create",
        "key.change",
        "key.rotate",
        "key.revoke",
    ]
    assert {act["by"] for act in (made, changed, rotated, revoked)} == {ada.key_id}
    assert (made["before"], made["after"]["limits"]) == ({}, {"monthlyBudget": "5"})
    assert (changed["before"]["limits"], changed["after"]["limits"]) == (
        {"monthlyBudget": "5"},
        {"monthlyBudget": "0.25"},
    )
    assert (changed["before"]["scopes"], changed["after"]["scopes"]) == (sorted(callers.SCOPES), ["ai:complete"])
    assert revoked["after"]["revokedAt"]


def test_what_is_refused_is_not_written_down(ada: Holder) -> None:
    before = len(ada.acts)
    ada.refused("PATCH", f"/v1/auth/keys/{UNKNOWN}", {"name": "x"}, status=404)
    ada.refused("POST", "/v1/auth/keys", NEW | {"scopes": ["no"]}, status=400)
    assert len(ada.acts) == before
