"""What may be given again, to whom, for how long; and a cache in trouble, which nobody notices."""

from __future__ import annotations

import io
import random
import socket
import time
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from llm_core import cache
from llm_core.aws import clients
from llm_core.aws.stage_catalog import catalog
from llm_core.cache import Place
from llm_core.callers import Caller
from llm_core.catalog import PACKAGE, Catalog
from llm_core.messages import (
    Image,
    Instructions,
    Message,
    Opaque,
    Original,
    Reply,
    Request,
    Text,
    Tool,
    ToolCall,
    Usage,
)
from llm_core.settings import settings
from tests.conftest import Platform

ADA = Caller("sk-proj-adaadaadaada", "ada", frozenset({"ai:complete"}))
HELLO = (Message("user", (Text("Hello"),)),)
REQUEST = Request("claude-haiku-4-5", HELLO, temperature=0.0)
USAGE = Usage(input=10, output=5, cache_read=3, fees={"web_search": 1})
REPLY = Reply(
    "msg_1",
    "claude-haiku-4-5",
    (Text("Grüße 🐿"), ToolCall("call_1", "get_weather", '{"city": "Lisbon"}')),
    "tool_calls",
    USAGE,
    "anthropic",
    {"id": "msg_1", "content": [{"type": "thinking", "signature": "abc=="}], "usage": {"input_tokens": 10}},
    {"inference_geo": "us"},
)


@pytest.fixture(autouse=True)
def _awake(inside: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_resting_until", 0.0)


def place(request: Request = REQUEST, caller: Caller = ADA, wish: Any = "", model: str = "claude-haiku-4-5") -> Place:
    found = cache.place(request, catalog().model(model), caller, wish)
    assert found is not None
    return found


def fresh() -> Place:
    """A place where nothing lies."""
    return place(replace(REQUEST, end_user=str(uuid4())))


def may(request: Request, wish: Any = "") -> bool:
    return cache.place(request, catalog().model("claude-haiku-4-5"), ADA, wish) is not None


# ------------------------------------------------------------------------------------------- kept and found


def test_an_answer_comes_back_as_it_was() -> None:
    there = fresh()
    assert there.find() is None
    there.keep(REPLY)
    assert there.find() == REPLY


def test_who_wants_a_fresh_one_is_not_given_the_old_but_leaves_the_new(monkeypatch: pytest.MonkeyPatch) -> None:
    there = fresh()
    there.keep(REPLY)
    anew = replace(there, fresh=True)
    assert anew.find() is None
    anew.keep(replace(REPLY, id="msg_2"))
    assert there.find() == replace(REPLY, id="msg_2")


@pytest.mark.parametrize("finish", ["length", "refusal"])
def test_an_answer_that_was_cut_or_refused_is_not_kept(finish: Any) -> None:
    there = fresh()
    there.keep(replace(REPLY, finish=finish))
    assert there.find() is None


def test_an_answer_is_kept_for_a_day_even_if_dynamodb_is_late_to_delete_it(monkeypatch: pytest.MonkeyPatch) -> None:
    there = fresh()
    there.keep(REPLY)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + cache.KEPT_SECONDS - 5)
    assert there.find() == REPLY
    monkeypatch.setattr(time, "time", lambda: now + cache.KEPT_SECONDS + 5)
    assert there.find() is None


def test_a_large_answer_is_kept_as_long_as_it_packs_well() -> None:
    there, words = fresh(), "The squirrel builds a nest. " * 40_000
    there.keep(replace(REPLY, parts=(Text(words),)))
    assert there.find() == replace(REPLY, parts=(Text(words),))

    there, noise = fresh(), random.Random(7).randbytes(300_000).hex()
    there.keep(replace(REPLY, parts=(Text(noise),)))
    assert there.find() is None


# ------------------------------------------------------------------------------------------- what may


@pytest.mark.parametrize(
    ("temperature", "wish", "allowed"),
    [
        (0.0, "", True),
        (0, "", True),
        (None, "", False),
        (0.1, "", False),
        (None, "use", True),
        (0.7, "use", True),
        (0.7, "refresh", True),
        (0.0, "no-store", False),
        (0.0, "refresh", True),
    ],
)
def test_only_what_is_sure_to_be_the_same_or_what_the_caller_asks_for(
    temperature: float | None, wish: str, allowed: bool
) -> None:
    assert may(replace(REQUEST, temperature=temperature), wish) is allowed


UNSEEN: list[dict[str, Any]] = [
    {"fee_uses": {"web_search": 3}},
    {"answers": 2},
    {"messages": (Message("user", (Image(url="https://example.org/now.png"),)),)},
    {"messages": (Message("user", (Opaque("file", unseen=True),)),)},
]


@pytest.mark.parametrize("fields", UNSEEN, ids=str)
@pytest.mark.parametrize("wish", ["", "use"])
def test_an_answer_that_depends_on_more_than_the_request_is_never_kept(fields: dict[str, Any], wish: str) -> None:
    assert not may(replace(REQUEST, **fields), wish)


