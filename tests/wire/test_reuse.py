"""Answers given again, as the official SDKs see them: when, to whom, at what cost."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from llm_core import keys, ledger
from llm_core.accounts import limits
from llm_core.aws import clients
from llm_core.deadline import Deadline
from tests.conftest import Platform, fresh

Post = Callable[..., httpx2.Response]
HELLO = [{"role": "user", "content": "What is a squirrel's nest called?"}]
SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 1}


@pytest.fixture
def key(inside: Platform) -> str:
    """A key of the test's own, for which nothing is kept yet."""
    terms = keys.Terms({"ai:complete", "ai:embed"})
    return keys.create("reuse", user_id="reuse", terms=terms).api_key


@pytest.fixture
def post(understudy: Platform, key: str) -> Post:
    def send(path: str, *, own: str = key, headers: dict[str, str] | None = None, **body: Any) -> httpx2.Response:
        answer = understudy.http.post(
            f"{understudy.url}{path}", json=body, headers={"authorization": f"Bearer {own}", **(headers or {})}
        )
        assert answer.status_code < 500, answer.text
        return answer

    return send


def told(answer: httpx2.Response) -> str:
    return answer.headers["x-drey-cache"]


# ------------------------------------------------------------------------------------------- both SDKs


def test_openais_client_is_given_the_same_answer_for_nothing(understudy: Platform, key: str) -> None:
    client = openai.OpenAI(base_url=f"{understudy.url}/v1", api_key=key, max_retries=0)
    model, sold = fresh("alone"), len(understudy.sold())
    asked: dict[str, Any] = {"model": model, "messages": HELLO, "temperature": 0}
    first, second = (client.chat.completions.with_raw_response.create(**asked) for _ in range(2))

    assert [raw.headers["x-drey-cache"] for raw in (first, second)] == ["MISS", "HIT"]
    assert len(understudy.sold()) == sold + 1
    assert second.headers["x-drey-cost-usd"] == "0"
    assert second.headers["x-drey-attempts"] == "0"
    one, two = first.parse(), second.parse()
    assert one.choices == two.choices
    assert (one.model, one.system_fingerprint) == (two.model, two.system_fingerprint)
    assert one.usage is not None
    assert two.usage is not None
    assert one.usage.total_tokens == two.usage.total_tokens
    assert one.usage.model_dump()["cost"] > 0 == two.usage.model_dump()["cost"]
    assert one.id != two.id, "each call has a usage row of its own"


def test_anthropics_client_is_given_the_same_blocks(understudy: Platform, key: str) -> None:
    client = anthropic.Anthropic(base_url=understudy.url, api_key=key, max_retries=0)
    understudy.perform({"text": "A drey.", "thinking": "It begins with a d."})
    asked: dict[str, Any] = {"model": fresh("alone"), "messages": HELLO, "max_tokens": 100}
    asked["extra_body"] = {"temperature": 0}
    first, second = (client.messages.with_raw_response.create(**asked) for _ in range(2))
    assert [raw.headers["x-drey-cache"] for raw in (first, second)] == ["MISS", "HIT"]
    one, two = first.parse(), second.parse()
    assert [block.type for block in one.content] == ["thinking", "text"]
    assert one.content == two.content, "signatures too"
    assert (one.stop_reason, one.usage.output_tokens) == (two.stop_reason, two.usage.output_tokens)
    assert two.usage.model_dump()["cost"] == 0


# ------------------------------------------------------------------------------------------- when


def test_an_answer_that_may_vary_is_bought_each_time_unless_the_caller_asks(post: Post, understudy: Platform) -> None:
    body: dict[str, Any] = {"model": fresh("alone"), "messages": HELLO}
    assert [told(post("/v1/complete", **body)) for _ in range(2)] == ["BYPASS", "BYPASS"]
    use = {"x-drey-cache": "use"}
    assert [told(post("/v1/complete", headers=use, **body)) for _ in range(2)] == ["MISS", "HIT"]
    assert told(post("/v1/complete", **body)) == "BYPASS"


