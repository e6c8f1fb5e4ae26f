"""The tenant matrix: every route of template.yaml, asked with every scope and by everybody who should not get far.

The routes come from the template: one that has no line in ROUTES fails here.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from llm_core import callers
from llm_core.accounts import tree
from llm_core.aws import table
from llm_core.callers import SCOPES
from local.template import Template
from tests.conftest import ROOT, Platform, as_a_door
from tests.functions.accounts.holder import Holder, someone

DECLARED = [(route.method, route.path) for route, _ in Template(ROOT / "template.yaml").routes]
HAIKU = {"model": "claude-haiku-4-5", "max_tokens": 5, "messages": [{"role": "user", "content": "Hello"}]}


@dataclass(frozen=True)
class Target:
    """What a request is about: a key, a call of its user and a run."""

    key_id: str
    call_id: str
    run_id: str = "run-000000000000000000000000000"

    def fill(self, path: str) -> str:
        """The path of a route, about this."""
        what = {"generations": self.call_id, "runs": self.run_id}
        return path.replace("{id}", next((one for name, one in what.items() if f"/{name}/" in path), self.key_id))

    def hidden(self, text: str) -> str:
        """A text in which it cannot be told from another."""
        for one in (self.key_id, self.call_id, self.run_id):
            text = text.replace(one, "<id>")
        return text


UNKNOWN = Target("sk-proj-000000000000", "gen-000000000000000000000000000")
AI, EMBED, KEYS, READ, WRITE = "ai:complete", "ai:embed", "keys:write", "usage:read", "budget:write"
RUN = "agent:run"
RESEARCH = {"type": "research", "input": {"topic": "Nests"}, "tools": []}


@dataclass(frozen=True)
class Route:
    """`scopes`: any of these opens it, () is any key; None asks for no key. `body`: of a request about a target.

    `aimed`: a request can name what belongs to somebody; else it is about the caller's own and nothing else.
    `of_user`: what belongs to a user is open to all of the user's keys that no other key has made.
    `people`: no key opens it, whatever its scopes: who writes posts signs in.
    """

    scopes: tuple[str, ...] | None
    body: Callable[[Target], Any] = lambda _: None
    aimed: bool = False
    of_user: bool = False
    status: int = 200
    people: bool = False


def _same(body: dict[str, Any]) -> Callable[[Target], Any]:
    return lambda _: body


def _sent(event: str) -> Callable[[Target], Any]:
    """The body of a recorded event."""
    return _same(json.loads(json.loads((ROOT / f"events/{event}.json").read_text())["body"]))


NEW: dict[str, Any] = {"name": "new", "scopes": [], "monthlyBudget": None}
NATIVE = {"model": "claude-haiku-4-5", "maxTokens": 5, "messages": [{"role": "user", "content": "Hello"}]}
ROUTES: dict[tuple[str, str], Route] = {
    ("POST", "/v1/chat/completions"): Route((AI,), _same(HAIKU)),
    ("POST", "/v1/responses"): Route((AI,), _same({"model": "claude-haiku-4-5", "input": "Hello"})),
    ("POST", "/v1/messages"): Route((AI,), _same(HAIKU)),
    ("POST", "/v1/messages/count_tokens"): Route((AI,), _same({name: HAIKU[name] for name in ("model", "messages")})),
    ("POST", "/v1/complete"): Route((AI,), _same(NATIVE)),
    ("POST", "/v1/stream"): Route((AI,), _same(NATIVE)),
    ("POST", "/v1/classify"): Route((AI,), _same({"input": "Hello", "labels": ["good", "bad"]})),
    ("POST", "/v1/embeddings"): Route((EMBED,), _same({"model": "text-embedding-3-small", "input": "Hello"})),
    ("POST", "/v1/embed"): Route((EMBED,), _same({"input": "Hello"})),
    ("GET", "/v1/models"): Route((AI, EMBED)),
    ("GET", "/v1/models/{id+}"): Route((AI, EMBED)),
    ("GET", "/v1/key"): Route(()),
    ("POST", "/v1/auth/keys"): Route((KEYS,), _same(NEW), status=201),
    ("GET", "/v1/auth/keys"): Route((KEYS,)),
    ("GET", "/v1/auth/keys/{id}"): Route((KEYS,), aimed=True),
    ("PATCH", "/v1/auth/keys/{id}"): Route((KEYS,), _same({"name": "other", "monthlyBudget": 1}), aimed=True),
    ("DELETE", "/v1/auth/keys/{id}"): Route((KEYS,), aimed=True),
    ("POST", "/v1/auth/keys/{id}/rotate"): Route((KEYS,), aimed=True),
    ("PUT", "/v1/auth/keys/{id}/providers/{provider}"): Route(
        (KEYS,), _same({"apiKey": "own-" + "k" * 20}), aimed=True
    ),
    ("DELETE", "/v1/auth/keys/{id}/providers/{provider}"): Route((KEYS,), aimed=True),
    ("GET", "/v1/usage"): Route((READ,)),
    ("GET", "/v1/usage/budget"): Route((READ,)),
    ("PUT", "/v1/usage/budget"): Route(
        (WRITE,), lambda target: {"monthlyBudget": 0, "keyId": target.key_id}, aimed=True
    ),
    ("GET", "/v1/generations/{id}"): Route((READ,), aimed=True, of_user=True),
    ("DELETE", "/v1/generations/{id}"): Route((AI, WRITE), aimed=True, status=404),  # it is another key's
    ("POST", "/v1/agents/run"): Route((RUN,), _same(RESEARCH)),
    ("POST", "/v1/agents/stream"): Route((RUN,), _same(RESEARCH)),
    ("GET", "/v1/agents/runs"): Route((RUN,)),
    ("GET", "/v1/agents/runs/{id}"): Route((RUN,), aimed=True, of_user=True),
    ("POST", "/v1/agents/runs/{id}/cancel"): Route((RUN,), aimed=True, of_user=True),
    ("POST", "/v1/agents/runs/{id}/approve"): Route((RUN,), aimed=True, of_user=True, status=400),
    ("POST", "/v1/agents/runs/{id}/reject"): Route((RUN,), aimed=True, of_user=True, status=400),
    ("POST", "/v1/live/ticket"): Route((AI, RUN)),
    ("GET", "/v1/tools"): Route((RUN,)),
    ("GET", "/v1/openapi.json"): Route(None),
    ("GET", "/health"): Route(None),
    ("GET", "/v1/health"): Route(None),
    ("GET", "/sayings"): Route(None),
    ("POST", "/feedback"): Route(None, _sent("sayings/process_feedback-up")),
    ("GET", "/sayings/stats"): Route(None),
    ("POST", "/public/demo/summarize"): Route(None, _sent("demo/answer-summarize")),
    ("POST", "/public/demo/classify"): Route(None, _sent("demo/answer-classify")),
    ("POST", "/public/demo/complete"): Route(None, _sent("demo/answer-complete")),
    ("GET", "/blog"): Route(None),
    ("GET", "/blog/rss.xml"): Route(None),
    ("GET", "/blog/sitemap.xml"): Route(None),
    ("GET", "/blog/{postId}"): Route(None, status=404),
    ("POST", "/blog"): Route(None, people=True),
    ("PUT", "/blog/{postId}"): Route(None, people=True),
    ("DELETE", "/blog/{postId}"): Route(None, people=True),
    ("GET", "/agent/posts"): Route(None, people=True),
    ("GET", "/agent/posts/{postId}"): Route(None, people=True),
    ("POST", "/agent/generate"): Route(None, people=True),
    ("POST", "/agent/schedule"): Route(None, people=True),
    ("GET", "/agent/status/{taskId}"): Route(None, people=True),
    ("POST", "/agent/approve/{taskId}"): Route(None, people=True),
    ("POST", "/agent/reject/{taskId}"): Route(None, people=True),
    ("GET", "/admin/usage"): Route(None, people=True),
    ("GET", "/admin/budgets"): Route(None, people=True),
    ("GET", "/admin/keys"): Route(None, people=True),
    ("POST", "/admin/keys"): Route(None, people=True),
    ("POST", "/admin/keys/{id}/rotate"): Route(None, people=True),
    ("DELETE", "/admin/keys/{id}"): Route(None, people=True),
    ("GET", "/admin/live"): Route(None, people=True),
    ("GET", "/admin/health"): Route(None, people=True),
}
CALL = ("GET", "/v1/generations/{id}")
KEYED = [name for name, route in ROUTES.items() if route.scopes is not None]
AIMED = [name for name, route in ROUTES.items() if route.aimed]
OPEN = [name for name, route in ROUTES.items() if route.scopes is None and not route.people]
PEOPLE = [name for name, route in ROUTES.items() if route.people]


def test_every_route_of_the_template_has_its_line() -> None:
    assert sorted(DECLARED) == sorted(ROUTES), "a new route says here whose things it may touch, and with which scope"


def ask(holder: Holder, name: tuple[str, str], target: Target, key: str | None = "") -> httpx2.Response:
    """A request of this route about the target; `key` instead of the holder's own, None for none."""
    method, path = name
    place = path.replace("{id+}", "claude-haiku-4-5").replace("{provider}", "anthropic").replace("{postId}", "nests")
    place = target.fill(place if path.startswith(("/v1/", "/health")) else f"/api{place}")  # where the site asks
    body = ROUTES[name].body(target)
    if body is not None and "scopes" in body:
        body = body | {"scopes": holder.told("GET", "/v1/key")["scopes"]}
    headers = {} if key is None else {"x-api-key": key or holder.api_key}
    return holder.platform.http.request(method, f"{holder.platform.url}{place}", json=body, headers=headers)