def test_a_picture_in_the_request_itself_is_seen() -> None:
    assert may(replace(REQUEST, messages=(Message("user", (Image("image/png", "AAAA"),)),)))


# ------------------------------------------------------------------------------------------- one place each

BODY = {"messages": [{"role": "user", "content": "Hello"}], "temperature": 0}
OTHERS: list[dict[str, Any]] = [
    {"messages": (Message("user", (Text("Hello!"),)),)},
    {"messages": (Message("assistant", (Text("Hello"),)),)},
    {"system": "Be brief."},
    {"system": Instructions("classify", 1, (("task", "x"),))},
    {"system": Instructions("classify", 2, (("task", "x"),))},
    {"tools": (Tool("get_weather", "", {"type": "object"}),)},
    {"max_tokens": 5},
    {"temperature": None},
    {"top_p": 0.5},
    {"top_k": 3},
    {"stop": ("END",)},
    {"end_user": "u-1"},
    {"terms": {"service_tier": "priority"}},
    {"original": Original("openai", BODY)},
    {"original": Original("anthropic", BODY)},
    {"original": Original("openai", {**BODY, "seed": 7})},
]


def test_whatever_is_asked_otherwise_lies_elsewhere() -> None:
    places = {place(replace(REQUEST, **other), wish="use").id for other in OTHERS} | {place().id}
    assert len(places) == len(OTHERS) + 1


def test_another_caller_another_model_another_catalog_and_another_payer_have_places_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ids = [place().id, place(caller=replace(ADA, key_id="sk-proj-bobbobbobbob")).id, place(model="gpt-4.1").id]
    changed = Catalog(PACKAGE.read_bytes(), b'{"aliases": {"mine": "gpt-4.1"}}')
    monkeypatch.setattr(cache, "catalog", lambda: changed)
    ids.append(place().id)
    by_own_key = cache.place(REQUEST, catalog().model("claude-haiku-4-5"), ADA, payer="kept")
    assert by_own_key is not None
    assert len({*ids, by_own_key.id}) == 5


def test_a_name_and_what_it_stands_for_have_one_place_and_so_have_fields_in_another_order() -> None:
    assert place(replace(REQUEST, model="fast", models=("fast",))).id == place().id
    one = replace(REQUEST, original=Original("openai", BODY))
    two = replace(REQUEST, original=Original("openai", dict(reversed(BODY.items()))))
    assert place(one).id == place(two).id


def test_an_answer_lies_in_one_place_however_it_is_sent() -> None:
    assert place(replace(REQUEST, stream=True, include_usage=False)).id == place().id


def test_nothing_of_the_request_can_be_read_off_a_place() -> None:
    assert "Hello" not in place().id
    assert place().id.startswith(f"answer#{ADA.key_id}#")


# ------------------------------------------------------------------------------------------- trouble


def test_what_can_no_longer_be_read_counts_as_not_there(log: io.StringIO) -> None:
    for body in (b"no zlib", zlib.compress(b"no json"), zlib.compress(b'{"id": "of another shape"}')):
        there = fresh()
        item: Any = {"id": {"S": there.id}, "body": {"B": body}, "ttl": {"N": str(2**33)}}
        clients.dynamodb().put_item(TableName=settings().reuse_table_name, Item=item)
        assert there.find() is None
        there.keep(REPLY)
        assert there.find() == REPLY, "and is written over"
    assert log.getvalue().count("cached answer not legible") == 3


def test_half_a_character_is_no_trouble_for_the_caller(log: io.StringIO) -> None:
    there = fresh()
    there.keep(replace(REPLY, parts=(Text("\ud83d"),)))
    assert there.find() is None
    assert "not fit for the cache" in log.getvalue()


@pytest.mark.parametrize("name", ["no-such-table", ""])
def test_without_its_table_the_cache_is_empty_and_says_so_once(
    monkeypatch: pytest.MonkeyPatch, log: io.StringIO, name: str
) -> None:
    there = fresh()
    monkeypatch.setenv("REUSE_TABLE_NAME", name)
    settings.cache_clear()
    there.keep(REPLY)
    assert there.find() is None
    assert log.getvalue().count('"event": "cache_trouble"') == 1


@pytest.fixture
def silent_table(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """DynamoDB accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.getsockname()[1]}")
        clients._clients.clear()
        yield
    clients._clients.clear()


def test_a_table_that_does_not_answer_delays_one_request_a_little_and_the_next_ones_not_at_all(
    silent_table: None,
) -> None:
    there = place()
    clients.hurried_dynamodb()
    begun = time.perf_counter()
    assert there.find() is None
    first = time.perf_counter() - begun
    for _ in range(100):
        assert there.find() is None
        there.keep(REPLY)
    assert first < 3
    assert time.perf_counter() - begun - first < 0.1


def test_after_a_rest_it_is_tried_again(silent_table: None, inside: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    there = fresh()
    there.keep(REPLY)
    monkeypatch.setenv("AWS_ENDPOINT_URL", inside.environment["AWS_ENDPOINT_URL"])
    clients._clients.clear()
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + cache.REST_SECONDS + 1)
    there.keep(REPLY)
    assert there.find() == REPLY
