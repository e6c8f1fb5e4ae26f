"""events/: what AWS would send, for `make invoke`, `sam local invoke` and these tests alike."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aws_lambda_powertools.utilities.parser.models import (
    APIGatewayProxyEventModel,
    APIGatewayWebSocketConnectEventModel,
    APIGatewayWebSocketDisconnectEventModel,
    APIGatewayWebSocketMessageEventModel,
    DynamoDBStreamModel,
    EventBridgeModel,
    SnsModel,
)
from pydantic import BaseModel, ConfigDict

from agents import alone
from live import answering, watching
from tests.estate import ACCOUNT, REGION, ROOT, Estate, opened

TEMPLATE = Estate({}).source
EVENTS = sorted((ROOT / "events").rglob("*.json"))
PLACEHOLDER_KEY = "sk-proj-" + "0" * 12 + "A" * 43
PLACEHOLDER_CLIENT = "0" * 26


def door_of(event: Path) -> str:
    """events/gateway/chat-bad_json.json -> gateway/chat"""
    return f"{event.parent.relative_to(ROOT / 'events').as_posix()}/{event.stem.partition('-')[0]}"


def test_every_door_has_a_sample_event_and_every_event_a_door() -> None:
    assert {door_of(event) for event in EVENTS} == {door.path for door in TEMPLATE.doors.values()}


def name_of(event: Path) -> str:
    return next(name for name, door in TEMPLATE.doors.items() if door.path == door_of(event))


PAYER = '"keyId": "' + PLACEHOLDER_KEY[:20]
"""In the event of a tool that is invoked alone."""


class OfTheMachine(BaseModel):
    """What the agents' state machine passes on: ids and nothing else."""

    model_config = ConfigDict(extra="forbid")

    runId: str  # noqa: N815
    turn: int | None = None
    call: int | None = None
    step: str | None = None
    token: str | None = None
    error: dict[str, str] | None = None


class OfASchedule(BaseModel):
    """What a post's schedule hands to the door that publishes it."""

    model_config = ConfigDict(extra="forbid")

    postId: str  # noqa: N815
    scheduledAt: str  # noqa: N815


OF_THE_HOUSE: dict[str, type[BaseModel]] = {
    "content/publish": OfASchedule,
    **dict.fromkeys(("agents/turn", "agents/tool", "agents/state"), OfTheMachine),
    **dict.fromkeys((f"agents/{name}" for name in ("search", "summarize", "extract", "classify")), alone.Event),
}
OF_THE_HOUSE |= {
    "live/connect": APIGatewayWebSocketConnectEventModel,
    "live/disconnect": APIGatewayWebSocketDisconnectEventModel,
    "live/message": APIGatewayWebSocketMessageEventModel,
    "live/complete": answering.Asked,
    "live/watch": watching.Asked,
}
OF_THE_API = [event for event in EVENTS if TEMPLATE.doors[name_of(event)].routes]


class Asynchronous(BaseModel):
    """What one of our doors sends another without waiting."""

    model_config = ConfigDict(extra="forbid")

    source: str


TRIGGERS: dict[str, type[BaseModel]] = {
    "aws.events": EventBridgeModel,
    "drey.sayings": Asynchronous,
    "aws:dynamodb": DynamoDBStreamModel,
    "aws:sns": SnsModel,
}


@pytest.mark.parametrize("file", [event for event in EVENTS if event not in OF_THE_API], ids=lambda file: file.stem)
def test_a_sample_event_is_what_its_trigger_would_send(file: Path) -> None:
    event = json.loads(file.read_text())
    if event == {"warmup": True}:
        return
    if own := OF_THE_HOUSE.get(door_of(file)):
        own.model_validate(event)
        return
    (source,) = {each.get("eventSource") or each.get("EventSource") or each["source"] for each in records(event)}
    TRIGGERS[source].model_validate(event)


def records(event: dict[str, Any]) -> list[dict[str, Any]]:
    """A stream and a topic send records, a schedule one event."""
    return event.get("Records") or [event]