# ------------------------------------------------------------------------------------------------ the tenants
@dataclass(frozen=True)
class Tenants:
    """Ada with a key, another below it, and a paid call; another key of hers, and somebody else's."""

    ada: Holder
    child: Holder
    call_id: str
    run_id: str
    sibling: Holder
    stranger: Holder

    @property
    def targets(self) -> list[Target]:
        return [Target(key.key_id, self.call_id, self.run_id) for key in (self.ada, self.child)]

    @property
    def marks(self) -> list[str]:
        """Words that stand in Ada's rows and nowhere else."""
        return [self.ada.user, self.ada.key_id, self.child.key_id, self.call_id, self.run_id, "canary"]

    @property
    def own(self) -> list[Any]:
        """What is kept of Ada's two keys: themselves, their accounts and windows."""
        budgets, month = self.ada.platform.environment["BUDGETS_TABLE_NAME"], f"{datetime.now(UTC):%Y-%m}"
        windows = [f"key:{key.key_id}#{month}#0" for key in (self.ada, self.child)]
        found = [table.get(budgets, {"userId": window}) or {} for window in windows]
        known = [{name: value for name, value in item.items() if name != "open"} for item in found]  # the sweeper's
        return [self.ada.kept, self.child.kept, *known]

    @property
    def rows(self) -> list[Any]:
        """All that is kept of her, her other key's doings included."""
        usage = self.ada.platform.environment["USAGE_TABLE_NAME"]
        calls = table.query(usage, {"userId": self.ada.user}, between=("timestamp", 0, 10**14))
        run = table.get(self.ada.platform.environment["RUNS_TABLE_NAME"], {"runId": self.run_id, "item": "run"})
        return [*self.own, self.ada.acts, *calls, run]


