"""Was a cut answer passed off as whole, was money lost or booked twice, did anything hang? Judged from the evidence
alone, by arithmetic of its own.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from tests.faults.callers import HELLO, MOST_TOKENS, SCHEMA, Seen
from tests.faults.evidence import Evidence, Item
from tests.faults.failures import ARGUMENTS, TEXT
from tests.faults.wall import Case

INPUT, OUTPUT = 1_000, 5_000
"""nano-USD a token: what tests/faults/wall.py puts into the catalog."""

MARKUP = Decimal("1.02")
ENVELOPE = 2_000
"""Bytes and tokens around the words that a ceiling may count: field names, ids, what providers add of their own."""

MOST = INPUT * (len(json.dumps([HELLO, SCHEMA])) + ENVELOPE) + OUTPUT * MOST_TOKENS
"""nano-USD: no ceiling of one attempt here is above it."""

HANGS_S = 9.0
"""The shortest limit that is not scaled down is 10 s: whatever is not over by then waited for something it must not."""

SAID_OTHERWISE = ("length", "max_tokens", "content_filter", "refusal")
"""Reasons to stop that say themselves that this is not all."""


@dataclass(frozen=True)
class Violation:
    """`kind`: looks whole, money, hangs, log, or unexpected."""

    kind: str
    sentence: str


def judged(case: Case, seen: Seen, evidence: Evidence) -> list[Violation]:
    """All that is wrong with a case."""
    return [
        *(Violation("looks whole", each) for each in _looks_whole(case, seen)),
        *(Violation("money", each) for each in _money(seen, evidence)),
        *(Violation("hangs", f"{seen.seconds:.1f} s") for _ in range(seen.seconds > HANGS_S)),
        *(Violation("log", each) for each in _log(evidence)),
        *(Violation("unexpected", each) for each in _unexpected(case, seen, evidence)),
    ]


def _looks_whole(case: Case, seen: Seen) -> Iterator[str]:
    """An answer without an exception is all that was to be said, or says itself that it is not."""
    if seen.error or seen.left or seen.finish in SAID_OTHERWISE:
        return
    if case.tools:
        if seen.calls != [ARGUMENTS]:
            yield f"the call has the arguments {seen.calls}"
    elif not seen.text.endswith(TEXT) and not seen.account.get("skipped_events"):
        yield f"it said {seen.text!r}"
    if not seen.finish:
        yield "it ended without a reason"


def _money(seen: Seen, evidence: Evidence) -> Iterator[str]:
    """Each attempt is one row: what was sold, or an estimate that says so, above that and below the ceiling."""
    sold = list(evidence.sold)
    for row in evidence.rows:
        if row["charged"] != math.ceil(row["cost"] * MARKUP):
            yield f"attempt {row['attempt']}: charged {row['charged']} for {row['cost']}"
        ours = bool(sold) and sold[0]["provider"] == row["provider"]
        bill = _bill(sold.pop(0)) if ours else 0
        if row["estimated"] and not bill <= row["cost"] <= MOST:
            yield f"attempt {row['attempt']}: not sold {bill} <= booked {row['cost']} <= {MOST}"
        if not row["estimated"] and row["cost"] != bill:
            yield f"attempt {row['attempt']}: sold {bill}, booked {row['cost']}"
    if sold:
        yield f"{len(sold)} attempts have no row"
    calls = {row["id"] for row in evidence.rows}
    for call in calls:
        attempts = [int(row["attempt"]) for row in evidence.rows if row["id"] == call]
        if attempts != list(range(1, len(attempts) + 1)):
            yield f"attempts {attempts} of one call"
    if seen.account:
        last = max(calls)
        charged = sum(row["charged"] for row in evidence.rows if row["id"] == last)
        if round(seen.account.get("cost", -1) * 10**9) != charged:
            yield f"the answer says {seen.account.get('cost')} USD, its rows {charged} nano-USD"


def _bill(sale: Item) -> int:
    """What the provider asks for a sale, nano-USD; nothing is cached here."""
    return int(INPUT * sale["usage"]["input"] + OUTPUT * sale["usage"]["output"])


def _log(evidence: Evidence) -> Iterator[str]:
    """One line for each row, with the same outcome and cost."""
    rows = [(row["id"], int(row["attempt"]), row["outcome"], row["estimated"]) for row in evidence.rows]
    lines = [
        (line["gen_ai.response.id"], line["attempt"], line["outcome"], line["estimated"])
        for line in evidence.lines
        if line["outcome"] != "skipped"
    ]
    if sorted(rows) != sorted(lines):
        yield f"rows {rows}, lines {lines}"


def _unexpected(case: Case, seen: Seen, evidence: Evidence) -> Iterator[str]:
    """What the catalogue of failures says must come of it."""
    comes = case.failure.comes(case.mode, case.provider)
    second = comes.elsewhere and case.candidates == 2
    asked = sum(row["provider"] != "bedrock" for row in evidence.rows) - case.failure.before
    others = sum(row["provider"] == "bedrock" for row in evidence.rows)
    if (asked, others) != (comes.asked, int(second)):
        yield f"asked {asked} + {others} times, not {comes.asked} + {int(second)}"
    if case.failure.leaves and {row["outcome"] for row in evidence.rows} != {"cancelled"}:
        yield "nobody told the provider that its caller has left"
    if seen.left:
        return
    code = "" if second else comes.code
    if seen.code != code or bool(seen.error) != bool(code):
        yield f"{seen.error} {seen.code!r}, not {code!r}"
    disclosed = (seen.provider, seen.model, seen.attempts, seen.fallback)
    answering = ("bedrock", case.second) if second else (case.provider, case.model)
    if not seen.error and disclosed != (*answering, asked + others, second):
        yield f"it discloses {disclosed}"
    if seen.status and seen.status >= 500 and seen.should_retry != ("true" if comes.retry else "false"):
        yield f"x-should-retry: {seen.should_retry}"
