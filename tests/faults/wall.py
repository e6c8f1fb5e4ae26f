"""The wall itself: every failure, asked in two dialects and three ways, with one candidate and with two.

With one candidate the provider speaks the caller's dialect, so that its answer passes through. With two the first one
speaks the other dialect, so that its answer is translated, and Claude on Bedrock stands behind it.
"""

from __future__ import annotations

import itertools
import string
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from tests.conftest import Platform
from tests.faults import callers
from tests.faults.callers import Seen
from tests.faults.failures import FAILURES, TOOLS, WHOLE_S, Failure, Mode, Provider

Dialect = Literal["openai", "anthropic"]
MODES: tuple[Mode, ...] = ("whole", "streamed", "buffered")
DIALECTS: tuple[Dialect, ...] = ("openai", "anthropic")

PRICES = {"input": 1, "output": 5}
"""USD per million tokens, of every model here: 1,000 and 5,000 nano-USD a token."""

ABLE = ["forced_tools", "sampling", "structured", "system", "tools", "vision"]


@dataclass(frozen=True)
class Case:
    """`model` is nobody else's, so no breaker of another case is in the way."""

    failure: Failure
    dialect: Dialect
    mode: Mode
    candidates: int
    model: str

    @property
    def id(self) -> str:
        behind = "one candidate" if self.candidates == 1 else "two candidates"
        return f"{self.failure.name}, {self.dialect}, {self.mode}, {behind}"

    @property
    def provider(self) -> Provider:
        """Of the first candidate."""
        if self.failure.via:
            return self.failure.via
        if self.candidates == 1:
            return self.dialect
        return "anthropic" if self.dialect == "openai" else "openai"

    @property
    def second(self) -> str:
        return f"global.anthropic.{self.model}"

    @property
    def tools(self) -> bool:
        return self.failure.answer == TOOLS


def cases() -> list[Case]:
    """All of them. A caller that leaves while events come needs events that come."""
    names = ("wall-" + "".join(letters) for letters in itertools.product(string.ascii_lowercase, repeat=3))
    return [
        Case(failure, dialect, mode, candidates, next(names))
        for failure in FAILURES
        for dialect in DIALECTS
        for mode in MODES
        for candidates in (1, 2)
        if not failure.leaves or mode == "streamed"
    ]


def smoke(every: list[Case]) -> list[Case]:
    """Each failure once, in a combination that goes round."""
    found = []
    for number, (_, of_one) in enumerate(itertools.groupby(every, key=lambda case: case.failure.name)):
        combinations = list(of_one)
        found.append(combinations[number * 5 % len(combinations)])
    return found


def overlay(every: list[Case], endpoints: dict[str, str]) -> dict[str, Any]:
    """An operator's catalog with the models of all cases; `endpoints` are the providers that are none."""
    common = {**PRICES, "context": 200_000, "max_output": 64_000, "image_tokens": 1_600, "capabilities": ABLE}
    models: list[dict[str, Any]] = []
    routes = {}
    for case in every:
        limits = dict(case.failure.limits)
        if limits and case.mode == "whole":
            limits["total_s"] = WHOLE_S
        models += [
            {"provider": case.provider, "model": case.model, **common, "limits": limits},
            {"provider": "bedrock", "model": case.second, **common},
        ]
        both = [f"{case.provider}/{case.model}", f"bedrock/{case.second}"]
        routes[case.model] = both[: case.candidates]
    added = {name: {"kind": "openai", "base_url": url, "secret": "env:WALL_KEY"} for name, url in endpoints.items()}
    return {"providers": added, "models": models, "routes": routes}


def orders(case: Case) -> Iterator[dict[str, Any]]:
    """What the understudy is told: to say the same whoever is asked, and where to fail."""
    failure = case.failure
    if failure.fault:
        limited = {"times": failure.times} if failure.times else {}
        where = {"model": case.model, "skip": failure.skip, **limited}
        yield {**where, "fault": dict(failure.fault), "answer": dict(failure.answer)}
    yield {"model": f"*{case.model}", "answer": dict(failure.answer)}


def play(platform: Platform, clients: callers.Clients, case: Case, key: str) -> Seen:
    """One case, from its orders to what its caller saw."""
    platform.http.post(f"{platform.understudy}/_understudy/orders", json=list(orders(case))).raise_for_status()
    for _ in range(case.failure.before):
        clients.ask(case.dialect, case.mode, case.model, key, tools=case.tools)
    began = time.monotonic()
    if case.failure.leaves is None:
        seen = clients.ask(case.dialect, case.mode, case.model, key, tools=case.tools)
    else:
        seen = clients.leave(case.dialect, case.mode, case.model, key, case.failure.leaves)
    seen.seconds = time.monotonic() - began
    return seen
