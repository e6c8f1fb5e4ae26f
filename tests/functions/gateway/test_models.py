"""The models door: each route once, by the event that API Gateway would send, in process."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from gateway import models
from llm_core import keys
from llm_core.aws import breaker, clients, expiring, outages
from llm_core.aws.stage_catalog import catalog
from llm_core.settings import settings
from tests.conftest import Platform
from tests.functions.gateway.events import Context, Send, body, sender


@pytest.fixture
def send(inside: Platform) -> Send:
    return sender(models.handler, inside.key)


def test_every_model_and_every_name_for_one_is_listed_once(send: Send) -> None:
    told = body(send("models-list"))
    names = [model["id"] for model in told["data"]]
    own = catalog()
    assert {*own.roles, *own.aliases, *own.routes, *(model.model for model in own.models)} == set(names)
    assert len(names) == len(set(names)) or _bare_twins(names)
    assert (told["object"], told["has_more"]) == ("list", False)


def _bare_twins(names: list[str]) -> bool:
    """Two providers may sell one bare id: then, and only then, it stands there twice."""
    bare = [model.model for model in catalog().models]
    return all(bare.count(name) == names.count(name) for name in names if names.count(name) > 1)


def test_one_model_has_prices_as_numbers_and_null_where_there_is_none(send: Send) -> None:
    told = body(send("models-one"))
    assert (told["id"], told["root"], told["owned_by"]) == ("claude-haiku-4-5", "claude-haiku-4-5", "anthropic")
    assert told["pricing"] == {
        "input": 1.0,
        "output": 5.0,
        "cache_write_5m": 1.25,
        "cache_write_1h": 2.0,
        "cache_read": 0.1,
    }
    assert body(_one(send, "gpt-4.1"))["pricing"]["cache_write_1h"] is None


@pytest.mark.parametrize("name", ["fast", "gpt-4", "bedrock/claude-3-haiku"])
def test_a_name_for_a_model_shows_which_one_it_stands_for(send: Send, name: str) -> None:
    told = body(_one(send, name))
    assert told["id"] == name
    assert told["root"] in catalog().by_name


def test_a_full_name_may_come_with_its_slash_or_with_the_slash_encoded(send: Send) -> None:
    plain = send("models-one_of_provider")
    name = send.event("models-one_of_provider")["pathParameters"]["id"]
    assert body(plain) == body(_one(send, quote(name, safe="")))


def test_an_unknown_model_is_a_404_in_openais_dialect(send: Send) -> None:
    answer = send("models-unknown")
    assert answer["statusCode"] == 404
    assert body(answer)["error"]["code"] == "model_not_found"


def _one(send: Send, name: str) -> dict[str, object]:
    event = send.event("models-one")
    event["path"], event["pathParameters"] = f"/v1/models/{name}", {"id": name}
    event["headers"]["Authorization"] = f"Bearer {send.key}"
    event["multiValueHeaders"] = {header: [value] for header, value in event["headers"].items()}
    return send.handler(event, Context())


@pytest.mark.parametrize("scope", ["ai:complete", "ai:embed"])
def test_either_scope_may_look(send: Send, scope: str) -> None:
    looks = keys.create("looks", user_id="ada", terms=keys.Terms({scope})).api_key
    assert send("models-list", key=looks)["statusCode"] == 200


@pytest.mark.parametrize("case", ["models-list", "models-one"])
def test_a_key_for_neither_may_not(send: Send, case: str) -> None:
    other = keys.create("other", user_id="ada", terms=keys.Terms({"usage:read"})).api_key
    assert send(case, key=other)["statusCode"] == 403


@pytest.mark.parametrize("case", ["models-health", "models-health_v1", "models-openapi"])
def test_what_is_open_asks_for_no_key(send: Send, case: str) -> None:
    event = send.event(case)
    event["headers"].pop("Authorization", None)
    event["multiValueHeaders"].pop("Authorization", None)
    assert send.handler(event, Context())["statusCode"] == 200


def test_health_says_who_and_since_when_and_no_more(send: Send) -> None:
    told = body(send("models-health"))
    assert set(told) == {"status", "version", "uptime", "providers", "unavailable", "timestamp"}
    assert told["uptime"] >= 0
    assert {"anthropic", "bedrock", "openai"} <= set(told["providers"])
    assert told["timestamp"].endswith("+00:00")


@pytest.fixture
def looked_now(inside: Platform, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is known of outages, before and after, and health is looked up each time."""
    monkeypatch.setattr(models, "LOOKED_SECONDS", -1)
    monkeypatch.setattr(models, "_looked", (0.0, []))
    forget()
    yield
    forget()


def forget() -> None:
    for name in outages.among([*models._providers(), *(model.name for model in catalog().models)]):
        for prefix in ("outage#", breaker.PREFIX):
            expiring.forget(settings().need("health_table_name"), f"{prefix}{name}")


def test_health_is_degraded_while_a_provider_or_a_model_cannot_be_asked(send: Send, looked_now: None) -> None:
    told = body(send("models-health"))
    assert (told["status"], told["unavailable"]) == ("ok", [])
    outages.note("openai")
    outages.note("anthropic/claude-haiku-4-5")
    answer = send("models-health")
    told = body(answer)
    assert (answer["statusCode"], told["status"]) == (200, "degraded")
    assert told["unavailable"] == ["anthropic/claude-haiku-4-5", "openai"]
    forget()
    assert body(send("models-health_v1"))["status"] == "ok"


def test_health_is_degraded_where_our_own_tables_cannot_be_asked(
    send: Send, looked_now: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        clients._clients.clear()
        answer = send("models-health")
    clients._clients.clear()
    assert (answer["statusCode"], body(answer)["unavailable"]) == (200, ["tables"])


def test_health_is_looked_up_once_in_a_while_however_often_it_is_asked(
    send: Send, looked_now: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "LOOKED_SECONDS", 60)
    assert body(send("models-health"))["status"] == "ok"
    outages.note("openai")
    assert body(send("models-health"))["status"] == "ok"
