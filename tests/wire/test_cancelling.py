"""DELETE /v1/generations/{id}: a stream ends wherever it runs, for the key that called and those above it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from llm_core import callers, generations, ledger
from llm_core.accounts.window import Window, label
from llm_core.deadline import Deadline
from tests.conftest import Platform, fresh
from tests.functions.accounts.holder import Holder, someone

HELLO: list[Any] = [{"role": "user", "content": "Tell me about squirrels and where they sleep."}]


@pytest.fixture
def ada(inside: Platform, understudy: Platform) -> Holder:
    """Its models fall silent for ever after their first words: only a cancel ends their streams soon."""
    return someone(understudy, limits={"month": 10})


@pytest.fixture
def silent(understudy: Platform) -> str:
    model = fresh("alone")
    understudy.order({"kind": "stall", "after_events": 5}, model=model)
    return model


@contextmanager
def begun(holder: Holder, model: str, path: str = "/v1/stream", **body: Any) -> Iterator[tuple[str, httpx2.Response]]:
    """A stream whose first words are here: the call's id and the open answer."""
    asked = {"model": model, "messages": HELLO, "stream": True, "max_tokens": 60} | body
    if path == "/v1/stream":
        asked = {"model": model, "messages": HELLO, "maxTokens": 60}
    if path == "/v1/responses":
        asked = {"model": model, "input": "Tell me about squirrels.", "stream": True}
    headers = {"authorization": f"Bearer {holder.api_key}"}
    with httpx2.stream("POST", f"{holder.platform.url}{path}", json=asked, headers=headers, timeout=30) as answer:
        assert answer.status_code == 200, answer.read()
        yield answer.headers["x-drey-generation-id"], answer


def held(holder: Holder) -> int:
    item = Window(f"key:{holder.key_id}", label("month", time.time())).read()
    assert item is not None
    assert item["limit"] == item["remaining"] + item["held"] + item["spent"]
    held: int = item["held"]
    return held


PATHS = ["/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/stream"]


@pytest.mark.parametrize("path", PATHS)
def test_a_stream_ends_in_the_callers_dialect_soon_after_it_is_cancelled(ada: Holder, silent: str, path: str) -> None:
    with begun(ada, silent, path) as (call_id, answer):
        assert ada.told("DELETE", f"/v1/generations/{call_id}", status=202)["status"] == "cancelling"
        asked = time.monotonic()
        told = [line for line in answer.iter_lines() if line]
    assert time.monotonic() - asked < 10, "its model would have been given up after 15 s"
    assert "cancelled" in told[-1]
    assert not {"data: [DONE]", "event: message_stop", "event: response.completed"} & set(told)


def test_what_was_held_is_charged_and_nothing_is_held_any_more(ada: Holder, silent: str) -> None:
    with begun(ada, silent) as (call_id, answer):
        holding = held(ada)
        ada.told("DELETE", f"/v1/generations/{call_id}", status=202)
        answer.read()
    row = ledger.find(ada.user, call_id)
    assert (row["outcome"], row["estimated"]) == ("cancelled", True)
    assert (held(ada), row["charged"]) == (0, holding)
    (sold,) = [call for call in ada.platform.sold() if call["model"] == silent]
    assert (sold["open"], sold["ended"]) == (False, False), "the provider was told at once"
    told = ada.told("GET", f"/v1/generations/{call_id}")
    assert (told["status"], told["outcome"]) == ("ended", "cancelled")


def test_both_clients_raise_when_their_stream_is_cancelled(ada: Holder, silent: str) -> None:
    gpt = openai.OpenAI(base_url=f"{ada.platform.url}/v1", api_key=ada.api_key, max_retries=2)
    stream = gpt.chat.completions.create(model=silent, messages=HELLO, stream=True, max_tokens=60)
    first = next(iter(stream))
    ada.told("DELETE", f"/v1/generations/{first.id}", status=202)
    with pytest.raises(openai.APIError, match="cancelled"):
        list(stream)
    claude = anthropic.Anthropic(base_url=ada.platform.url, api_key=ada.api_key, max_retries=2)
    with claude.messages.stream(model=silent, messages=HELLO, max_tokens=60) as told:
        next(iter(told))
        ada.told("DELETE", f"/v1/generations/{told.current_message_snapshot.id}", status=202)
        with pytest.raises(anthropic.APIStatusError, match="cancelled"):
            told.get_final_message()
    assert len([call for call in ada.platform.sold() if call["model"] == silent]) == 2, "nobody asked again"


