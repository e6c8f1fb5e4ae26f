"""One turn of the model, on the emulator's tables: what was paid is paid once, whatever becomes of it."""

from __future__ import annotations

from typing import Any

import pytest

from agents import conversation, turns
from llm_core.aws import table
from llm_core.callers import Caller
from llm_core.deadline import Deadline
from llm_core.runs import run as runs
from llm_core.runs.run import Terms
from llm_core.runs.start import Order, written
from tests.conftest import Platform, fresh
from tests.functions.accounts.holder import someone


def test_a_defect_of_ours_after_the_answer_ends_the_run_and_is_not_paid_again(
    understudy: Platform, inside: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder, deadline = someone(inside), Deadline.after(30)
    caller = Caller(holder.key_id, holder.user, frozenset({"agent:run"}))
    made = written(caller, Order("research", {"topic": "a"}, Terms((), fresh("alone"), 10, 60)), deadline)

    def broken(*_: Any) -> None:
        raise TypeError("what nobody foresaw")

    monkeypatch.setattr(conversation, "kept_turn", broken)
    for _ in range(2):  # as the state machine would
        assert turns.take(made.id, 1, deadline)["outcome"] == "over"
    over = runs.find(made.id)
    booked = list(
        table.query(inside.environment["USAGE_TABLE_NAME"], {"userId": holder.user}, between=("timestamp", 0, 10**14))
    )
    assert (over.status, over.reason) == ("failed", "internal")
    assert [row["charged"] for row in booked] == [over.cost]
