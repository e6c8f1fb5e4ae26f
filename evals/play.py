"""One case, asked of one model and held against its checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from evals.cases import Case, Suite
from evals.questions import question
from evals.recordings import Asked, Missing, Recording
from llm_core import pricing
from llm_core.failures import ProviderFailed
from llm_core.messages import Request, Text
from operations import judge
from operations.checks import Told

Source = Callable[[Asked], Recording]
"""Who answers: the archive, or a live model. Raises Missing."""

Agreement = Literal["", "pass-pass", "fail-fail", "pass-fail", "fail-pass"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """`failures` in words; `missing`, the keys nobody has answered. nano-USD and milliseconds of the answer alone.

    `agreement` of a labelled verdict: what people say, then what the judge says.
    """

    case: str
    model: str
    by: str = ""
    on: str = ""
    failures: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    cost: int = 0
    latency_ms: int = 0
    agreement: Agreement = ""

    @property
    def passed(self) -> bool:
        return not self.failures and not self.missing


def play(suite: Suite, source: Source) -> Iterator[Outcome]:
    """Each case by each of the suite's models."""
    for model in suite.models:
        for case in suite.cases:
            yield _played(suite, case, model, source)


def asked(suite: Suite, case: Case, model: str) -> Asked:
    return Asked(f"{suite.use_case}/{case.name}", question(suite.use_case, model, case.given))


def _played(suite: Suite, case: Case, model: str, source: Source) -> Outcome:
    ours = asked(suite, case, model)
    name = ours.model.name
    try:
        recording = source(ours)
        reply = ours.room.read(recording.answer)
    except Missing as missing:
        return Outcome(case.name, name, missing=(str(missing),))
    except ProviderFailed as error:
        return Outcome(case.name, name, failures=(error.message,))
    told = Told.of(reply, pricing.cost(reply.usage, ours.model), recording.latency_ms)
    checks = suite.checks(case)
    failures = [*checks.failures(told)]
    if reply.finish == "length":
        failures.append("was cut off at its limit of tokens")
    if checks.rubric:
        try:
            failures += _judged(ours, told, checks.rubric, source)
        except Missing as missing:
            return Outcome(case.name, name, missing=(str(missing),))
    agreement = _agreement(bool(checks.fields["passes"]), judge.verdict(told).passes) if suite.agreement else ""
    where = (recording.by, recording.on)
    return Outcome(case.name, name, *where, tuple(failures), (), told.cost, told.latency_ms, agreement)


def _judged(ours: Asked, told: Told, rubric: str, source: Source) -> Iterator[str]:
    """Nothing, when the judge lets it pass."""
    verdict_of = verdict_on(ours, told.text, rubric)
    reply = verdict_of.room.read(source(verdict_of).answer)
    verdict = judge.verdict(Told.of(reply, 0, 0))
    if not verdict.passes:
        yield f"fails the rubric: {verdict.reason}"


def verdict_on(ours: Asked, answer: str, rubric: str) -> Asked:
    """The question to the judge about an answer."""
    return Asked(f"{ours.place}.judge", judge.request(_said(ours.request), answer, rubric))


def _said(request: Request) -> str:
    parts = (part for message in request.messages for part in message.parts)
    return "\n".join(part.text for part in parts if isinstance(part, Text))


def _agreement(people: bool, judge_says: bool) -> Agreement:
    if people:
        return "pass-pass" if judge_says else "pass-fail"
    return "fail-pass" if judge_says else "fail-fail"