@pytest.fixture(scope="module")
def tenants(platform: Platform) -> Tenants:
    with pytest.MonkeyPatch.context() as patch, as_a_door(platform, patch):
        ada, stranger = someone(platform), someone(platform)
        sibling = someone(platform, user=ada.user)
        child = ada.make(name=f"canary-{secrets.token_hex(4)}", monthlyBudget=3)
        call = child.hello().json()["id"]
        run = child.ask("POST", "/v1/agents/run", RESEARCH).json()["runId"]
    return Tenants(ada, child, call, run, sibling, stranger)


def _plain(answer: httpx2.Response, target: Target) -> tuple[Any, ...]:
    """What a caller could tell two answers apart by, besides what it said itself."""
    fresh = {"x-request-id", "request-id", "date", "content-length"}
    told = answer.json()
    for name in ("requestId", "request_id"):
        told.pop(name, None)
    text = target.hidden(json.dumps(told))
    return answer.status_code, text, {name: value for name, value in answer.headers.items() if name not in fresh}


# ------------------------------------------------------------------------------------------------ those above
def test_a_key_does_not_learn_which_key_is_above_it(tenants: Tenants, inside: Platform) -> None:
    """It sees that there is one, by what is left there, which its own calls must fit."""
    above = someone(inside)
    above.told("PUT", "/v1/usage/budget", {"monthlyBudget": 0.5})
    child, other = above.make(), above.make()
    told = child.told("GET", "/v1/usage/budget")
    assert [each["account"] for each in told["accounts"]] == ["key above"]
    assert above.told("GET", "/v1/usage/budget")["accounts"][0]["account"] == f"key:{above.key_id}"

    above.told("PUT", "/v1/usage/budget", {"monthlyBudget": 0})
    refused = child.hello()
    assert (refused.status_code, above.key_id in refused.text) == (402, False)
    assert above.key_id in above.hello().text, "its own is named"
    for holder in (child, other):
        assert above.key_id not in json.dumps(holder.told("GET", "/v1/usage?by=key"))


