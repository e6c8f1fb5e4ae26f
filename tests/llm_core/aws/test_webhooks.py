"""Posting to a webhook that is well, slow, broken, busy, moved or gone; its address is nowhere to be read."""

from __future__ import annotations

import io
import json
import logging
import time
from collections.abc import Iterator
from uuid import uuid4

import pytest

from llm_core.aws import clients, webhooks
from llm_core.aws.webhooks import NotDelivered, post
from llm_core.deadline import Deadline
from llm_core.errors import DeadlineExceeded, Misconfigured
from llm_core.settings import settings
from tests.conftest import Platform
from tests.webhook import Webhook, serving

MESSAGE = {"text": "hello"}
SECRET_PATH = "/T00/B00/canary-address-4c1d"


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with serving(SECRET_PATH) as server:
        yield server


@pytest.fixture
def reference(inside: Platform, webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> str:
    """The secret with the webhook's address. Pauses between tries are short."""
    monkeypatch.setattr(webhooks, "_PAUSE", 0.01)
    return kept(webhook.url)


def kept(address: str, name: str = "") -> str:
    name = name or f"/webhooks/{uuid4().hex[:12]}"
    clients.ssm().put_parameter(Name=name, Value=address, Type="SecureString", Overwrite=True)
    return f"ssm:{name}"


def soon(seconds: float = 20) -> Deadline:
    return Deadline.after(seconds)


def test_a_webhook_that_is_well_takes_it_as_json(reference: str, webhook: Webhook) -> None:
    assert post(reference, MESSAGE, soon())
    (taken,) = webhook.posts
    assert (taken.path, taken.body, taken.headers["Content-Type"]) == (SECRET_PATH, MESSAGE, "application/json")


@pytest.mark.parametrize("trouble", [500, 503, 408, 425, (429, {}), "reset"])
def test_trouble_that_passes_is_tried_again(reference: str, webhook: Webhook, trouble: int) -> None:
    webhook.order(trouble)
    assert post(reference, MESSAGE, soon())
    assert len(webhook.posts) == 2


@pytest.mark.parametrize("trouble", [500, "reset"])
def test_trouble_that_stays_is_raised_after_three_tries(reference: str, webhook: Webhook, trouble: int) -> None:
    webhook.order(trouble, times=9)
    with pytest.raises(NotDelivered):
        post(reference, MESSAGE, soon())
    assert len(webhook.posts) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 413])
def test_what_no_repetition_changes_is_given_up_and_logged(
    reference: str, webhook: Webhook, log: io.StringIO, status: int
) -> None:
    webhook.order(status, times=9)
    assert not post(reference, MESSAGE, soon())
    assert len(webhook.posts) == 1
    (line,) = [json.loads(line) for line in log.getvalue().splitlines() if "webhook_gone" in line]
    assert (line["level"], line["said"], line["webhook"]) == ("ERROR", f"answered {status}", reference)


def test_nobody_is_followed_elsewhere(reference: str, webhook: Webhook) -> None:
    with serving() as elsewhere:
        webhook.order((307, {"Location": elsewhere.url}))
        assert not post(reference, MESSAGE, soon())
        assert not elsewhere.posts


def test_an_address_that_was_changed_is_found_when_the_old_one_is_gone(reference: str, webhook: Webhook) -> None:
    # Given an address that was read before, and is no more.
    assert post(reference, MESSAGE, soon())
    webhook.order(404, times=9)
    with serving() as moved:
        kept(moved.url, reference.removeprefix("ssm:"))

        # When the next message is posted, it reaches the new one at once, not when the cache has forgotten.
        assert post(reference, MESSAGE, soon())
        assert len(moved.posts) == 1


def test_a_short_retry_after_is_kept(reference: str, webhook: Webhook) -> None:
    webhook.order((429, {"Retry-After": "0.7"}))
    assert post(reference, MESSAGE, soon())
    first, second = webhook.posts
    assert second.at - first.at >= 0.7


@pytest.mark.parametrize("stated", ["3600", "60.5"])
def test_a_long_one_is_left_to_whoever_invokes_us_later(reference: str, webhook: Webhook, stated: str) -> None:
    webhook.order((429, {"Retry-After": stated}))
    began = time.monotonic()
    with pytest.raises(NotDelivered):
        post(reference, MESSAGE, soon(8))
    assert time.monotonic() - began < 1
    assert len(webhook.posts) == 1


@pytest.mark.parametrize("stated", ["Wed, 21 Oct 2026 07:28:00 GMT", "soon", "-1"])
def test_one_that_nobody_can_read_is_a_usual_pause(reference: str, webhook: Webhook, stated: str) -> None:
    webhook.order((429, {"Retry-After": stated}))
    assert post(reference, MESSAGE, soon())


def test_a_webhook_that_says_nothing_costs_no_more_than_the_time_there_is(reference: str, webhook: Webhook) -> None:
    webhook.order("hang", times=9)
    began = time.monotonic()
    with pytest.raises((NotDelivered, DeadlineExceeded)):
        post(reference, MESSAGE, soon(1.5))
    assert time.monotonic() - began < 2.5


def test_one_post_has_a_limit_of_its_own(reference: str, webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "POST_SECONDS", 0.3)
    webhook.order("hang")
    began = time.monotonic()
    assert post(reference, MESSAGE, soon())
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/nobody", "http://[/x", "not an address", "ftp://x.example/y"])
def test_an_address_where_nobody_is_is_trouble_and_not_a_crash(
    inside: Platform, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "_PAUSE", 0.01)
    with pytest.raises(NotDelivered):
        post(kept(address), MESSAGE, soon())


def test_in_prod_an_address_is_https(reference: str, webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGE", "prod")
    settings.cache_clear()
    with pytest.raises(Misconfigured):
        post(reference, MESSAGE, soon())
    assert not webhook.posts


@pytest.mark.parametrize("trouble", [500, 404, "reset", "hang"])
def test_the_address_is_in_no_log_and_no_error(
    reference: str,
    webhook: Webhook,
    log: io.StringIO,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    trouble: int,
) -> None:
    caplog.set_level(logging.DEBUG, logger="urllib3")
    monkeypatch.setattr(webhooks, "POST_SECONDS", 0.3)
    webhook.order(trouble, times=9)
    error: BaseException | None = None
    try:
        post(reference, MESSAGE, soon())
    except NotDelivered as failure:
        error = failure
    chain = []
    while error is not None:
        chain.append(str(error))
        error = error.__cause__ or error.__context__
    for said in (log.getvalue(), caplog.text, *chain):
        assert "canary-address" not in said