@pytest.mark.parametrize("file", OF_THE_API, ids=lambda file: file.stem)
def test_a_sample_event_is_what_api_gateway_would_send_to_that_door(file: Path) -> None:
    event = json.loads(file.read_text())
    if event == {"warmup": True}:
        return
    APIGatewayProxyEventModel.model_validate(event)
    door = TEMPLATE.doors[name_of(file)]
    found = TEMPLATE.open(event["httpMethod"], event["path"])
    assert found is not None, "no route of the template"
    assert (found.door, found.route.path) == (door, event["resource"])
    assert found.parameters == (event["pathParameters"] or {})
    assert event["requestContext"]["stage"] == TEMPLATE.stage
    assert event["requestContext"]["path"] == f"/{TEMPLATE.stage}{event['path']}"
    assert event["multiValueHeaders"] == {name: [value] for name, value in event["headers"].items()}


NOTHING_FAILED: dict[str, Any] = {"batchItemFailures": []}
# On recordings, the catalog's dates, what tests left behind.
DEPENDS = {"build_cache-empty", "drift-week", "prices-day", "sweep-minute", "sweep-day"}
CLOSED = {"connect-no_ticket", "connect-used_ticket"}
FORGOTTEN = {"runId": "run-" + "1" * 27, "outcome": "over"}
PAID = {"search-dreys", "summarize-drey", "extract-drey", "classify-drey", "classify-one_label"}
"""What they cost and say is looked at in tests/functions/agents."""
DONE = {"statusCode": 200}
"""Of a message: what there is to say is said on the socket, which in a sample event is closed."""
ANSWERS: dict[str, Any] = {
    "alert-alarm": None,
    "alert-budget": None,
    "alert-fallback": None,
    "alert-overrun": None,
    "budget_events-account": NOTHING_FAILED,
    "budget_events-half": NOTHING_FAILED,
    "budget_events-hold": NOTHING_FAILED,
    "roll_up-corrected": NOTHING_FAILED,
    "roll_up-expired": NOTHING_FAILED,
    "roll_up-row": NOTHING_FAILED,
    "roll_up-unreadable": {"batchItemFailures": [{"itemIdentifier": "111100000000000000000051"}]},
    "drift-warmup": {},
    "prices-warmup": {},
    "runs-research": 200,
    "runs-unknown_type": 400,
    "runs-list": 200,
    "runs-unknown": 404,
    "runs-cancel_unknown": 404,
    "runs-approve_unknown": 404,
    "runs-reject_unknown": 404,
    "runs-tools": 200,
    "runs-warmup": 200,
    "stream-research": 200,
    "stream-unknown": 404,
    "stream-warmup": 200,
    **dict.fromkeys(("turn-first", "tool-first"), FORGOTTEN),
    **dict.fromkeys((f"state-{step}" for step in ("wait", "expired", "gather", "fail")), FORGOTTEN),
    **{f"{door.partition('/')[2]}-warmup": {} for door in OF_THE_HOUSE},
    "ticket-make": 200,
    "ticket-warmup": 200,
    **dict.fromkeys((f"{name}-warmup" for name in ("connect", "disconnect", "message")), DONE),
    "disconnect-left": DONE,
    **dict.fromkeys((f"message-{name}" for name in ("ping", "subscribe", "complete", "cancel", "no_json")), DONE),
    "complete-unwanted": {"begun": False},
    "watch-nobody": {},
    "sweep-warmup": {},
    "build_cache-warmup": {},
    "get_saying-first": 200,
    "get_saying-warmup": 200,
    "process_feedback-up": 200,
    "process_feedback-unknown_saying": 200,
    "process_feedback-neither": 400,
    "process_feedback-warmup": 200,
    "stats-all": 200,
    "stats-warmup": 200,
    "usage-month": 200,
    "usage-november_by_model": 200,
    "usage-csv": 200,
    "usage-too_long": 400,
    "usage-generation_unknown": 404,
    "cancel-unknown": 404,
    "cancel-warmup": 200,
    "usage-warmup": 200,
    "answer-summarize": 200,
    "answer-classify": 200,
    "answer-complete": 200,
    "answer-too_long": 400,
    "answer-warmup": 200,
    "agent-generate": 202,
    "agent-status_unknown": 404,
    "agent-approve_unknown": 404,
    "agent-reject_unknown": 404,
    "agent-schedule_unknown": 404,
    "agent-warmup": 200,
    "publish-moment": {"published": False},
    "publish-warmup": {},
    "read-list": 200,
    "read-tag": 200,
    "read-rss": 200,
    "read-sitemap": 200,
    "read-unknown": 404,
    "read-warmup": 200,
    "write-create": 201,
    "write-unknown": 404,
    "write-delete_unknown": 404,
    "write-drafts": 200,
    "write-draft_unknown": 404,
    "write-stranger": 403,
    "write-warmup": 200,
    "chat-hello": 200,
    "chat-tools": 200,
    "chat-bad_json": 400,
    "chat-no_key": 401,
    "chat-warmup": 200,
    "chat-messages": 200,
    "chat-count_tokens": 200,
    "chat-complete": 200,
    "chat-stream": 200,
    "chat-classify": 200,
    "chat-responses": 200,
    "chat-responses_tools": 200,
    "chat-responses_stream": 200,
    "chat-responses_kept": 400,
    "keys-myself": 200,
    "keys-create": 201,
    "keys-too_much": 400,
    "keys-list": 200,
    "keys-unknown": 404,
    "keys-change_unknown": 404,
    "keys-revoke_unknown": 404,
    "keys-rotate_unknown": 404,
    "keys-provide_unknown": 404,
    "keys-withhold_unknown": 404,
    "keys-warmup": 200,
    "budget-mine": 200,
    "budget-of_another": 404,
    "budget-warmup": 200,
    **dict.fromkeys((f"admin-{case}" for case in ("usage", "budgets", "keys", "warmup")), 200),
    "admin-create": 201,
    "admin-rotate_unknown": 404,
    "admin-revoke_unknown": 404,
    "admin-writer": 403,
    **dict.fromkeys((f"dashboard-{case}" for case in ("live", "health", "warmup")), 200),
    "embeddings-hello": 200,
    "embeddings-native": 200,
    "embeddings-warmup": 200,
    "models-openapi": 200,
    "models-list": 200,
    "models-one": 200,
    "models-one_of_provider": 200,
    "models-unknown": 404,
    "models-health": 200,
    "models-health_v1": 200,
    "models-warmup": 200,
}


