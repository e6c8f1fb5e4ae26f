"""Agents write, a person decides: over HTTP, by the state machine, with the understudy as the model."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from agents.kinds import kinds
from content import schedule, store, task, writing
from content.store import Change
from llm_core.aws import machine
from llm_core.deadline import Deadline
from llm_core.errors import InvalidRequest
from llm_core.people import Person
from llm_core.post_shapes import Generate
from llm_core.runs import approval
from llm_core.runs.run import Run
from tests.conftest import Platform
from tests.functions.content.conftest import Blog

PATIENCE_S = 60


def until[T](look: Callable[[], T], true: Callable[[T], bool]) -> T:
    deadline = time.monotonic() + PATIENCE_S
    while not true(found := look()):
        assert time.monotonic() < deadline, f"it stays {found}"
        time.sleep(0.1)
    return found


@pytest.fixture
def agent(writer: Blog, understudy: Platform) -> Any:
    """Says how the next posts of the agents will be."""

    def will(**post: Any) -> dict[str, Any]:
        told = {"title": f"Moss {uuid4().hex[:8]}", "content": "It is *warm*.", "tags": ["moss"]} | post
        understudy.perform({"text": json.dumps(told)})
        return told

    return will


def asked(writer: Blog, **body: Any) -> dict[str, Any]:
    answer = writer.ask("POST", "/agent/generate", {"type": "blog_generation", "prompt": "Moss"} | body)
    assert answer.status_code == 202, answer.text
    told: dict[str, Any] = answer.json()
    assert told["status"] == "queued"
    return told


def status(writer: Blog, begun: dict[str, Any]) -> dict[str, Any]:
    answer = writer.ask("GET", f"/agent/status/{begun['taskId']}")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def waits(writer: Blog, begun: dict[str, Any]) -> dict[str, Any]:
    return until(lambda: status(writer, begun), lambda told: told["status"] not in ("queued", "running"))


# ------------------------------------------------------------------------------------------------ what agents write
def test_an_agent_writes_a_person_approves_and_everybody_reads(writer: Blog, reader: Blog, agent: Any) -> None:
    written = agent(content="Warm, <script>alert(1)</script>.")
    begun = asked(writer, tags=["nests"])
    told = waits(writer, begun)
    assert told["status"] == "awaiting_approval"
    assert told["output"]["title"] == written["title"]
    assert "<script>" not in told["output"]["html"]
    assert "postId" not in told, "nothing is published yet"
    assert float(told["cost"]) > 0

    done = writer.ask("POST", f"/agent/approve/{begun['taskId']}").json()
    assert done["status"] == "done"
    post = reader.ask("GET", f"/blog/{done['postId']}").json()
    assert (post["title"], post["tags"], post["status"]) == (written["title"], ["nests"], "published")
    assert "<script>" not in post["html"]
    again = writer.ask("POST", f"/agent/approve/{begun['taskId']}").json()
    assert (again["status"], again["postId"]) == ("done", done["postId"])
    assert writer.ask("POST", f"/agent/reject/{begun['taskId']}", {"reason": "late"}).status_code == 400


def test_a_rejected_text_is_never_seen_and_its_reason_is_kept(writer: Blog, reader: Blog, agent: Any) -> None:
    written = agent()
    begun = asked(writer)
    waits(writer, begun)
    assert writer.ask("POST", f"/agent/reject/{begun['taskId']}", {}).status_code == 400, "a reason is asked for"
    told = writer.ask("POST", f"/agent/reject/{begun['taskId']}", {"reason": "Too warm."}).json()
    assert (told["status"], told["reason"]) == ("rejected", "Too warm.")
    told = status(writer, begun)
    assert (told["status"], told["reason"]) == ("rejected", "Too warm.")
    assert writer.ask("POST", f"/agent/approve/{begun['taskId']}").status_code == 400
    assert written["title"] not in [post["title"] for post in reader.ask("GET", "/blog?limit=100").json()]


@pytest.mark.parametrize("word", ["approve", "reject"])
def test_of_two_who_say_the_same_at_once_neither_is_refused_and_the_first_is_kept(
    writer: Blog, agent: Any, inside: Platform, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    agent()
    task_id = asked(writer)["taskId"]
    waits(writer, {"taskId": task_id})
    real = approval.decide

    def overtaken(*args: Any, **more: Any) -> Run:
        first = writer.ask("POST", f"/agent/{word}/{task_id}", {"reason": "the first"})
        assert first.status_code == 200
        return real(*args, **more)

    monkeypatch.setattr(approval, "decide", overtaken)
    soon = Deadline.after(20)
    second = writing.approve(task_id, soon) if word == "approve" else writing.reject(task_id, "the second", soon)
    assert (second.status, second.reason) == (("done", "") if word == "approve" else ("rejected", "the first"))


def test_a_rejections_reason_is_kept_though_somebody_looks_before_it_is_written(
    writer: Blog, agent: Any, inside: Platform
) -> None:
    agent()
    begun = asked(writer)
    waits(writer, begun)
    approval.decide(begun["runId"], "rejected", Deadline.after(20), note="Too warm.")  # and dies
    assert status(writer, begun)["reason"] == "Too warm."


def test_a_revision_keeps_what_was_before(writer: Blog, reader: Blog, agent: Any, understudy: Platform) -> None:
    post = writer.write(title="A nest", content="A nest is very very warm.", status="published")
    written = agent(title="A nest", content="A nest is warm.")
    begun = asked(writer, type="blog_revision", postId=post["postId"], prompt="shorter")
    waits(writer, begun)
    assert "very very warm" in json.dumps(understudy.asked())
    done = writer.ask("POST", f"/agent/approve/{begun['taskId']}").json()
    assert (done["status"], done["postId"]) == ("done", post["postId"])
    assert reader.ask("GET", f"/blog/{post['slug']}").json()["content"] == written["content"]
    before = writer.ask("GET", f"/agent/posts/{post['postId']}?version={post['version']}").json()
    assert before["content"] == "A nest is very very warm."


def test_a_revision_of_a_post_that_was_changed_meanwhile_is_not_published(writer: Blog, agent: Any) -> None:
    post = writer.write(content="old")
    agent(content="revised")
    begun = asked(writer, type="blog_revision", postId=post["postId"])
    waits(writer, begun)
    writer.ask("PUT", f"/blog/{post['postId']}", {"content": "by hand"})
    refused = writer.ask("POST", f"/agent/approve/{begun['taskId']}")
    assert (refused.status_code, refused.json()["code"]) == (412, "outdated")
    assert writer.ask("GET", f"/agent/posts/{post['postId']}").json()["content"] == "by hand"
    assert writer.ask("POST", f"/agent/reject/{begun['taskId']}", {"reason": "outdated"}).json()["status"] == "rejected"


def test_an_answer_that_is_no_post_fails_and_says_so(writer: Blog, understudy: Platform) -> None:
    understudy.perform({"text": "I would rather not."})
    told = waits(writer, asked(writer))
    assert (told["status"], told["reason"]) == ("failed", "malformed_answer")


@pytest.mark.parametrize("name", writing._TERMS)
def test_a_task_has_the_terms_of_its_kind(name: str) -> None:
    kind, terms = kinds()[name], writing._TERMS[name]
    assert (terms.role, terms.turns, terms.seconds) == (kind.role, kind.turns, kind.seconds)
    assert terms.publishes is kind.publishes is True
    assert terms.tools == kind.tools == ()


BAD: list[dict[str, Any]] = [
    {},
    {"type": "blog_generation"},
    {"type": "research", "prompt": "x"},
    {"type": "blog_revision"},
    {"type": "blog_generation", "prompt": "x" * 10_001},
    {"type": "blog_generation", "prompt": "x", "tags": ["a/b"]},
    {"type": "blog_generation", "prompt": "x", "model": "opus"},
]


@pytest.mark.parametrize("body", BAD, ids=range(len(BAD)))
def test_a_task_that_cannot_be_is_refused(writer: Blog, body: dict[str, Any]) -> None:
    assert writer.ask("POST", "/agent/generate", body).status_code == 400


def test_nobody_starts_agents_without_a_token(reader: Blog) -> None:
    for method, path in (
        ("POST", "/agent/generate"),
        ("POST", "/agent/schedule"),
        ("GET", "/agent/status/task-1"),
        ("POST", "/agent/approve/task-1"),
        ("POST", "/agent/reject/task-1"),
    ):
        assert reader.ask(method, path, {}).status_code == 401


# ------------------------------------------------------------------------------------------------ deaths
class Died(BaseException):
    """As if the process had been killed here."""


def dies(*_: Any, **__: Any) -> Any:
    raise Died


def test_a_task_whose_process_is_killed_before_its_agent_started_resumes(
    writer: Blog, agent: Any, inside: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent()
    kept: list[task.Task] = []
    real = task.keep

    def keep(made: task.Task) -> None:
        kept.append(made)
        real(made)

    person = Person("1", "ada", frozenset())
    with monkeypatch.context() as patched:
        patched.setattr(task, "keep", keep)
        patched.setattr(machine, "start", dies)
        with pytest.raises(Died):
            writing.begin(Generate(type="blog_generation", prompt="Moss"), person, Deadline.after(20))
    monkeypatch.setattr(writing, "_LATE_S", -1)
    told, _ = writing.look(kept[0].id, Deadline.after(20))
    assert told.status == "queued"
    assert waits(writer, {"taskId": told.id})["status"] == "awaiting_approval"


@pytest.mark.parametrize("step", ["create", "done"])
def test_an_approval_whose_process_is_killed_is_finished_by_who_looks_next(
    writer: Blog, reader: Blog, agent: Any, inside: Platform, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    written = agent()
    begun = asked(writer)
    waits(writer, begun)
    real = task.become

    def become(found: task.Task, status: task.Status, reason: str, deadline: Deadline) -> task.Task:
        return dies() if status == step else real(found, status, reason, deadline)

    with monkeypatch.context() as patched:
        patched.setattr(task, "become", become)
        if step == "create":
            patched.setattr(store, "create", dies)
        with pytest.raises(Died):
            writing.approve(begun["taskId"], Deadline.after(20))
    told = status(writer, begun)
    assert told["status"] == "done"
    assert reader.ask("GET", f"/blog/{told['postId']}").json()["title"] == written["title"]
    titles = [post["title"] for post in reader.ask("GET", "/blog?limit=100").json()]
    assert titles.count(written["title"]) == 1


# ------------------------------------------------------------------------------------------------ schedules
def test_a_scheduled_post_appears_when_its_moment_comes(writer: Blog, reader: Blog) -> None:
    post = writer.write()
    at = (datetime.now(UTC) + timedelta(seconds=4)).isoformat()
    told = writer.ask("POST", "/agent/schedule", {"postId": post["postId"], "scheduledAt": at})
    assert told.status_code == 200, told.text
    assert told.json()["status"] == "scheduled"
    assert reader.ask("GET", f"/blog/{post['postId']}").status_code == 404
    until(lambda: reader.ask("GET", f"/blog/{post['postId']}").status_code, lambda code: code == 200)


def test_a_schedule_is_moved_and_taken_back(writer: Blog, reader: Blog, inside: Platform) -> None:
    post = writer.write()
    for day in (1, 2):
        at = f"2027-01-0{day}T09:00:00+02:00"
        told = writer.ask("POST", "/agent/schedule", {"postId": post["slug"], "scheduledAt": at}).json()
        assert told["scheduledAt"] == f"2027-01-0{day}T07:00:00Z", "told in UTC, whatever the offset"
    back = writer.ask("POST", "/agent/schedule", {"postId": post["postId"], "scheduledAt": None}).json()
    assert (back["status"], back["scheduledAt"]) == ("draft", None)
    for moment in ("2027-01-01T07:00:00Z", "2027-01-02T07:00:00Z"):
        assert schedule.carry_out(post["postId"], moment, Deadline.after(10)) is False, (
            "an old schedule changes nothing"
        )
    assert reader.ask("GET", f"/blog/{post['postId']}").status_code == 404
    assert writer.ask("POST", "/agent/schedule", {"postId": post["postId"], "scheduledAt": None}).status_code == 400


def test_a_moment_that_comes_twice_publishes_once(inside: Platform) -> None:
    soon = Deadline.after(20)
    post = store.create(Change(title="Twice", content="x"), "ada", soon)
    moment = "2027-01-01T07:00:00Z"
    store.change(post.id, Change(status="scheduled", scheduled=moment), soon)
    assert schedule.carry_out(post.id, moment, soon) is True
    published = store.find(post.id)
    assert schedule.carry_out(post.id, moment, soon) is False
    assert store.find(post.id) == published
    assert schedule.carry_out("post-" + "0" * 27, moment, soon) is False


NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2026-11-27T12:00:00Z", "passed"),
        ("2026-11-27T13:00:00+02:00", "passed"),
        ("2026-11-27T13:00:00", "offset"),
        ("2026-11-28", "offset"),
        ("tomorrow", "a time like"),
        ("", "a time like"),
        ("2028-11-27T12:00:00Z", "within a year"),
        ("9999-12-31T23:59:59-01:00", "a time like"),
        ("0001-01-01T00:00:00+01:00", "a time like"),
    ],
)
def test_a_moment_that_is_none_to_come_is_refused(text: str, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        schedule.moment(text, NOW)


def test_a_moment_is_the_same_in_every_time_zone() -> None:
    """Also in the hour that a clock has twice: the offset says which of the two is meant."""
    told = {schedule.moment(text, NOW) for text in ("2026-12-24T17:00:00Z", "2026-12-24T18:00:00+01:00")}
    assert told == {datetime(2026, 12, 24, 17, 0, tzinfo=UTC)}
    twice = [
        schedule.moment(f"2027-10-31T02:30:00+0{offset}:00", datetime(2027, 10, 1, tzinfo=UTC)) for offset in (2, 1)
    ]
    assert twice[1] - twice[0] == timedelta(hours=1)


def test_a_published_post_is_not_scheduled(writer: Blog) -> None:
    post = writer.write(status="published")
    body = {"postId": post["postId"], "scheduledAt": "2027-01-01T00:00:00Z"}
    assert writer.ask("POST", "/agent/schedule", body).status_code == 400
    assert writer.ask("POST", "/agent/schedule", body | {"postId": "no-such"}).status_code == 404
