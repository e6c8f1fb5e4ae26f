"""An operator's overlay: a provider, models, a route, a role and an alias from one file, the package untouched."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from llm_core.aws import stage_catalog
from llm_core.errors import Misconfigured
from llm_core.money import nano, with_markup
from llm_core.providers import directory
from llm_core.settings import settings
from tests.conftest import PATIENCE_S, ROOT, Platform

ROW = {"provider": "wall", "model": "ok-1", "input": 1.0, "output": 5.0, "context": 128_000, "max_output": 16_000}
HELLO: Any = {"role": "user", "content": "Hello"}


def _overlay(address: str) -> dict[str, Any]:
    """What an operator writes (API.md): a provider that speaks OpenAI's protocol, and what it has to offer."""
    return {
        "providers": {"wall": {"kind": "openai", "base_url": address, "secret": "env:WALL_KEY"}},
        "models": [
            {**ROW, "cache_read": 0.1, "capabilities": ["tools", "sampling"]},
            {**ROW, "model": "local/fine-2", "input": 0.25, "output": 0.5},
            {**ROW, "model": "shaky-3"},
            {**ROW, "model": "slow-4", "limits": {"total_s": 1}},
        ],
        "routes": {
            "exam": ["wall/local/fine-2", "wall/ok-1"],
            "thrift": {"cheapest": ["wall/ok-1", "local/fine-2"]},
            "risky": ["shaky-3", "ok-1"],
        },
        "roles": {"fast": "wall/ok-1"},
        "aliases": {"mine": "exam"},
    }


@contextmanager
def _running(state: Path, overlay: str) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A platform of its own with this overlay; the file that says that it is ready appears when it is."""
    state.mkdir(parents=True, exist_ok=True)
    file, ready = state / "overlay.json", state / "ready.json"
    file.write_text(overlay)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "local", "run", "--quiet", "--port", str(port)]
    command += ["--state", str(state), "--ready-file", str(ready)]
    clean = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    clean |= {"DREY_OVERLAY": str(file), "WALL_KEY": "wall-key-of-the-operator"}
    with (state / "output.txt").open("wb") as sink:
        process = subprocess.Popen(command, cwd=ROOT, env=clean, stdout=sink, stderr=subprocess.STDOUT)
    try:
        yield process, ready
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)


def _settled(process: subprocess.Popen[bytes], ready: Path) -> bool:
    """Whether it is ready, once it is or has ended."""
    until = time.monotonic() + PATIENCE_S
    while not ready.exists() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    return ready.exists()


@pytest.fixture(scope="module")
def extended(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A second platform, whose operator added the first one's understudy as a provider of their own."""
    state = tmp_path_factory.mktemp("extended")
    with _running(state, json.dumps(_overlay(f"{platform.understudy}/v1"))) as (process, ready):
        assert _settled(process, ready), (state / "output.txt").read_text()
        told = json.loads(ready.read_text())
        logs = state / "logs" / "doors.jsonl"
        yield Platform(told["url"], told["key"], platform.understudy, told["environment"], logs)


@pytest.fixture
def wall(extended: Platform) -> Iterator[Platform]:
    """The second platform; orders go to the provider that the operator added, and end with the test."""
    extended.free()
    yield extended
    extended.free()


@pytest.fixture
def client(wall: Platform) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{wall.url}/v1", api_key=wall.key, max_retries=0)


# It answers


@pytest.mark.parametrize(
    ("name", "answering"),
    [("wall/ok-1", "ok-1"), ("ok-1", "ok-1"), ("fast", "ok-1"), ("wall/local/fine-2", "local/fine-2"),
     ("local/fine-2", "local/fine-2"), ("exam", "local/fine-2"), ("mine", "local/fine-2"), ("thrift", "local/fine-2")],
)  # fmt: skip
def test_an_added_model_answers_to_each_of_its_names(client: openai.OpenAI, name: str, answering: str) -> None:
    raw = client.chat.completions.with_raw_response.create(model=name, messages=[HELLO])

    completion = raw.parse()
    assert completion.model == answering
    assert completion.choices[0].message.content
    assert raw.headers["x-drey-provider"] == "wall"


def test_an_added_provider_gets_its_own_key_and_the_older_name_of_the_limit(
    client: openai.OpenAI, wall: Platform
) -> None:
    client.chat.completions.create(model="ok-1", messages=[HELLO], max_completion_tokens=33)

    asked = wall.asked()[0]
    assert asked["headers"]["authorization"] == "Bearer wall-key-of-the-operator"
    assert json.loads(asked["body"]) == {"model": "ok-1", "max_tokens": 33, "messages": [HELLO]}