def test_a_key_that_a_key_made_sees_its_own_usage_and_what_is_below_it(tenants: Tenants, inside: Platform) -> None:
    caller, below = (callers.identify(each.api_key) for each in (tenants.child, tenants.child.make()))
    assert tree.seen(caller.account) == frozenset({caller.key_id, below.key_id})
    assert tree.seen(below.account) == frozenset({below.key_id})
    assert tree.seen(callers.identify(tenants.ada.api_key).account) is None


# ------------------------------------------------------------------------------------------------ foreign things
@pytest.mark.parametrize("name", AIMED, ids=" ".join)
@pytest.mark.parametrize("who", ["sibling", "stranger"])
def test_what_is_foreign_is_not_seen_not_changed_and_not_guessed(
    tenants: Tenants, inside: Platform, name: tuple[str, str], who: str
) -> None:
    holder: Holder = getattr(tenants, who)
    nobody = _plain(ask(holder, name, UNKNOWN), UNKNOWN)
    assert nobody[0] == 404
    for target in tenants.targets:
        before = tenants.rows
        answer = ask(holder, name, target)
        if who == "sibling" and ROUTES[name].of_user:
            assert answer.status_code == ROUTES[name].status
        else:
            assert _plain(answer, target) == nobody, "it looks like a thing that does not exist"
        assert tenants.rows == before
    assert tenants.ada.works
    assert tenants.child.works


@pytest.mark.parametrize("name", [name for name in KEYED if name not in AIMED], ids=" ".join)
@pytest.mark.parametrize("who", ["sibling", "stranger"])
def test_what_names_nobody_tells_of_nobody_else(
    tenants: Tenants, inside: Platform, name: tuple[str, str], who: str
) -> None:
    holder: Holder = getattr(tenants, who)
    before = tenants.rows if who == "stranger" else tenants.own
    answer = ask(holder, name, UNKNOWN)
    assert answer.status_code == ROUTES[name].status, answer.text
    hidden = tenants.marks if who == "stranger" else [tenants.ada.key_id, tenants.child.key_id, "canary"]
    assert not [mark for mark in hidden if mark in answer.text]
    assert before == (tenants.rows if who == "stranger" else tenants.own)


