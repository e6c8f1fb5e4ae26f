"""docs/benchmarks/faults.md: the wall as a person reads it, summary first."""

from __future__ import annotations

import os
import platform as machine
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from llm_core.money import plain
from tests.faults.callers import Seen
from tests.faults.evidence import Evidence
from tests.faults.verdict import Violation
from tests.faults.wall import Case

KINDS = {
    "looks whole": "a cut answer looks whole",
    "money": "money is lost or booked twice",
    "hangs": "something hangs",
    "log": "the log tells something else than the rows",
    "unexpected": "something else comes than the catalogue of failures says",
}
HEADS = ["Failure", "In", "What the caller sees", "Asked", "Charged", "After", "Log"]


@dataclass(frozen=True)
class Played:
    case: Case
    seen: Seen
    evidence: Evidence
    violations: list[Violation]

    @property
    def sight(self) -> str:
        """In the words of the caller's SDK."""
        seen = self.seen
        if seen.left:
            return "nothing: it has left"
        if not seen.error:
            words = f", {seen.finish}" if seen.finish not in ("stop", "end_turn", "tool_calls", "tool_use") else ""
            skipped = ", with an event left out, which it says" if seen.account.get("skipped_events") else ""
            by = "the second" if seen.provider == "bedrock" else "the first"
            return f"an answer by {by}{words}{skipped}"
        where = str(seen.status) if seen.status else "in band:"
        return f"{seen.error} {where} {seen.code}"

    @property
    def asked(self) -> str:
        first = sum(row["provider"] != "bedrock" for row in self.evidence.rows)
        others = len(self.evidence.rows) - first
        return f"{first}" + (f" + {others}" if others else "")

    @property
    def booked(self) -> str:
        estimated = sum(bool(row["estimated"]) for row in self.evidence.rows)
        known = any(row["charged"] and not row["estimated"] for row in self.evidence.rows)
        parts = ["as sold"] * known + [f"{estimated} estimated"] * bool(estimated)
        return ", ".join(parts) or "nothing"

    @property
    def charged(self) -> int:
        return sum(int(row["charged"]) for row in self.evidence.rows)

    @property
    def log(self) -> str:
        counted = Counter(str(line["outcome"]) for line in self.evidence.lines)
        return ", ".join(f"{count} {outcome}" if count > 1 else outcome for outcome, count in counted.items())


def written(played: Sequence[Played], seconds: float) -> str:
    failures = list(dict.fromkeys(one.case.failure.name for one in played))
    wrong: Counter[str] = Counter()
    for one in played:
        wrong.update({violation.kind for violation in one.violations})
    slowest = max(played, key=lambda one: one.seen.seconds)
    parts = [
        "# The failure wall",
        f"**{len(played)} cases of {len(failures)} failures.** "
        + " ".join(f"{wrong[kind]} where {words}." for kind, words in KINDS.items()),
        f"Written by `make faults` on {datetime.now(UTC):%Y-%m-%d} ({machine.system()} {machine.machine()},"
        f" {os.cpu_count()} cores, Python {machine.python_version()}) in {seconds:.0f} s: the platform of this machine,"
        " the official openai and anthropic SDKs as its clients, without retries of their own, and a stand-in for the"
        " providers that misbehaves as it is told. Each failure meets callers of both dialects, who want their answer"
        " whole, streamed and streamed at once (buffered), with one candidate (the provider of the caller's own"
        " dialect) and with two (the other dialect's provider, then Claude on Bedrock). Time limits are the models'"
        " own, at 1/50 where a failure is about time."
        f" The slowest case took {slowest.seen.seconds:.1f} s ({slowest.case.id}).",
        "An attempt that ended in an HTTP error costs nothing; one whose end nobody saw is charged at the most it can"
        ' have cost and marked `estimated`; every other is charged as it was sold. "Asked" counts the attempts at the'
        ' first and at the second candidate. "Log" is the outcome of each `llm_call` line. Cases that come to the same'
        " share a row; charges and seconds are then the least and the most.",
        "\n".join(f"| {' | '.join(row)} |" for row in (HEADS, ["---"] * len(HEADS), *_rows(played, failures))),
    ]
    return "\n\n".join(parts) + "\n"


def _rows(played: Sequence[Played], failures: list[str]) -> list[list[str]]:
    rows = []
    for failure in failures:
        alike: dict[tuple[str, ...], list[Played]] = defaultdict(list)
        for one in played:
            if one.case.failure.name == failure:
                alike[one.sight, one.asked, one.booked, one.log].append(one)
        name = failure
        for (sight, asked, booked, log), ones in alike.items():
            rows.append([name, _where(ones), sight, asked, _charges(ones, booked), _seconds(ones), log])
            name = ""
    return rows


def _where(ones: list[Played]) -> str:
    modes = dict.fromkeys(one.case.mode for one in ones)
    dialects = {one.case.dialect for one in ones}
    candidates = {one.case.candidates for one in ones}
    words = ["/".join(modes) if len(modes) < 3 else "every way"]
    if len(dialects) == 1:
        words.append(f"{'OpenAI' if 'openai' in dialects else 'Anthropic'} dialect")
    if len(candidates) == 1:
        words.append("one candidate" if 1 in candidates else "two candidates")
    return f"{', '.join(words)} ({len(ones)})"


def _charges(ones: list[Played], booked: str) -> str:
    charges = sorted({one.charged for one in ones})
    if charges == [0]:
        return booked
    ends = [charges[0]] if len(charges) == 1 else [charges[0], charges[-1]]
    return " to ".join(f"${plain(each)}" for each in ends) + f", {booked}"


def _seconds(ones: list[Played]) -> str:
    seconds = [one.seen.seconds for one in ones]
    least, most = f"{min(seconds):.1f}", f"{max(seconds):.1f}"
    return f"{least} s" if least == most else f"{least} to {most} s"
