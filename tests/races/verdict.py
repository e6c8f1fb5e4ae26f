"""Was any limit exceeded, anything lost, anything paid twice? Judged from the evidence alone, by its own arithmetic."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tests.races.evidence import Change, Evidence, Item

INPUT, OUTPUT = 1_000, 5_000
"""nano-USD a token: the prices of every model that tests/conftest.py puts up for `alone` and `claude`."""

MARKUP = Fraction(102, 100)


def bill(sale: Item) -> int:
    """What the provider asks for a sale, nano-USD."""
    return int(INPUT * sale["usage"]["input"] + OUTPUT * sale["usage"]["output"])


@dataclass
class Call:
    """One word. `status` is None for a call that never ended; `most` the most it ever held on one account."""

    word: str
    key: str
    ids: list[str] = field(default_factory=list)
    status: int | None = None
    code: str = ""
    rows: list[Item] = field(default_factory=list)
    sold: list[Item] = field(default_factory=list)
    most: int = 0

    @property
    def booked(self) -> int:
        return sum(row["charged"] for row in self.rows)

    @property
    def left(self) -> bool:
        """The tables failed it, also when it gave back its hold, so the sweeper found it as if its caller had died."""
        return self.code == "store_unavailable" and bool(self.rows) and all(row["swept"] for row in self.rows)

    @property
    def billed(self) -> int:
        return sum(row["cost"] for row in self.rows)


class Trial:
    """`violations` are sentences; a race without any has kept the promise."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.violations: list[str] = []
        self.calls = _calls(evidence)
        self.by_id = {call_id: call for call in self.calls.values() for call_id in call.ids}
        self.windows: dict[str, Item] = {}
        self.accounts: dict[str, Item] = {}
        self.moves = 0
        self.spent: dict[str, Counter[str]] = defaultdict(Counter)
        """By account and call: what was booked there."""

        for line in evidence.journal:
            if line["what"] == "broken":
                self._accuse(f"the product broke: {line['error']}")
        for number, change in enumerate(evidence.history):
            self._follow(number, change)
        self._judge_ends()
        self._judge_rows()
        for call in self.calls.values():
            self._judge(call)
        for word in evidence.sold.keys() - self.calls.keys():
            self._accuse(f"{len(evidence.sold[word])} answers were sold to nobody we know ({word})")

    def _accuse(self, sentence: str) -> None:
        self.violations.append(sentence)

    # ---------------------------------------------------------------------------------------- at every instant

    def _follow(self, number: int, change: Change) -> None:
        """One write to one item, in the order in which they were carried out."""
        after = change.after
        if after is None or "limit" not in after:
            if after is not None and "limits" in after:
                self.moves += change.before is not None and change.before["limits"] != after["limits"]
                self.accounts[after["userId"]] = after
            return
        self.windows[after["userId"]] = after
        before = change.before or {"holds": {}, "spent": 0, "limit": after["limit"], "remaining": after["limit"]}
        self._judge_sums(number, after)
        admitted = _admitted(before, after)
        for call_id in admitted:
            self._judge_admission(number, after, call_id)
        overrun = after["overrun"] - before.get("overrun", 0)
        if before["remaining"] >= 0 > after["remaining"] and after["limit"] >= before["limit"] and not overrun:
            self._accuse(f"change {number}: {after['userId']} was overspent by a write that lowered no limit")
        self._book(number, before, after)

    def _judge_sums(self, number: int, item: Item) -> None:
        if item["limit"] != item["remaining"] + item["held"] + item["spent"]:
            self._accuse(f"change {number}: {item['userId']} does not add up: {_told(item)}")
        if item["held"] != sum(entry["e"] for entry in item["holds"].values()):
            self._accuse(f"change {number}: {item['userId']} holds something else than its holds: {_told(item)}")
        if item["held"] < 0 or item["spent"] < 0:
            self._accuse(f"change {number}: {item['userId']} is below nothing: {_told(item)}")

    def _judge_admission(self, number: int, item: Item, call_id: str) -> None:
        """A call was let in: in this shard, and in all shards of the account together, it must have fitted."""
        if call_id in self.by_id:
            call = self.by_id[call_id]
            call.most = max(call.most, item["holds"][call_id]["e"])
        if item["remaining"] < 0:
            self._accuse(f"change {number}: {call_id} was admitted to {item['userId']} beyond its limit: {_told(item)}")
        account, label = item["account"], item["window"]
        ours = [other for other in self.windows.values() if other["account"] == account]
        limit, spent, held = (sum(o[name] for o in ours if o["window"] == label) for name in ("limit", "spent", "held"))
        if spent + held > limit:
            self._accuse(f"change {number}: {call_id} was admitted to {account}: spent {spent}, held {held} of {limit}")
        latest = max(other["window"] for other in ours)
        granted = self.accounts[account]["limits"].get("month", limit)
        if label == latest and limit != granted:
            self._accuse(f"change {number}: {account} may spend {granted}, its window of {label} says {limit}")

    def _book(self, number: int, before: Item, after: Item) -> None:
        """Whatever is booked belongs to the one call whose hold ended, or whose trace was made true, by this write."""
        more = after["spent"] - before["spent"]
        ended = [
            call_id for what in ("holds", "ended") for call_id in before.get(what, {}) if call_id not in after[what]
        ]
        if len(ended) > 1 or (more and len(ended) != 1):
            self._accuse(f"change {number}: {after['userId']} booked {more} for {len(ended)} calls at once")
        for call_id in ended:
            self.spent[after["account"]][call_id] += more

    # ---------------------------------------------------------------------------------------- at the end

    def _judge_ends(self) -> None:
        for name, item in self.windows.items():
            if item["held"] or item["holds"]:
                self._accuse(f"{name} still holds {item['held']} for {', '.join(item['holds'])}")
            if item["ended"]:
                self._accuse(f"{name} still remembers {', '.join(item['ended'])}")

    def _judge_rows(self) -> None:
        """On every account, what is spent is the sum of the rows of the calls that it paid: of each one, and in all."""
        charged: Counter[str] = Counter()
        for row in self.evidence.rows:
            charged[row["id"]] += row["charged"]
            if row["id"] not in self.by_id:
                self._accuse(f"the row of {row['id']} belongs to no call that was begun")
        for account, booked in self.spent.items():
            for call_id in charged.keys() | booked.keys():
                if charged[call_id] != booked[call_id] and self._pays(account, call_id):
                    sentence = f"{account} booked {booked[call_id]} for {call_id}, its rows say {charged[call_id]}"
                    self._accuse(f"{sentence}: {self._told(call_id)}")
            paid = sum(amount for call_id, amount in charged.items() if self._pays(account, call_id))
            spent = sum(item["spent"] for item in self.windows.values() if item["account"] == account)
            if spent != paid:
                self._accuse(f"{account} has spent {spent}, its rows say {paid}")

    def _pays(self, account: str, call_id: str) -> bool:
        call = self.by_id.get(call_id)
        return not account.startswith("key:") or (call is not None and account == f"key:{call.key}")

    def _judge(self, call: Call) -> None:
        bills = sum(map(bill, call.sold))
        told = f"{call.word} ({_status(call)}; rows {[_row(row) for row in call.rows]}, sold {bills})"
        for row in call.rows:
            if (
                row["charged"] < math.ceil(row["cost"] * MARKUP) - 1
                or row["charged"] > math.ceil(row["cost"] * MARKUP) + 1
            ):
                self._accuse(f"{told}: the markup is wrong")
        if len(call.sold) > 1:
            self._accuse(f"{told}: a provider was asked {len(call.sold)} times")
        if call.status == 200 and (
            call.billed != bills or len(call.sold) != 1 or any(r["estimated"] for r in call.rows)
        ):
            self._accuse(f"{told}: an answered call is not booked as it was sold")
        if call.status not in (200, None) and not call.sold and call.booked and not call.left:
            self._accuse(f"{told}: a refused call is charged")
        if not bills <= call.billed or not call.booked <= max(call.most, 0):
            self._accuse(f"{told}: not sold <= booked <= held ({call.most})")
        if call.code == "internal" or call.status in (0, 400, 401, 403, 404):
            self._accuse(f"{told}: the door broke")

    def _told(self, call_id: str) -> str:
        call = self.by_id.get(call_id)
        return f"{call.word} {_status(call)} {[_row(row) for row in call.rows]}" if call else "nobody's"


