"""The alert door between SNS, which delivers at least once, and two chats, each of which may be in trouble."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from llm_core.aws import clients, webhooks
from llm_core.aws.webhooks import NotDelivered
from llm_core.settings import settings
from operations import alert as door
from tests.conftest import ROOT, Platform
from tests.webhook import Webhook, serving


class Context:
    aws_request_id = "00000000-0000-0000-0000-000000000000"

    def __init__(self, seconds: float = 30) -> None:
        self.until = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return int((self.until - time.monotonic()) * 1000)


def event(case: str = "fallback", **sns: Any) -> dict[str, Any]:
    """One of the sample events, as a message of its own."""
    found: dict[str, Any] = json.loads((ROOT / f"events/operations/alert-{case}.json").read_text())
    message = found["Records"][0]["Sns"]
    message["Message"] = message["Message"].replace("drey-dev-undelivered", f"drey-{uuid4().hex[:8]}-undelivered")
    message |= {"MessageId": str(uuid4()), **sns}
    return found


@pytest.fixture
def chats(inside: Platform, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Webhook, Webhook]]:
    """Discord and Slack of this test's own, named to this process as to a door; pauses are short."""
    monkeypatch.setattr(webhooks, "_PAUSE", 0.01)
    with serving("/discord") as discord, serving("/slack") as slack:
        for name, webhook in (("discord", discord), ("slack", slack)):
            parameter = f"/chats/{uuid4().hex[:12]}"
            clients.ssm().put_parameter(Name=parameter, Value=webhook.url, Type="SecureString")
            monkeypatch.setenv(f"{name.upper()}_WEBHOOK_REF", f"ssm:{parameter}")
        settings.cache_clear()
        yield discord, slack


def many(chats: tuple[Webhook, Webhook]) -> tuple[int, int]:
    discord, slack = chats
    return len(discord.taken()), len(slack.taken())


def test_each_chat_is_told_in_its_own_shape(chats: tuple[Webhook, Webhook]) -> None:
    door.handler(event(), Context())

    (to_discord,), (to_slack,) = chats[0].taken(), chats[1].taken()
    (embed,) = to_discord.body["embeds"]
    assert embed["title"] == "anthropic/claude-haiku-4-5 is not answering"
    assert embed["timestamp"] == "2026-11-21T09:30:00.000Z"
    assert to_slack.body["text"] == embed["title"]
    assert to_slack.body["blocks"][0]["text"]["text"] == embed["title"]
    assert to_slack.body["blocks"][-1]["elements"][0]["text"] == "Drey local, 2026-11-21T09:30:00.000Z"


def test_what_sns_delivers_twice_is_told_once(chats: tuple[Webhook, Webhook]) -> None:
    message = event()
    for _ in range(3):
        door.handler(message, Context())
    assert many(chats) == (1, 1)

    door.handler(event(), Context())
    assert many(chats) == (2, 2), "another message of the same words is another message"


def test_an_alarm_that_comes_and_goes_is_told_once_in_a_quarter_of_an_hour(
    chats: tuple[Webhook, Webhook], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given an alarm that went off, and a chat that did not take it at first.
    alarm = event("alarm")
    message = alarm["Records"][0]["Sns"]
    chats[0].order(500, times=3)
    with pytest.raises(NotDelivered):
        door.handler(alarm, Context())
    door.handler(alarm, Context())
    assert many(chats) == (1, 1), "Lambda came back: the other chat is not told twice"

    # When it goes off again, a message of its own each time, then nobody is told.
    for _ in range(2):
        message["MessageId"] = str(uuid4())
        door.handler(alarm, Context())
    assert many(chats) == (1, 1)

    # But another alarm is another matter, and so is the same one when its episode is over.
    door.handler(event("alarm"), Context())
    assert many(chats) == (2, 2)
    now = time.time()
    monkeypatch.setattr("llm_core.aws.claims.time.time", lambda: now + door.ALARM_SECONDS + 1)
    door.handler(alarm, Context())
    assert many(chats) == (3, 3)


def test_what_sns_delivers_twice_at_once_is_told_once(chats: tuple[Webhook, Webhook]) -> None:
    message = event()

    def deliver(_: int) -> bool:
        try:
            door.handler(message, Context())
        except NotDelivered:
            return False  # somebody else was at it: Lambda comes back to see that it is done
        return True

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(deliver, range(8)))
    door.handler(message, Context())
    assert many(chats) == (1, 1)


@pytest.mark.parametrize("dead", [0, 1], ids=["discord", "slack"])
@pytest.mark.parametrize("trouble", [500, "reset", (429, {"Retry-After": "3600"})], ids=str)
def test_a_dead_chat_neither_stops_nor_repeats_the_other(
    chats: tuple[Webhook, Webhook], dead: int, trouble: Any
) -> None:
    message, failures = event(), []
    chats[dead].order(trouble, times=6)

    # When Lambda invokes the door until it does not fail any more ...
    for _ in range(9):
        try:
            door.handler(message, Context())
            break
        except NotDelivered as failure:
            failures.append(failure.message)
        assert len(chats[1 - dead].taken()) == 1, "told at the first time, and not again"

    # ... it failed for the dead one only, and both have it once.
    names = ("Discord", "Slack")
    assert set(failures) == {f"An alert was not delivered to {names[dead]}."}
    assert len(chats[dead].asked()) == 7
    assert many(chats) == (1, 1)