@pytest.mark.parametrize("file", EVENTS, ids=lambda file: file.stem)
def test_a_sample_event_opens_its_door(file: Path, inside: Any) -> None:
    """In a door's place, on the tables of the running platform, with a real key for the placeholder.

    What is expected of a door of the API is its status.
    """
    text = file.read_text().replace(PLACEHOLDER_KEY, inside.key).replace(PAYER, f'"keyId": "{inside.key[:20]}')
    event = json.loads(text.replace(PLACEHOLDER_CLIENT, inside.outputs["UserPoolClientId"]))
    name = name_of(file)
    answer = opened(TEMPLATE.doors[name])(event, lambda_context(name))
    if file.stem in DEPENDS:
        return
    if file.stem in CLOSED:
        assert answer["statusCode"] == 401
        return
    if file.stem in PAID:
        assert answer["cost"] >= 0
        assert ("result" in answer) != ("error" in answer)
        return
    assert (answer["statusCode"] if file in OF_THE_API else answer) == ANSWERS[file.stem]


@pytest.mark.parametrize("file", [f for f in EVENTS if PLACEHOLDER_KEY in f.read_text()], ids=lambda file: file.stem)
def test_the_key_in_a_sample_event_opens_nothing(file: Path, inside: Any) -> None:
    name = name_of(file)
    answer = opened(TEMPLATE.doors[name])(json.loads(file.read_text()), lambda_context(name))
    assert answer["statusCode"] == 401


def lambda_context(name: str) -> Any:
    return SimpleNamespace(
        function_name=name,
        memory_limit_in_mb=512,
        invoked_function_arn=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}",
        aws_request_id="c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
        get_remaining_time_in_millis=lambda: 29_000,
    )
