"""`make evals LIVE=1`: what no recording answers is asked of the real models, and written down.

With UNDERSTUDY=1 the answers are those that people wrote into scripts/, said by the understudy over the providers' own
protocols; such a recording says so, and proves what the checks and the code do, nothing about a model.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from evals.cases import Suite
from evals.play import asked, verdict_on
from evals.recordings import UNDERSTUDY, Archive, Asked, Missing, Recording
from llm_core import fitting, pricing
from llm_core.deadline import Deadline
from llm_core.money import NANO

SCRIPTS = Path(__file__).with_name("scripts")
TIMEOUT_S = 120.0
ASKS_ABOVE = 1 * NANO
"""nano-USD: whoever may spend more is asked first."""


class NotLive(RuntimeError):
    """Why nobody is asked."""


def unanswered(suite: Suite, archive: Archive) -> Iterator[Asked]:
    """The requests that have no recording, a judge's with the longest answer that there can be."""
    for model in suite.models:
        for case in suite.cases:
            ours = asked(suite, case, model)
            try:
                archive.find(ours)
            except Missing:
                yield ours
                if rubric := suite.checks(case).rubric:
                    yield verdict_on(ours, "x" * fitting.output_limit(ours.request, ours.model), rubric)


class Live:
    """Answers from the archive, else from the provider. `spent` is nano-USD."""

    def __init__(self, archive: Archive, by: str = "") -> None:
        self.archive = archive
        self.by = by
        self.asked = 0
        self.spent = 0

    def __call__(self, ours: Asked) -> Recording:
        """Raises ProviderError, Misconfigured."""
        try:
            return self.archive.find(ours)
        except Missing:
            self.before(ours)
        ours.room.prepare()  # importing an SDK is not the model's latency
        started = time.perf_counter()
        reply = ours.room.send(ours.body, Deadline.after(TIMEOUT_S))
        latency = round((time.perf_counter() - started) * 1000)
        self.asked += 1
        self.spent += pricing.cost(reply.usage, ours.model)
        return self.archive.keep(ours, dict(reply.original), self.by or ours.model.provider, latency)

    def before(self, ours: Asked) -> None:
        """Nothing needs to be told to a real model."""


class Played(Live):
    """The same with the understudy, which is told before each request what a person wrote for it."""

    def __init__(self, archive: Archive, url: str) -> None:
        super().__init__(archive, UNDERSTUDY)
        self.url = url

    def before(self, ours: Asked) -> None:
        import httpx2

        answer = written(ours)
        httpx2.delete(f"{self.url}/_understudy/orders").raise_for_status()
        httpx2.post(f"{self.url}/_understudy/orders", json={"answer": answer}).raise_for_status()


def written(ours: Asked, folder: Path = SCRIPTS) -> dict[str, Any]:
    """What a person wrote as the answer to this case, as an order to the understudy. Raises NotLive."""
    suite, _, case = ours.place.partition("/")
    case, _, judge = case.partition(".")
    script = yaml.safe_load((folder / f"{suite}.yaml").read_text()).get(case, {})
    said = script.get("judge" if judge else ours.model.provider, None if judge else script.get("says"))
    if said is None and "calls" in script:
        return {"text": "", "tool_calls": script["calls"], "stop_reason": None}
    if said is None:
        raise NotLive(f"evals/scripts/{suite}.yaml says nothing for {case}{'.judge' if judge else ''}.")
    return {"text": said.strip() if isinstance(said, str) else json.dumps(said, ensure_ascii=False)}


@contextmanager
def stage(understudy: bool, archive: Archive) -> Iterator[Live]:
    """Where the answers come from. Raises NotLive in CI."""
    if os.environ.get("CI"):
        raise NotLive("Nothing is recorded in CI: it replays. Record on your machine and commit evals/recordings/.")
    os.environ |= {"ANTHROPIC_API_KEY_REF": "env:ANTHROPIC_API_KEY", "OPENAI_API_KEY_REF": "env:OPENAI_API_KEY"}
    if not understudy:
        yield Live(archive)
        return
    from local.understudy.server import running  # replays need neither a server nor a client

    with running() as url:
        os.environ |= {"ANTHROPIC_BASE_URL": url, "OPENAI_BASE_URL": f"{url}/v1"}
        os.environ |= {"ANTHROPIC_API_KEY": "understudy", "OPENAI_API_KEY": "understudy"}
        yield Played(archive, url)


def keys_missing(requests: list[Asked]) -> list[str]:
    """The variables that these requests need and that are not set."""
    needed = {f"{ours.model.provider.upper()}_API_KEY" for ours in requests if ours.model.provider != "bedrock"}
    return sorted(name for name in needed if not os.environ.get(name))