def _calls(evidence: Evidence) -> dict[str, Call]:
    calls: dict[str, Call] = {}
    for line in evidence.journal:
        match line["what"]:
            case "begun":
                calls[line["word"]] = Call(line["word"], line["key"], sold=evidence.sold.get(line["word"], []))
            case "known":
                calls[line["word"]].ids.append(line["call"])
            case "ended":
                calls[line["word"]].status, calls[line["word"]].code = line["status"], line["code"]
    rows: dict[str, list[Item]] = defaultdict(list)
    for row in evidence.rows:
        rows[row["id"]].append(row)
    for call in calls.values():
        call.rows = [row for call_id in call.ids for row in rows[call_id]]
    return calls


def _admitted(before: Item, after: Item) -> Iterator[str]:
    """Calls that hold more than before."""
    for call_id, entry in after["holds"].items():
        if entry["e"] > before["holds"].get(call_id, {"e": 0})["e"]:
            yield call_id


def _status(call: Call) -> str:
    return f"{call.status} {call.code}" if call.status is not None else "killed"


def _row(row: Item) -> dict[str, Any]:
    return {name: row[name] for name in ("attempt", "outcome", "charged", "estimated", "swept")}


def _told(item: Item) -> dict[str, Any]:
    return {name: item[name] for name in ("limit", "remaining", "held", "spent", "overrun")}
