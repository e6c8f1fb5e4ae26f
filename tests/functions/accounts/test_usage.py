"""GET /v1/usage and /v1/generations/{id}, over HTTP, of users that these tests make."""

from __future__ import annotations

import csv
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any

import httpx2
import pytest

from llm_core import callers, keys, ledger
from llm_core.deadline import Deadline
from llm_core.messages import Usage
from llm_core.roll_ups.counting import Fact, count
from tests.conftest import Platform
from tests.llm_core.roll_ups.rows import HAIKU, SONNET, Row, row

TODAY = datetime.now(UTC).date()
FIRST, SECOND = date(2026, 3, 2), date(2026, 3, 3)
LATER = 4 * 10**9
"""A ttl that has not come: the rows of these tests are of fixed days."""


@dataclass(frozen=True)
class User:
    """Somebody with a key, and rows that were counted."""

    platform: Platform
    name: str
    key_id: str
    api_key: str

    def get(self, path: str, **query: str) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {self.api_key}"}
        return self.platform.http.get(f"{self.platform.url}{path}", params=query, headers=headers)

    def told(self, **query: str) -> dict[str, Any]:
        answer = self.get("/v1/usage", **query)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def row(self, day: date, **changed: Any) -> Row:
        return row(day, **{"userId": self.name, "keyId": self.key_id, "ttl": LATER, **changed})


def someone(platform: Platform, scopes: Iterable[str] = callers.SCOPES) -> User:
    name = f"user-{secrets.token_hex(6)}"
    made = keys.create("test", user_id=name, terms=keys.Terms(set(scopes)))
    return User(platform, name, made.key_id, made.api_key)


@pytest.fixture
def user(inside: Platform) -> User:
    return someone(inside)


def counted(*rows: Row) -> None:
    count(map(Fact.of, rows), Deadline.after(20))


# ------------------------------------------------------------------------------------------------ sums
def test_days_and_models_with_tokens_money_and_latency(user: User) -> None:
    counted(
        user.row(FIRST, latencyMs=100),
        user.row(FIRST, latencyMs=100, attempt=2, outcome="timeout", estimated=True, cost=500, charged=510, tokens={}),
        user.row(FIRST, model=SONNET, tokens={"input": 7, "cache_read": 90, "output": 3, "reasoning": 2}),
        user.row(SECOND, byok=True, charged=0),
    )
    told = user.told(**{"from": "2026-03-01", "to": "2026-03-31", "by": "day,model"})
    first, second, third = told["data"]
    assert [(each["day"], each["model"]) for each in told["data"]] == [
        ("2026-03-02", HAIKU),
        ("2026-03-02", SONNET),
        ("2026-03-03", HAIKU),
    ]
    assert (first["calls"], first["attempts"], first["estimated"]) == (1, 2, 1)
    assert (first["cost"], first["charged"]) == (0.0000355, 0.00003621)
    assert first["latency"] == {"p50_ms": 100, "p95_ms": 100}
    assert second["tokens"] == {
        "input": 7,
        "cache_write_5m": 0,
        "cache_write_1h": 0,
        "cache_read": 90,
        "output": 3,
        "reasoning": 2,
        "total": 100,
    }
    assert third["byok"] == {"attempts": 1, "tokens": 15, "share": 1.0}
    assert told["total"]["byok"] == {"attempts": 1, "tokens": 15, "share": round(15 / 130, 4)}
    assert (told["total"]["calls"], told["total"]["attempts"]) == (3, 4)
    assert (told["from"], told["to"], told["by"], told["projection"]) == (
        "2026-03-01",
        "2026-03-31",
        ["day", "model"],
        None,
    )


def test_hours_are_told_as_moments(user: User) -> None:
    counted(user.row(FIRST, second=3_600), user.row(FIRST, second=7_199), user.row(FIRST, second=7_200))
    told = user.told(**{"from": "2026-03-02", "to": "2026-03-02", "by": "hour"})
    assert [(each["hour"], each["calls"]) for each in told["data"]] == [
        ("2026-03-02T01:00:00Z", 2),
        ("2026-03-02T02:00:00Z", 1),
    ]


def test_both_days_that_are_named_belong_to_it(user: User) -> None:
    counted(*(user.row(date(2026, 3, day)) for day in (1, 2, 3, 4)))
    told = user.told(**{"from": "2026-03-02", "to": "2026-03-03", "by": "day"})
    assert [each["day"] for each in told["data"]] == ["2026-03-02", "2026-03-03"]