def test_an_added_model_is_charged_by_the_operators_prices(client: openai.OpenAI, wall: Platform) -> None:
    wall.perform({"text": "ok", "cache_read_tokens": 40})

    raw = client.chat.completions.with_raw_response.create(
        model="ok-1", messages=[{"role": "user", "content": "x" * 400}]
    )

    sold = wall.sold()[-1]["usage"]
    cost = sold["input"] * 1_000 + 40 * 100 + sold["output"] * 5_000
    assert sold["cache_read"] == 40
    assert nano(raw.headers["x-drey-cost-usd"]) == with_markup(cost, Decimal(2))


def test_an_added_model_speaks_anthropics_dialect_too(wall: Platform) -> None:
    client = anthropic.Anthropic(base_url=wall.url, api_key=wall.key, max_retries=0)

    message = client.messages.create(model="exam", max_tokens=100, messages=[HELLO])

    assert (message.model, message.content[0].type) == ("local/fine-2", "text")


def test_an_added_model_calls_tools_if_the_operator_says_that_it_can(client: openai.OpenAI) -> None:
    tools: Any = [{"type": "function", "function": {"name": "get_weather", "description": "The weather in a city."}}]
    question: Any = {"role": "user", "content": "Use get_weather for Lisbon."}

    able = client.chat.completions.create(model="ok-1", messages=[question], tools=tools)
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model="local/fine-2", messages=[question], tools=tools)

    assert able.choices[0].finish_reason == "tool_calls"
    assert refused.value.param == "tools"


def test_added_models_are_listed_with_their_prices_beside_the_packages_own(client: openai.OpenAI) -> None:
    listed = {model.id: model.model_dump() for model in client.models.list()}

    assert {"ok-1", "local/fine-2", "claude-haiku-4-5", "gpt-4.1"} <= set(listed)
    assert (listed["ok-1"]["owned_by"], listed["ok-1"]["context_length"]) == ("wall", 128_000)
    assert listed["ok-1"]["pricing"]["input"] == 1.0
    assert listed["local/fine-2"]["pricing"]["output"] == 0.5


@pytest.mark.parametrize("name", ["ok-1", "wall/ok-1", "wall/local/fine-2"])
def test_an_added_model_can_be_looked_up(client: openai.OpenAI, name: str) -> None:
    assert client.models.retrieve(name).owned_by == "wall"


@pytest.mark.parametrize("name", ["exam", "mine", "fast", "gpt-4"])
def test_whatever_can_be_called_can_be_looked_up(client: openai.OpenAI, name: str) -> None:
    """Clients ask GET /v1/models/{name} before they call it."""
    assert client.models.retrieve(name).object == "model"


def test_the_rest_of_the_catalog_is_as_it_was(client: openai.OpenAI) -> None:
    assert client.chat.completions.create(model="judge", messages=[HELLO]).model == "claude-haiku-4-5"


# It fails as the others do


def test_the_route_goes_on_when_its_first_fails(client: openai.OpenAI, wall: Platform) -> None:
    wall.order({"kind": "status", "code": 400, "message": "no"}, model="ok-1")
    wall.order({"kind": "status", "code": 500}, model="shaky-3")

    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model="risky", messages=[HELLO])

    assert [asked["model"] for asked in wall.asked(4)] == ["shaky-3"] * 3 + ["ok-1"]
    assert "500" in refused.value.message
    assert "wall-key" not in refused.value.message


def test_a_silent_model_ends_when_the_operator_says_so(wall: Platform) -> None:
    wall.order({"kind": "silence"}, model="slow-4")
    gpts = openai.OpenAI(base_url=f"{wall.url}/v1", api_key=wall.key, max_retries=0)
    claudes = anthropic.Anthropic(base_url=wall.url, api_key=wall.key, max_retries=0)
    began = time.monotonic()

    with pytest.raises(openai.InternalServerError) as first:
        gpts.chat.completions.create(model="slow-4", messages=[HELLO])
    with pytest.raises(anthropic.GatewayTimeoutError) as second:
        claudes.messages.create(model="slow-4", max_tokens=9, messages=[HELLO])

    assert (first.value.status_code, first.value.code) == (504, "timeout")
    assert (second.value.status_code, second.value.type) == (504, "timeout_error")
    assert 2 <= time.monotonic() - began < 8, "a second each, and nobody is asked twice"


# It is refused when it is wrong

WALL = {"kind": "openai", "base_url": "http://127.0.0.1:1/v1", "secret": "env:WALL_KEY"}


def _with(**overlay: Any) -> str:
    return json.dumps({"providers": {"wall": WALL}, "models": [ROW], **overlay})


