"""Schedule, each week if it is switched on: do models still answer a few cases as well as when they were recorded?

The cases and what they showed then are drift.json, which `make evals LIVE=1` writes. A case has drifted when it fails
twice where it passed; one that no model answered says nothing. The platform pays, from the account `user:evaluations`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from llm_core import alerts, gateway, public
from llm_core.aws import telemetry
from llm_core.deadline import Deadline
from llm_core.errors import DreyError
from llm_core.gateway import Wishes
from llm_core.messages import Message, Output, Request, Text
from llm_core.prompts.library import prompt
from llm_core.settings import settings
from operations import judge
from operations.checks import Checks, Shape, Told

SUITE = Path(__file__).with_name("drift.json")
CALL_SECONDS = 60.0
SECONDS_TO_END = 10.0
WISHES = Wishes(fallback=False, cache="no-store")
"""The model itself is asked, and asked now."""

gateway.prepare()


class Case(Shape):
    """One question, as evals/ records it. `passed`: whether its recorded answer did."""

    place: str
    use_case: str
    model: str
    text: str
    max_tokens: int
    output: dict[str, Any] | None = None
    checks: Checks
    passed: bool

    @property
    def request(self) -> Request:
        return Request(
            model=self.model,
            messages=(Message("user", (Text(self.text),)),),
            system=prompt(self.use_case),
            max_tokens=self.max_tokens,
            output=Output(**self.output) if self.output else None,
        )


@dataclass(frozen=True, slots=True)
class Score:
    """Of the cases of one use case that were answered: how many, how many passed now, and how many when recorded."""

    use_case: str
    cases: int
    now: int
    then: int


def suite() -> list[Case]:
    return TypeAdapter(list[Case]).validate_json(SUITE.read_bytes())


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`{use case: {cases, now, then}}`; an alert with both scores for each that fell."""
    if event.get("warmup"):
        return {}
    until = Deadline.after(context.get_remaining_time_in_millis() / 1000 - SECONDS_TO_END)
    with telemetry.request(request_id=event["id"], gateway_request_id="none", path="drift"):
        scores = list(_scores(suite(), until))
        for score in scores:
            _tell(score)
    return {each.use_case: {"cases": each.cases, "now": each.now, "then": each.then} for each in scores}


def _scores(cases: list[Case], until: Deadline) -> Iterable[Score]:
    for use_case in dict.fromkeys(case.use_case for case in cases):
        asked = [case for case in cases if case.use_case == use_case]
        answered = [(case, passed) for case in asked if (passed := _passes(case, until)) is not None]
        now, then = sum(passed for _, passed in answered), sum(case.passed for case, _ in answered)
        yield Score(use_case, len(answered), now, then)


def _passes(case: Case, until: Deadline) -> bool | None:
    """Whether it does, at the second try at the latest; None when no model answered, which is no drift."""
    try:
        failures = _failures(case, until)
        if failures:
            failures = _failures(case, until)
    except DreyError:
        telemetry.logger.exception("case not answered", extra={"event": "drift_unanswered", "case": case.place})
        return None
    facts = {"event": "drift_case", "case": case.place, "passed": not failures, "failed_checks": len(failures)}
    telemetry.logger.info("drift case", extra=facts)  # what a model said is in its `llm_call` line, outside prod
    return not failures


def _failures(case: Case, until: Deadline) -> list[str]:
    told = _told(case.request, until)
    failures = list(case.checks.failures(told))
    if case.checks.rubric:
        verdict = judge.verdict(_told(judge.request(case.text, told.text, case.checks.rubric), until))
        failures += [] if verdict.passes else [verdict.reason]
    return failures


def _told(request: Request, until: Deadline) -> Told:
    """Raises as gateway.answer does."""
    answer = gateway.answer(request, public.own("evaluations"), Deadline.after(min(until.left, CALL_SECONDS)), WISHES)
    return Told.of(answer.reply, answer.call.cost, answer.call.provider_ms)


def _tell(score: Score) -> None:
    """Metrics `EvalScore` and `EvalBaseline` (percent, by stage and use case), and an alert where it fell."""
    if not score.cases:
        return
    now, then = (round(100 * passed / score.cases) for passed in (score.now, score.then))
    where = {"stage": settings().stage, "use_case": score.use_case}
    telemetry.measure(where, EvalScore=(now, "Percent"), EvalBaseline=(then, "Percent"))
    if score.now < score.then:
        alerts.raise_once("drift", score.use_case, score=now, baseline=then, cases=score.cases)