def test_a_key_below_reaches_neither_the_one_above_it_nor_one_beside_it(tenants: Tenants, inside: Platform) -> None:
    other = tenants.ada.make(name="beside")
    above, beside = (Target(key.key_id, key.hello().json()["id"]) for key in (tenants.ada, other))
    for name in (name for name in AIMED if name == CALL or not ROUTES[name].of_user):
        nobody = _plain(ask(tenants.child, name, UNKNOWN), UNKNOWN)
        for target in (above, beside):
            assert _plain(ask(tenants.child, name, target), target) == nobody


@pytest.mark.parametrize(
    "strange",
    ["../key", "%2e%2e%2fkey", "*", "' OR 1=1", "key:sk-proj-000000000000", "%00", "ä", "sk-proj-", "x" * 900],
)
def test_an_id_that_is_none_is_no_key(tenants: Tenants, strange: str) -> None:
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/rotate")):
        answer = tenants.ada.ask(method, f"/v1/auth/keys/{strange}{path}")
        assert answer.status_code in (403, 404), answer.text
        assert tenants.ada.works


# ------------------------------------------------------------------------------------------------ scopes
@pytest.mark.parametrize("name", KEYED, ids=" ".join)
@pytest.mark.parametrize("scope", sorted(SCOPES))
def test_a_scope_opens_its_own_routes_and_no_others(
    inside: Platform, tenants: Tenants, name: tuple[str, str], scope: str
) -> None:
    wanted = ROUTES[name].scopes
    assert wanted is not None
    holder = someone(inside, {scope}, user=tenants.sibling.user)
    before = holder.kept
    answer = ask(holder, name, Target(holder.key_id, tenants.call_id, tenants.run_id))
    if not wanted or scope in wanted:
        assert answer.status_code == ROUTES[name].status, answer.text
        return
    assert answer.status_code == 403
    told = answer.json()
    told = told["error"] if isinstance(told["error"], dict) else told
    assert (told["code"], told["required_scope"]) == ("insufficient_scope", wanted[0])
    assert holder.kept == before


@pytest.mark.parametrize("name", KEYED, ids=" ".join)
def test_nobody_comes_in_without_a_good_key(inside: Platform, tenants: Tenants, name: tuple[str, str]) -> None:
    revoked, expired = someone(inside), someone(inside, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    revoked.told("DELETE", f"/v1/auth/keys/{revoked.key_id}")
    foreign = tenants.ada.key_id + tenants.stranger.api_key[20:]
    before = tenants.rows
    told = []
    for key in (None, revoked.api_key, expired.api_key, foreign):
        answer = ask(tenants.ada, name, tenants.targets[0], key)
        assert answer.status_code == 401
        told.append(_plain(answer, tenants.targets[0]))
    assert all(each == told[0] for each in told), "why a key is no good is not said"
    assert tenants.rows == before


@pytest.mark.parametrize("name", OPEN, ids=" ".join)
def test_what_is_open_tells_nobody_anything(tenants: Tenants, name: tuple[str, str]) -> None:
    answers = [ask(tenants.ada, name, UNKNOWN, key) for key in (None, "", "nonsense")]
    assert [answer.status_code for answer in answers] == [ROUTES[name].status] * 3
    assert not [mark for mark in tenants.marks for answer in answers if mark in answer.text]


@pytest.mark.parametrize("name", PEOPLE, ids=" ".join)
def test_what_people_write_or_watch_is_opened_by_no_key(tenants: Tenants, name: tuple[str, str]) -> None:
    for headers in ({}, {"x-api-key": tenants.ada.api_key}, {"authorization": f"Bearer {tenants.ada.api_key}"}):
        path = name[1].replace("{postId}", "nests")
        answer = tenants.ada.platform.http.request(name[0], f"{tenants.ada.platform.url}/api{path}", headers=headers)
        assert answer.status_code == 401, answer.text
        assert not [mark for mark in tenants.marks if mark in answer.text]