@pytest.mark.parametrize(
    ("by", "values"),
    [
        ("provider", ["anthropic", "openai"]),
        ("outcome", ["ok", "timeout"]),
        ("operation", ["chat", "embeddings"]),
        ("key", ["sk-proj-aaaaaaaaaaaa", "sk-proj-bbbbbbbbbbbb"]),
    ],
)
def test_by_each_word_there_is(user: User, by: str, values: list[str]) -> None:
    names = {"provider": "provider", "outcome": "outcome", "operation": "operation", "key": "keyId"}
    counted(*(user.row(FIRST, **{names[by]: value}) for value in values))
    told = user.told(**{"from": "2026-03-01", "to": "2026-03-31", "by": by})
    assert [(each[by], each["calls"]) for each in told["data"]] == [(value, 1) for value in values]


def test_one_key_of_several(user: User) -> None:
    counted(user.row(FIRST), user.row(FIRST, keyId="sk-proj-bbbbbbbbbbbb"))
    query = {"from": "2026-03-01", "to": "2026-03-31", "key": user.key_id}
    assert user.told(**query)["total"]["calls"] == 1
    assert user.told(**query | {"key": "sk-proj-cccccccccccc"})["total"]["calls"] == 0


def test_nobody_sees_another_users_usage(user: User) -> None:
    counted(user.row(FIRST))
    stranger = someone(user.platform)
    query = {"from": "2026-03-01", "to": "2026-03-31"}
    assert stranger.told(**query)["data"] == []
    assert stranger.told(**query, key=user.key_id)["data"] == []


def test_without_dates_it_is_this_month_so_far_with_what_it_will_have_cost(user: User) -> None:
    counted(user.row(TODAY, charged=1_000), user.row(TODAY - timedelta(days=40), charged=9_000))
    told = user.told()
    assert (told["from"], told["to"], told["by"]) == (f"{TODAY:%Y-%m}-01", TODAY.isoformat(), ["day"])
    assert [each["day"] for each in told["data"]] == [TODAY.isoformat()]
    ahead = told["projection"]
    assert (ahead["month"], ahead["spent"], ahead["basis_days"]) == (f"{TODAY:%Y-%m}", 0.000001, 0)
    assert ahead["projected"] >= ahead["spent"]