def test_it_may_be_said_on_another_replica(ada: Holder, silent: str) -> None:
    """This process is one: it shares nothing but the tables with the one that streams."""
    with begun(ada, silent) as (call_id, answer):
        told = generations.cancel(callers.identify(ada.api_key), call_id, Deadline.after(10))
        assert told == "cancelling"
        assert "cancelled" in answer.read().decode()


def test_the_id_of_a_response_and_that_of_its_call_are_one(ada: Holder, silent: str) -> None:
    with begun(ada, silent, "/v1/responses") as (call_id, answer):
        shown = call_id.replace("gen-", "resp_")
        assert ada.told("GET", f"/v1/generations/{shown}")["id"] == call_id
        assert ada.told("DELETE", f"/v1/generations/{shown}", status=202)
        answer.read()


def test_a_call_tells_that_it_runs_and_that_it_is_being_cancelled(ada: Holder, silent: str) -> None:
    with begun(ada, silent) as (call_id, answer):
        told = ada.told("GET", f"/v1/generations/{call_id}")
        assert told.pop("created").startswith("20")
        assert told == {
            "id": call_id,
            "status": "running",
            "key_id": ada.key_id,
            "operation": "chat",
            "provider": "anthropic",
            "model": silent,
            "held": held(ada) / 10**9,
        }
        ada.told("DELETE", f"/v1/generations/{call_id}", status=202)
        assert ada.told("GET", f"/v1/generations/{call_id}")["status"] in ("cancelling", "ended")
        answer.read()


def test_the_key_above_may_and_nobody_else(ada: Holder, silent: str) -> None:
    """The same user's other key, a stranger and the key below are told what an unknown id is told."""
    child = ada.make()
    sibling, stranger, grandchild = someone(ada.platform, user=ada.user), someone(ada.platform), child.make()
    with begun(child, silent) as (call_id, answer):
        unknown = f"gen-{'0' * 27}"
        for other in (sibling, stranger, grandchild):
            words = other.refused("DELETE", f"/v1/generations/{call_id}", status=404)
            assert words == other.refused("DELETE", f"/v1/generations/{unknown}", status=404).replace(unknown, call_id)
            other.refused("GET", f"/v1/generations/{call_id}", status=404)
        assert ada.told("GET", f"/v1/generations/{call_id}")["status"] == "running"
        assert ada.told("GET", f"/v1/generations/{call_id}")["key_id"] == child.key_id
        assert ada.told("DELETE", f"/v1/generations/{call_id}", status=202)
        assert "cancelled" in answer.read().decode()
    assert ada.told("DELETE", f"/v1/generations/{call_id}")["status"] == "ended"
    for other in (sibling, stranger, grandchild):
        other.refused("DELETE", f"/v1/generations/{call_id}", status=404)


def test_what_is_over_is_over_and_saying_it_twice_is_no_error(ada: Holder, silent: str) -> None:
    ended = json.loads(ada.hello().content)["id"]
    assert ada.told("DELETE", f"/v1/generations/{ended}") == {"id": ended, "status": "ended"}
    assert ada.told("GET", f"/v1/generations/{ended}")["outcome"] == "ok", "and stays as it was"
    with begun(ada, silent) as (call_id, answer):
        for _ in range(2):
            ada.told("DELETE", f"/v1/generations/{call_id}", status=202)
        answer.read()


def test_a_buffered_stream_that_is_cancelled_is_refused_and_not_asked_again(ada: Holder, silent: str) -> None:
    """Who wants all of it at once sees no header before; the call's id stands in its hold."""
    gpt = openai.OpenAI(base_url=f"{ada.platform.url}/v1", api_key=ada.api_key, max_retries=2)
    buffered = {"x-drey-stream-mode": "buffered"}
    with ThreadPoolExecutor() as pool:
        asking = pool.submit(
            gpt.chat.completions.create,
            model=silent,
            messages=HELLO,
            stream=True,
            max_tokens=60,
            extra_headers=buffered,
        )
        month = Window(f"key:{ada.key_id}", label("month", time.time()))
        while not (holds := (month.read() or {"holds": {}})["holds"]):
            time.sleep(0.05)
        (call_id,) = holds
        ada.told("DELETE", f"/v1/generations/{call_id}", status=202)
        with pytest.raises(openai.APIStatusError, match="cancelled") as told:
            asking.result()
    assert told.value.status_code == 499