def test_who_wants_it_anew_gets_it_anew_and_leaves_it_for_the_next(post: Post, understudy: Platform) -> None:
    body: dict[str, Any] = {"model": fresh("alone"), "messages": HELLO, "temperature": 0}
    understudy.perform({"text": "old"})
    post("/v1/complete", **body)
    understudy.free()
    understudy.perform({"text": "new"})
    anew = post("/v1/complete", headers={"x-drey-cache": "refresh"}, **body)
    assert (told(anew), anew.json()["content"]) == ("MISS", "new")
    again = post("/v1/complete", **body)
    assert (told(again), again.json()["content"]) == ("HIT", "new")


def test_who_wants_nothing_kept_leaves_nothing_and_is_given_nothing_old(post: Post, understudy: Platform) -> None:
    body: dict[str, Any] = {"model": fresh("alone"), "messages": HELLO, "temperature": 0}
    no = {"x-drey-cache": "No-Store"}
    assert told(post("/v1/complete", headers=no, **body)) == "BYPASS"
    assert told(post("/v1/complete", **body)) == "MISS"
    assert told(post("/v1/complete", headers=no, **body)) == "BYPASS"


def test_a_wish_that_is_none_is_refused(post: Post) -> None:
    answer = post("/v1/complete", headers={"x-drey-cache": "no-strore"}, model="fast", messages=HELLO)
    assert answer.status_code == 400
    assert "x-drey-cache" in answer.json()["error"]


NEVER: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("cut", {"answer": {"text": "The squirrel builds", "stop_reason": "max_tokens"}}, {}),
    ("refused", {"fault": {"kind": "refusal"}}, {}),
    ("searched", {"answer": {"text": "A drey."}}, {"tools": [SEARCH]}),
]


