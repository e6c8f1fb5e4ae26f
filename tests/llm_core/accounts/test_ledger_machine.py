"""The ledger against a small model: whatever callers, sweepers and operators do, and in whatever order.

hypothesis draws the story and, when one ends badly, tells the shortest. `make soak-ledger` draws many: DREY_SOAK=300.
"""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule
from hypothesis.stateful import run_state_machine_as_test as run

from llm_core.accounts import admission, holds, limits, shards, steps, sweeper, window
from llm_core.accounts.admission import Rates
from llm_core.accounts.holds import Hold
from llm_core.accounts.steps import TRACE_SECONDS
from llm_core.accounts.tree import KINDS
from llm_core.accounts.window import UNLIMITED, Kind, Window
from llm_core.aws.writes import ConditionFailed
from llm_core.catalog import PACKAGE, Catalog
from llm_core.errors import BudgetExceeded, BudgetHeld, LedgerUnavailable, StoreUnavailable
from llm_core.ledger import Row
from llm_core.messages import Usage
from llm_core.payment import Allowance, Payment
from llm_core.settings import settings as door_settings
from tests.llm_core.accounts.books import KIND, USER, Books, Clock, opened, soon, sound, wanted

STORIES, STEPS = (int(os.environ["DREY_SOAK"]), 60) if os.environ.get("DREY_SOAK") else (25, 40)
PARENTS = {"org:o": None, "team:t": "org:o", "key:a": "team:t", "key:b": "team:t"}
KEYS = st.sampled_from(["key:a", "key:b"])
LIFE_S = 85
MIDNIGHT = datetime(2026, 12, 1, tzinfo=UTC).timestamp()  # a day and a month turn in the middle of the story
AMOUNTS = st.integers(0, 120)
AMPLE, LIMITS = st.none() | st.integers(300, 1_500), st.none() | st.integers(0, 1_500)
MODEL = Catalog(PACKAGE.read_bytes()).model("claude-haiku-4-5")
Place = tuple[str, str]


@dataclass(eq=False)
class Told:
    """One call as the model knows it: held and booked where, what its rows say, what the sweeper thought it cost."""

    payment: Payment
    lease: int
    held: dict[Place, int]
    places: list[Place]
    booked: dict[Place, int] = field(default_factory=dict)
    charged: int = 0
    ended: bool = False
    estimate: int = 0
    remembered: float = 0
    cap: int = UNLIMITED

    def book(self, cost: int, *places: Place) -> None:
        for place in places:
            self.held.pop(place, None)
            self.booked[place] = cost

    def swept(self, now: float, clock: float) -> None:
        """At the most it can have cost, unless its rows or a hold that is not whole say better."""
        if self.held and self.lease < now:
            if not self.ended and len(self.held) == len(self.places):
                self.estimate = max(min(self.held.values()) - self.charged, 0)
            self.remembered = clock + TRACE_SECONDS
            self.book(self.charged + self.estimate, *self.held)
        elif self.remembered and int(self.remembered) < now:
            self.remembered = 0
            self.book(self.charged + self.estimate, *self.booked)