def _row(**changed: Any) -> str:
    return _with(models=[{name: value for name, value in {**ROW, **changed}.items() if value is not ...}])


BROKEN: list[tuple[str, str]] = [
    ("", "not JSON"),
    ("{", "not JSON"),
    ('{"models": [}', "not JSON"),
    ("[]", "overlay"),
    (_with(modles=[]), "modles"),
    (_with(models={"ok-1": {}}), "models"),
    (_row(contxt=1), "models.0.contxt"),
    (_row(context=..., contxt=1), "models.0.contxt"),
    (_row(input="cheap"), "models.0.input"),
    (_row(input=-1), "models.0.input"),
    (_row(input=float("nan")), "models.0.input"),
    (_row(context=1.5), "models.0.context"),
    (_row(capabilities=["flying"]), "models.0.capabilities"),
    (_row(limits={"total": 3}), "models.0.limits.total"),
    (_row(multipliers={"service_tier": {"priority": 0}}), "models.0.multipliers.service_tier.priority"),
    (_row(output=...), "models.0.output"),
    (_row(max_output=...), "models.0.max_output"),
    (_row(provider="nobody"), "nobody"),
    (_with(models=[ROW, ROW]), "wall/ok-1"),
    (_with(providers={"wall": {**WALL, "kind": "smtp"}}), "providers.wall.kind"),
    (_with(providers={"wall": {**WALL, "base_url": "ftp://x"}}), "providers.wall.base_url"),
    (_with(providers={"wall": {**WALL, "secret": "sk-plain"}}), "providers.wall.secret"),
    (_with(providers={"wall": WALL, "openai": WALL}), "providers.openai"),
    (_with(routes={"exam": []}), "exam"),
    (_with(routes={"exam": "wall/ok-1"}), "routes.exam"),
    (_with(routes={"exam": ["wall/none"]}), "routes.exam"),
    (_with(routes={"exam": ["wall/ok-1", "text-embedding-3-small"]}), "exam"),
    (_with(routes={"exam": ["exam"]}), "exam"),
    (_with(routes={"exam": {"candidates": ["wall/ok-1"], "cheapest": ["gpt-4.1"]}}), "routes.exam"),
    (_with(routes={"one": ["two"], "two": ["one"]}), "one"),
    (_with(roles={"fast": "nobody"}), "roles.fast"),
    (_with(roles={"a": "b", "b": "a"}), "circle"),
    (_with(aliases={"mine": "nobody"}), "aliases.mine"),
    (_with(aliases={"mine": "mine"}), "aliases.mine"),
]


@pytest.fixture
def reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """What a door does with the overlay when it starts (gateway.prepare), in this process."""

    def start(overlay: str) -> None:
        file = tmp_path / "overlay.json"
        file.write_text(overlay)
        monkeypatch.setenv("DREY_OVERLAY", f"file:{file}")
        _forget()
        directory.check()

    yield start
    _forget()


def _forget() -> None:
    for kept in (settings, stage_catalog.catalog, directory.provider):
        kept.cache_clear()


def test_the_operators_overlay_is_read(reads: Callable[[str], None]) -> None:
    reads(json.dumps(_overlay("https://wall.example/v1")))

    assert stage_catalog.catalog().model("wall/ok-1").output == 5


@pytest.mark.parametrize(("overlay", "place"), BROKEN, ids=lambda value: value[-60:])
def test_a_broken_overlay_is_refused_when_it_is_read_and_the_place_is_named(
    reads: Callable[[str], None], overlay: str, place: str
) -> None:
    with pytest.raises(Misconfigured) as refused:
        reads(overlay)

    assert place in refused.value.message


def test_a_platform_with_a_broken_overlay_serves_nobody_and_says_why(tmp_path: Path) -> None:
    with _running(tmp_path / "state", _row(contxt=1)) as (process, ready):
        if _settled(process, ready):
            told = json.loads(ready.read_text())
            answers = [
                httpx2.request(
                    method, f"{told['url']}{path}", json=body, headers={"x-api-key": told["key"] or ""}, timeout=20
                )
                for method, path, body in (
                    ("POST", "/v1/chat/completions", {"model": "gpt-4.1", "messages": [HELLO]}),
                    ("POST", "/v1/messages", {"model": "gpt-4.1", "max_tokens": 9, "messages": [HELLO]}),
                    ("POST", "/v1/embeddings", {"model": "embed", "input": "x"}),
                    ("GET", "/v1/models", None),
                    ("GET", "/health", None),
                )
            ]
            assert [answer.status_code // 100 for answer in answers] == [5] * 5
        said = (tmp_path / "state" / "output.txt").read_text()

    assert "In the overlay, models.0.contxt" in said
