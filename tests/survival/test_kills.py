"""A few runs whose doors are killed; `make survival` has fifty. An agent that writes a post, and its approval, too."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from llm_core.settings import settings
from local.key import USER
from tests.conftest import Platform, _forget, started
from tests.functions.content.conftest import Blog, person
from tests.survival import kills


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform whose doors may be killed; its understudy takes a moment to answer."""
    with started(tmp_path_factory.mktemp("mortal")) as platform:
        platform.http.post(f"{platform.understudy}/_understudy/pace", json={"first_token_s": 0.3})
        yield platform


@pytest.fixture
def supervisor(mortal: Platform) -> int:
    found: int = json.loads((mortal.state / "ready.json").read_text())["pid"]
    return found


def test_a_run_goes_on_when_its_doors_are_killed_and_nothing_is_paid_twice(
    mortal: Platform, supervisor: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = kills.survived(mortal, supervisor, runs=3, seed=7, at_once=3)
    for name, value in mortal.environment.items():
        monkeypatch.setenv(name, value)
    _forget()
    kills.settled(mortal, USER, outcome)
    settings.cache_clear()
    _forget()
    assert outcome.problems == []
    assert outcome.kills == 1
    assert outcome.statuses == {"succeeded": 3}


def test_a_writing_task_goes_on_when_its_doors_are_killed_while_it_writes_and_while_it_is_approved(
    mortal: Platform, supervisor: int
) -> None:
    writer, title = Blog(mortal, person(mortal, mortal.state, "writers")), f"Moss {uuid4().hex[:8]}"
    mortal.perform({"text": json.dumps({"title": title, "content": "It is *warm*.", "tags": []})})
    begun = writer.ask("POST", "/agent/generate", {"type": "blog_generation", "prompt": title}).json()
    name = begun["taskId"]

    until(lambda: any(title in (each.get("body") or "") for each in mortal.asked(10)))
    assert kills.kill(supervisor), "the model is being asked"
    until(lambda: told(writer, "GET", f"/agent/status/{name}").get("status") == "awaiting_approval")

    with ThreadPoolExecutor(1) as pool:
        approval = pool.submit(told, writer, "POST", f"/agent/approve/{name}")
        time.sleep(0.05)  # the moment is the experiment: whatever it meets, the outcome is one
        assert kills.kill(supervisor)
        approval.result()
    until(lambda: told(writer, "POST", f"/agent/approve/{name}").get("status") == "done")
    made = told(writer, "GET", f"/agent/status/{name}")
    found = until(lambda: [post for post in writer.ask("GET", "/blog?limit=100").json() if post["title"] == title])
    assert [post["postId"] for post in found] == [made["postId"]]


def told(writer: Blog, method: str, path: str) -> dict[str, Any]:
    """The answer; {} while nobody is there who can give one."""
    try:
        answer = writer.ask(method, path)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
    except httpx2.HTTPError:
        return {}
    return found


def until[T](look: Callable[[], T]) -> T:
    deadline = time.monotonic() + kills.PATIENCE_S
    while not (found := look()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found