# ------------------------------------------------------------------------------------------------ spreadsheets
def test_a_table_for_a_spreadsheet(user: User) -> None:
    counted(user.row(FIRST, latencyMs=100), user.row(FIRST, latencyMs=100))
    answer = user.get("/v1/usage", **{"from": "2026-03-01", "to": "2026-03-31", "by": "day,model", "format": "csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert 'filename="usage-2026-03-01-2026-03-31.csv"' in answer.headers["content-disposition"]
    (line,) = csv.DictReader(StringIO(answer.text))
    assert (line["day"], line["model"], line["calls"], line["input"]) == ("2026-03-02", HAIKU, "2", "20")
    assert (line["cost"], line["charged"], line["p95_ms"]) == ("0.00007", "0.0000714", "100")


@pytest.mark.parametrize("evil", ['=HYPERLINK("http://evil")', "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_no_cell_is_a_formula(user: User, evil: str) -> None:
    counted(user.row(FIRST, model=evil))
    answer = user.get("/v1/usage", **{"from": "2026-03-01", "to": "2026-03-31", "by": "model", "format": "csv"})
    (_, line) = csv.reader(StringIO(answer.text))
    assert line[0] == f"'{evil}"
    assert user.told(**{"from": "2026-03-01", "to": "2026-03-31", "by": "model"})["data"][0]["model"] == evil


# ------------------------------------------------------------------------------------------------ refusals
@pytest.mark.parametrize(
    ("query", "param", "says"),
    [
        ({"from": "2026-01-01", "to": "2027-02-05", "by": "day"}, "from", "at most 400 days"),
        ({"from": "2026-03-01", "to": "2026-04-01", "by": "hour"}, "from", "at most 31 days"),
        ({"from": "2026-03-02", "to": "2026-03-01"}, "from", "after"),
        ({"from": "yesterday"}, "from", "no day"),
        ({"to": "2026-13-01"}, "to", "no day"),
        ({"to": "2026-03-01T00:00:00Z"}, "to", "no day"),
        ({"by": "colour"}, "by", "none of"),
        ({"by": ""}, "by", "none of"),
        ({"by": "day,hour"}, "by", "either"),
        ({"by": "model,model"}, "by", "once"),
        ({"by": "user"}, "by", "none of"),
        ({"format": "xml"}, "format", "none of"),
        ({"form": "2026-03-01"}, "form", "Unknown parameter"),
    ],
)
def test_what_cannot_be_told_is_a_400_that_names_the_parameter(
    user: User, query: dict[str, str], param: str, says: str
) -> None:
    answer = user.get("/v1/usage", **query)
    assert answer.status_code == 400
    assert (answer.json()["code"], says in answer.json()["error"]) == ("invalid_request", True)
    assert param in answer.json()["error"]


@pytest.mark.parametrize(
    "query",
    [
        {"from": "2026-01-01", "to": "2027-02-04", "by": "day"},
        {"from": "2026-03-01", "to": "2026-03-31", "by": "hour"},
    ],
)
def test_the_longest_stretch_is_told(user: User, query: dict[str, str]) -> None:
    assert user.told(**query)["data"] == []


@pytest.mark.parametrize("path", ["/v1/usage", "/v1/generations/gen-1a1fd5e865ba9dc0c9fe907fd3d"])
def test_who_may_not_read_usage_is_told_which_scope_it_takes(inside: Platform, path: str) -> None:
    answer = someone(inside, callers.SCOPES - {"usage:read"}).get(path)
    assert (answer.status_code, answer.json()["required_scope"]) == (403, "usage:read")
    assert inside.http.get(f"{inside.url}{path}").status_code == 401


# ------------------------------------------------------------------------------------------------ one call
def attempt(user: User, call_id: str, **changed: Any) -> ledger.Row:
    made = ledger.Row(
        id=call_id,
        user_id=user.name,
        key_id=user.key_id,
        operation="chat",
        requested_model=HAIKU,
        provider="anthropic",
        model=HAIKU,
        attempt=1,
        fallback=False,
        outcome="timeout",
        usage=Usage(),
        cost=1_000_000,
        charged=1_020_000,
        estimated=True,
        price_version="2026-11-20.abc",
        latency_ms=10_000,
    )
    return replace(made, **changed)


def test_a_call_is_told_with_all_its_attempts(user: User) -> None:
    call = ledger.new_id()
    ledger.record(attempt(user, call))
    usage = Usage(input=10, output=5)
    told = {"provider": "bedrock", "fallback": True, "outcome": "ok", "cost": 35_000, "charged": 35_700}
    ledger.record(attempt(user, call, attempt=2, usage=usage, estimated=False, latency_ms=900, **told))
    shown = user.get(f"/v1/generations/{call}").json()
    assert (shown["id"], shown["key_id"], shown["requested_model"]) == (call, user.key_id, HAIKU)
    assert (shown["provider"], shown["outcome"], shown["fallback"], shown["estimated"]) == ("bedrock", "ok", True, True)
    assert (shown["cost"], shown["charged"], shown["latency_ms"]) == (0.001035, 0.0010557, 10_900)
    assert (shown["tokens"]["input"], shown["tokens"]["output"]) == (10, 5)
    assert [(each["attempt"], each["provider"], each["charged"]) for each in shown["attempts"]] == [
        (1, "anthropic", 0.00102),
        (2, "bedrock", 0.0000357),
    ]
    assert abs(datetime.fromisoformat(shown["created"]).timestamp() - time.time()) < 60


def test_somebody_elses_call_looks_like_none(user: User) -> None:
    call = ledger.new_id()
    ledger.record(attempt(user, call))
    foreign = someone(user.platform).get(f"/v1/generations/{call}")
    none = user.get(f"/v1/generations/{ledger.new_id()}")
    assert (foreign.status_code, none.status_code) == (404, 404)
    assert foreign.json()["code"] == none.json()["code"] == "not_found"


@pytest.mark.parametrize("call_id", ["gen-", "x", "gen-zz", "%2e%2e", "gen-" + "0" * 5_000])
def test_what_is_no_id_of_a_call_is_not_found(user: User, call_id: str) -> None:
    assert user.get(f"/v1/generations/{call_id}").status_code == 404