class Ledger(RuleBasedStateMachine):
    calls: Bundle[Told] = Bundle("calls")
    clock: Clock

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Told] = []
        self.limits: dict[str, dict[Kind, int]] = {name: {} for name in PARENTS}
        self.begun: dict[Place, int] = {}
        self.lowered: set[Place] = set()
        self.books = opened()
        os.environ |= {"BUDGETS_TABLE_NAME": self.books.budgets, "USAGE_TABLE_NAME": self.books.usage}
        door_settings.cache_clear()
        admission._known.clear()
        self.clock.now = MIDNIGHT - 400

    # --------------------------------------------------------------------------------------- the model

    def payers(self, key: str, now: float) -> list[Place]:
        """The key's month, then every other limit on the way up."""
        found, account = [(key, window.label("month", now))], key
        while account:
            kinds = [kind for kind in KINDS if kind in self.limits[account] and (account, kind) != (key, "month")]
            found += [(account, window.label(kind, now)) for kind in kinds]
            account = PARENTS[account] or ""
        return found

    def held(self, place: Place) -> int:
        return sum(call.held.get(place, 0) for call in self.told)

    def spent(self, place: Place) -> int:
        return sum(call.booked.get(place, 0) for call in self.told)

    def free(self, place: Place) -> int:
        """A window begins when it is first looked at."""
        limit = self.begun.setdefault(place, self.limits[place[0]].get(Window(*place).kind, UNLIMITED))
        return limit - self.held(place) - self.spent(place)

    def fits(self, place: Place, amount: int) -> bool:
        """What is free always does."""
        enough = self.free(place) >= amount
        return not amount or (enough and self.has_room(place, amount, self.cap, of_others=self.held(place)))

    def grows(self, call: Told, place: Place, more: int) -> bool:
        others = self.held(place) - call.held[place]
        return self.free(place) >= more and self.has_room(place, more, call.cap, of_others=others)

    @property
    def cap(self) -> int:
        """What a key's calls may hold together: a fifth of the tightest limit above."""
        return (
            min((limit for name in ("team:t", "org:o") for limit in self.limits[name].values()), default=UNLIMITED) // 5
        )

    def has_room(self, place: Place, more: int, cap: int, *, of_others: int) -> bool:
        """On a key's own month; one call alone may hold more."""
        asked = place[0].startswith("key:") and len(place[1]) == 7
        return not (asked and of_others) or self.held(place) + more <= cap

    # --------------------------------------------------------------------------------------- what happens

    @initialize(month=AMPLE, day=AMPLE, total=AMPLE, own=AMPLE, org=st.integers(1, 3), team=st.integers(1, 3))
    def accounts(self, org: int, team: int, **given: int | None) -> None:
        names: dict[str, list[tuple[Kind, str]]] = {
            "org:o": [("day", "day"), ("total", "total")], "team:t": [("month", "month")], "key:a": [("month", "own")],
        }  # fmt: skip
        for name, kinds in names.items():
            self.limits[name] = {kind: limit for kind, which in kinds if (limit := given[which]) is not None}
        self.split = {"org:o": org, "team:t": team, "key:a": 1, "key:b": 1}
        for name, parent in PARENTS.items():
            self.books.open(name, parent, shards=self.split[name], **self.limits[name])

    @rule(target=calls, key=KEYS, amount=AMOUNTS, skew=st.integers(-60, 60))
    def call(self, key: str, amount: int, skew: int) -> Any:
        """A caller, whose clock may be wrong, wants to spend so much."""
        now = self.clock.now + skew
        places = self.payers(key, now)
        admitted = all(self.fits(place, amount) for place in places)
        asked = wanted(amount, now=now, lease=int(now) + LIFE_S)
        try:
            hold = holds.take(key, asked, Rates(), KIND, soon(20))
        except (BudgetExceeded, BudgetHeld):
            assert not admitted
            return multiple()
        assert admitted, "it was let in where it does not fit"
        call = Told(Payment(Allowance(), hold), asked.lease, dict.fromkeys(places, amount), places, cap=self.cap)
        self.told.append(call)
        return call

    @rule(call=calls, more=AMOUNTS)
    def extend(self, call: Told, more: int) -> None:
        hold = call.payment.hold
        if not hold.open:
            return
        if not call.held:
            with pytest.raises(StoreUnavailable):
                hold.extend(more, soon(20))
            return
        fits = not more or all(self.grows(call, place, more) for place in call.places)
        try:
            hold.extend(more, soon(20))
        except (BudgetExceeded, BudgetHeld):
            split = any(self.split[account] > 1 for account, _ in call.places)
            assert split or not fits, "one shard has less than all, but here there is only one"
            return
        assert fits or not more, "it grew where it does not fit"
        call.held = {place: held + more for place, held in call.held.items()}

    @rule(call=calls, percent=st.integers(0, 100), outcome=st.sampled_from(["ok", "provider_error", "timeout"]))
    def answered(self, call: Told, percent: int, outcome: str) -> None:
        """An attempt ends and is written down: for some of what is held, for nothing, or for all of it."""
        payment = call.payment
        if call.ended or not payment.hold.open:
            return
        left = payment.hold.amount - payment.charged
        charged = {"ok": left * percent // 100, "provider_error": 0, "timeout": left}[outcome]
        row = Row(
            payment.hold.call_id, USER, "k", "chat", "m", "p", "m", len(payment.rows) + 1, False, outcome, Usage(),
            charged, charged, outcome == "timeout", "v", 1,
        )  # fmt: skip
        came_back = not call.held
        try:
            payment.cover(left, MODEL, soon(20))
            payment.record(row)
        except (StoreUnavailable, LedgerUnavailable):
            assert came_back
            return
        assert not came_back or call.remembered
        call.charged, call.ended, call.estimate = call.charged + charged, outcome == "ok", 0

    @rule(call=calls)
    def settled(self, call: Told) -> None:
        """Its caller ends it: in time, for the second time, or long after it was swept."""
        swept, over = not call.held, not call.payment.hold.open
        call.payment.settle()
        if not over and (not swept or call.remembered):
            call.estimate = call.remembered = 0
            call.book(call.charged, *call.places)

    @rule(call=consumes(calls))
    def died(self, call: Told) -> None:
        """Nobody hears of its caller any more."""

    @rule(call=consumes(calls), windows=st.integers(1, 3))
    def died_settling(self, call: Told, windows: int) -> None:
        hold = call.payment.hold
        for place in list(hold.open)[:windows] if call.held and call.payment.rows else []:
            steps.settle(place, hold.call_id, hold.open[place], call.charged, soon(20))
            call.book(call.charged, (place.account, place.label))

    @rule(call=consumes(calls), windows=st.integers(1, 3), more=st.integers(1, 100))
    def died_extending(self, call: Told, windows: int, more: int) -> None:
        hold = call.payment.hold
        for place in list(hold.open)[:windows] if call.held else []:
            try:
                steps.extend(place, hold.call_id, hold.open[place], more, soon(20))
            except ConditionFailed:
                return
            call.held[place.account, place.label] += more

    @rule(key=KEYS, amount=AMOUNTS, windows=st.integers(1, 3))
    def died_taking(self, key: str, amount: int, windows: int) -> None:
        """It holds in some windows, and no more is ever heard of it: nobody was asked, so it is free."""
        now, places = self.clock.now, self.payers(key, self.clock.now)
        asked = wanted(amount, now=now, lease=int(now) + LIFE_S)
        call = Told(Payment(Allowance(), Hold(asked.call_id, USER)), asked.lease, {}, places)
        self.told.append(call)
        for place in places[: min(windows, len(places) - 1)]:
            fits = self.fits(place, amount)
            try:
                if place == places[0]:
                    admission.hold_own(Window(*place), asked, Rates(), KIND, soon(20))
                else:
                    shards.hold(*place, self.split[place[0]], asked, soon(20))
            except (BudgetExceeded, BudgetHeld):
                assert not fits
                return
            assert fits
            call.held[place] = amount

    @rule(skew=st.integers(-300, 300))
    def sweep(self, skew: int) -> None:
        """By a clock of its own, which may be wrong too."""
        now = self.clock.now + skew
        for call in self.told:
            call.swept(now, self.clock.now)
        assert sweeper.sweep(now, soon(30)).failed == 0

    @rule(account=st.sampled_from(sorted(PARENTS)), kind=st.sampled_from(KINDS), to=LIMITS)
    def limited(self, account: str, kind: Kind, to: int | None) -> None:
        limits.change(account, {kind: to}, lambda _before, _after: [], soon(20))
        self.limits[account].pop(kind, None)
        if to is not None:
            self.limits[account][kind] = to
        near = {(account, window.label(kind, self.clock.now + skew)) for skew in (-300, 0, 300)}
        for place in near & set(self.begun):
            self.begun[place] = UNLIMITED if to is None else to
            self.lowered.add(place)

    @rule(seconds=st.sampled_from([1, 30, 86, 150, 400, 1_000, 90_000]))
    def later(self, seconds: int) -> None:
        self.clock.now += seconds

    # --------------------------------------------------------------------------------------- what always holds

    @invariant()
    def the_tables_say_what_the_model_says(self) -> None:
        for place, found in self.sums().items():
            model = (self.held(place), self.spent(place), self.begun[place])
            assert (found["held"], found["spent"], found["limit"]) == model, place
            assert place in self.lowered or found["held"] + found["spent"] <= found["limit"], place
            assert not found["overrun"], place

    def sums(self) -> dict[Place, dict[str, int]]:
        found: dict[Place, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for item in self.books.windows():
            sound(item)
            for name in ("limit", "held", "spent", "overrun"):
                found[item["account"], item["window"]][name] += item[name]
        return found

    def teardown(self) -> None:
        """When all is swept and forgotten, every account has spent what its calls' rows say, and holds nothing."""
        for minutes in (30, 60):
            sweeper.sweep(self.clock.now + minutes * 60, soon(30))
        rows: dict[str, int] = defaultdict(int)
        for row in self.books.rows():
            rows[row["id"]] += row["charged"]
        for place, found in self.sums().items():
            calls = [call.payment.hold.call_id for call in self.told if place in call.places]
            assert (found["held"], found["spent"]) == (0, sum(rows[each] for each in calls)), place


def test_whatever_happens_the_ledger_is_right(books: Books, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ledger, "clock", clock, raising=False)
    wishes = settings(
        max_examples=STORIES, stateful_step_count=STEPS, suppress_health_check=list(HealthCheck), print_blob=True
    )
    run(Ledger, settings=wishes)