@pytest.mark.parametrize(("case", "order", "fields"), NEVER, ids=[case for case, _, _ in NEVER])
def test_some_answers_are_never_given_again(
    post: Post, understudy: Platform, case: str, order: dict[str, Any], fields: dict[str, Any]
) -> None:
    model = "claude-haiku-4-5" if fields else fresh("alone")
    if "fault" in order:
        understudy.order(order["fault"], model=model)
    else:
        understudy.perform(order["answer"], model=model)
    body = {"model": model, "messages": HELLO, "max_tokens": 100, "temperature": 0, **fields}
    answers = [post("/v1/messages", **body) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert "HIT" not in [told(answer) for answer in answers]


def test_an_answer_of_a_fallback_is_never_given_again(post: Post, understudy: Platform) -> None:
    """Given Anthropic is down, when Bedrock answers, then the next one asks Anthropic again."""
    body: dict[str, Any] = {"model": fresh("claude"), "messages": HELLO}
    use = {"x-drey-cache": "use"}
    understudy.order({"kind": "status", "code": 529, "retry_after": 30}, provider="anthropic", model=body["model"])
    first = post("/v1/complete", headers=use, **body)
    assert first.status_code == 200, first.text
    assert (told(first), first.headers["x-drey-fallback"]) == ("MISS", "true")
    understudy.free()
    second = post("/v1/complete", headers=use, **body)
    assert (told(second), second.headers["x-drey-provider"]) == ("MISS", "anthropic")


def test_vectors_are_always_computed(post: Post, understudy: Platform) -> None:
    use = {"x-drey-cache": "use"}
    answers = [post("/v1/embed", headers=use, input="a nest") for _ in range(2)]
    assert [told(answer) for answer in answers] == ["BYPASS", "BYPASS"]


# ------------------------------------------------------------------------------------------- to whom, at what cost


def test_nobody_is_given_what_another_key_paid_for(post: Post, understudy: Platform) -> None:
    terms = keys.Terms({"ai:complete"})
    other = keys.create("of the same user", user_id="reuse", terms=terms).api_key
    body: dict[str, Any] = {"model": fresh("alone"), "messages": HELLO, "temperature": 0}
    assert told(post("/v1/complete", **body)) == "MISS"
    assert told(post("/v1/complete", own=other, **body)) == "MISS"
    assert told(post("/v1/complete", **body)) == "HIT"


def test_a_hit_is_booked_as_what_it_is(post: Post, inside: Platform) -> None:
    body: dict[str, Any] = {"model": fresh("alone"), "messages": HELLO, "temperature": 0}
    tags = {"x-drey-metadata": '{"team": "search"}'}
    post("/v1/complete", **body)
    answer = post("/v1/complete", headers=tags, **body).json()
    assert (answer["provider"], answer["usage"]["estimatedCost"]) == ("anthropic", 0)
    row = ledger.find("reuse", answer["id"])
    assert (row["provider"], row["model"], row["cached"], row["outcome"]) == ("cache", body["model"], True, "ok")
    assert (row["cost"], row["charged"], set(row["tokens"].values())) == (0, 0, {0})
    assert row["metadata"] == {"team": "search"}


def test_a_hit_costs_nothing_so_any_ceiling_allows_it(post: Post, understudy: Platform) -> None:
    body: dict[str, Any] = {"model": fresh("alone"), "messages": HELLO, "temperature": 0}
    post("/v1/complete", **body)
    nothing = {"x-drey-max-cost-usd": "0"}
    assert told(post("/v1/complete", headers=nothing, **body)) == "HIT"
    assert post("/v1/complete", headers=nothing, **{**body, "temperature": 1}).status_code == 402


def test_a_hit_counts_as_a_request_of_its_minute(post: Post, understudy: Platform) -> None:
    if (left := 60 - time.time() % 60) < 10:
        time.sleep(left)  # all three in one minute
    terms = keys.Terms({"ai:complete"}, requests_per_minute=2)
    slow = keys.create("two a minute", user_id="reuse", terms=terms).api_key
    body: dict[str, Any] = {"model": fresh("alone"), "messages": HELLO, "temperature": 0}
    answers = [post("/v1/complete", own=slow, **body) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [told(answer) for answer in answers[:2]] == ["MISS", "HIT"]
    assert [answer.headers["x-ratelimit-remaining-requests"] for answer in answers[:2]] == ["1", "0"]
    assert answers[2].headers["retry-after"]


def test_a_hit_takes_nothing_from_a_budget_so_none_need_be_left(post: Post, key: str) -> None:
    body: dict[str, Any] = {"model": fresh("alone"), "messages": HELLO, "temperature": 0}
    post("/v1/complete", **body)
    limits.change(f"key:{key[:20]}", {"month": 0}, lambda *_: [], Deadline.after(10))
    assert post("/v1/complete", **{**body, "temperature": 1}).status_code == 402
    assert told(post("/v1/complete", **body)) == "HIT"


def test_a_hit_is_in_the_log_with_its_own_name(post: Post, understudy: Platform) -> None:
    body: dict[str, Any] = {"model": fresh("alone"), "messages": HELLO, "temperature": 0}
    post("/v1/complete", **body)
    answer = post("/v1/complete", **body).json()
    lines = [json.loads(line) for line in understudy.logs.read_text().splitlines() if answer["id"] in line]
    (line,) = [line for line in lines if line.get("event") == "llm_call"]
    assert (line["gen_ai.provider.name"], line["cached"], line["cost_usd"]) == ("cache", True, "0")


# ------------------------------------------------------------------------------------------- traffic


def test_a_quarter_of_repeats_is_a_quarter_less_to_buy(post: Post, understudy: Platform) -> None:
    """An afternoon of a support desk, as three clients sent it: forty questions, ten of them asked before."""
    traffic = json.loads(Path(__file__).with_name("traffic.json").read_text())
    seen = [json.dumps(each, sort_keys=True) for each in traffic]
    repeats = len(seen) - len(set(seen))
    assert repeats == len(traffic) / 4

    before = len(understudy.sold())
    answers = [post(each["path"], **each["body"]) for each in traffic]
    assert len(understudy.sold()) - before == len(traffic) * 3 / 4
    assert [told(answer) for answer in answers].count("HIT") == repeats
    for line, answer in zip(seen, answers, strict=True):
        assert _said(answer) == _said(answers[seen.index(line)])


def _said(answer: httpx2.Response) -> Any:
    body = answer.json()
    return body.get("content") or body["choices"][0]["message"]["content"]


def test_what_is_kept_has_an_end(post: Post, inside: Platform, key: str) -> None:
    post("/v1/complete", model=fresh("alone"), messages=HELLO, temperature=0)
    items = clients.dynamodb().scan(TableName=inside.environment["REUSE_TABLE_NAME"])["Items"]
    (item,) = [item for item in items if key[:20] in item["id"]["S"]]
    assert set(item) == {"id", "body", "ttl"}
    assert key[20:] not in str(item)