def test_a_silent_chat_leaves_the_other_its_share_of_the_time(chats: tuple[Webhook, Webhook]) -> None:
    chats[0].order("hang", times=9)
    began = time.monotonic()
    with pytest.raises(NotDelivered, match="Discord"):
        door.handler(event(), Context(seconds=door.SECONDS_TO_END + 3))
    assert time.monotonic() - began < 3.5
    assert many(chats) == (0, 1)


def test_a_chat_that_is_gone_is_given_up_and_logged(chats: tuple[Webhook, Webhook], log: io.StringIO) -> None:
    message = event()
    chats[1].order(404, times=9)

    door.handler(message, Context())
    door.handler(message, Context())

    assert many(chats) == (1, 0)
    assert len(chats[1].asked()) == 1, "given up means not asked again"
    assert '"event": "webhook_gone"' in log.getvalue()


def test_a_secret_that_is_not_there_does_not_stop_the_other_chat(
    chats: tuple[Webhook, Webhook], monkeypatch: pytest.MonkeyPatch, log: io.StringIO
) -> None:
    monkeypatch.setenv("DISCORD_WEBHOOK_REF", "ssm:/not/there")
    settings.cache_clear()
    with pytest.raises(NotDelivered, match="Discord"):
        door.handler(event(), Context())
    assert many(chats) == (0, 1)
    assert "/not/there" in log.getvalue()


def test_who_cannot_remember_does_not_tell(chats: tuple[Webhook, Webhook], monkeypatch: pytest.MonkeyPatch) -> None:
    """The alert is not lost: Lambda comes back, and then keeps it."""
    monkeypatch.setenv("HEALTH_TABLE_NAME", "no-such-table")
    settings.cache_clear()
    with pytest.raises(NotDelivered, match="Discord and Slack"):
        door.handler(event(), Context())
    assert many(chats) == (0, 0)


def test_without_chats_there_is_nothing_to_do(inside: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISCORD_WEBHOOK_REF", "SLACK_WEBHOOK_REF"):
        monkeypatch.delenv(name)
    settings.cache_clear()
    door.handler(event(), Context())


@pytest.mark.parametrize("case", ["fallback", "overrun", "budget", "alarm"])
def test_every_sample_is_told_in_both(chats: tuple[Webhook, Webhook], case: str) -> None:
    door.handler(event(case), Context())
    assert many(chats) == (1, 1)


@pytest.mark.parametrize("text", ["not JSON", "[1, 2]", "null", '"a word"', ""])
def test_what_is_no_alert_of_ours_is_told_by_its_subject(chats: tuple[Webhook, Webhook], text: str) -> None:
    door.handler(event(Message=text, Subject="Somebody's own message"), Context())
    assert chats[1].taken()[0].body["text"] == "Somebody's own message"
    door.handler(event(Message=text, Subject=None), Context())
    assert many(chats) == (2, 2)


SECRETS = {
    "a key of ours": "sk-proj-" + "z" * 12 + "Q" * 43,
    "a provider's key": "sk-ant-api03-canary-5d21aa97",
    "a prompt": "canary prompt: my neighbour's name is Hannelore",
}


@pytest.mark.parametrize("kind", ["fallback", "overrun", "budget", "ledger", "drift"])
@pytest.mark.parametrize("secret", SECRETS)
def test_no_canary_reaches_a_chat(chats: tuple[Webhook, Webhook], inside: Platform, kind: str, secret: str) -> None:
    """Keys are struck wherever they are; a fact that no words ask for is not shown, so a prompt there is not either."""
    canary, own = SECRETS[secret], inside.key
    known = {
        "window": "2026-11",
        "percent": 80,
        "spent_usd": "1",
        "limit_usd": "2",
        "answered_by": "b",
        "cost_usd": "1",
    }
    alert = {"kind": kind, "subject": "anthropic/a", "ceiling_usd": "1", **known, "prompt": canary, "error": canary}
    if secret != "a prompt":
        alert |= {"subject": f"x {canary} {own}", "answered_by": canary, "cost_usd": canary}
    door.handler(event(Message=json.dumps(alert), Subject=f"about {alert['subject']}"), Context())

    for chat in chats:
        (post,) = chat.taken()
        for hidden in (canary, canary[8:], own, chats[0].url, chats[1].url):
            assert hidden not in post.text


def test_a_webhooks_address_is_in_no_log(chats: tuple[Webhook, Webhook], log: io.StringIO) -> None:
    chats[0].order("reset", times=9)
    chats[1].order(410, times=9)
    with pytest.raises(NotDelivered):
        door.handler(event(), Context())
    assert log.getvalue()
    for chat in chats:
        assert chat.url not in log.getvalue()
