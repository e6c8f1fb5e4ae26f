"""The parts that processes play in a race: callers at the real door, the real sweeper, somebody who moves limits.

They run in the doors' environment, in processes that may be killed at any point. Nothing of the product is replaced but
its clock, and the time after which an unfinished call is swept.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

from accounts import sweep
from gateway import chat
from llm_core import keys
from llm_core.accounts import holds, limits, shards, steps, tree, window
from llm_core.aws.writes import together
from llm_core.call import Call
from llm_core.deadline import Deadline
from llm_core.errors import DreyError
from local.door import Context
from tests.conftest import ROOT
from tests.races.plan import Journal, Plan

EVENT = json.loads((ROOT / "events/gateway/chat-hello.json").read_text())
MOVES_S = (0.1, 0.5)
SWEEPS_S = 1.0

_call = threading.local()


def dress(plan: Plan) -> None:
    """The clock of this process, the lease, and a word in the journal for each call that gets an id, or holds money."""
    ahead = plan.ahead_s + random.uniform(-plan.skew_s, plan.skew_s)
    seconds, nanoseconds = time.time, time.time_ns
    time.time = lambda: seconds() + ahead
    time.time_ns = lambda: nanoseconds() + int(ahead * 1e9)
    steps.LEASE_SECONDS = plan.lease_s
    begin, take, journal = Call.__init__, holds.take, plan.open_journal()

    def begun(self: Call, *args: Any, **fields: Any) -> None:
        begin(self, *args, **fields)
        journal.write("known", word=_call.word, call=self.id)

    def taken(*args: Any) -> holds.Hold:
        hold = take(*args)
        journal.write("held", word=_call.word)
        return hold

    Call.__init__ = begun  # type: ignore[method-assign]
    holds.take = taken  # type: ignore[assignment]


def open_door(plan: Plan) -> None:
    """By somebody who has no key, so that no table is asked."""
    context = Context("GatewayChat", 1024, time.monotonic() + plan.seconds)
    assert chat.handler(_event(plan.model, "nobody", ""), context)["statusCode"] == 401


def open_accounts(plan: Plan) -> None:
    """The accounts and the keys below them."""
    for account in plan.accounts:
        month: dict[window.Kind, int] = {} if account.month is None else {"month": account.month}
        opened = tree.Account(account.name, account.parent, month, account.shards)
        together(tree.opening(opened), Deadline.after(10))
    month = {} if plan.key_month is None else {"month": plan.key_month}
    terms = keys.Terms({"ai:complete"}, limits=month, policy="refuse")
    lowest = plan.accounts[-1].name if plan.accounts else None
    made = [keys.create("race", user_id=plan.user, terms=terms, parent=lowest).api_key for _ in range(plan.keys)]
    plan.write_keys(made)


def caller(plan: Plan, numbers: Sequence[int]) -> None:
    """Calls with these numbers, on several threads at once."""
    left, lock = iter(numbers), threading.Lock()
    journal, api_keys = plan.open_journal(), plan.read_keys()

    def take() -> Iterator[int]:
        while True:
            with lock:
                number = next(left, None)
            if number is None:
                return
            yield number

    def run() -> None:
        for number in take():
            _ask(plan, journal, number, api_keys[number % plan.keys])

    threads = [threading.Thread(target=run) for _ in range(plan.threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _ask(plan: Plan, journal: Journal, number: int, api_key: str) -> None:
    _call.word = f"race{plan.seed}word{number}end"
    journal.write("begun", word=_call.word, key=api_key[:20])
    context = Context("GatewayChat", 1024, time.monotonic() + plan.seconds)
    try:
        answer = chat.handler(_event(plan.model, api_key, _call.word), context)
    except Exception as error:  # noqa: BLE001 - told as what it is: a door that raises
        journal.write("ended", word=_call.word, status=0, code=repr(error))
        return
    body = json.loads(answer["body"])
    code = body.get("error", {}).get("code", "ok") if answer["statusCode"] != 200 else "ok"
    journal.write("ended", word=_call.word, status=answer["statusCode"], code=code)


def _event(model: str, api_key: str, word: str) -> dict[str, Any]:
    asked = {"model": model, "max_tokens": 40, "messages": [{"role": "user", "content": f"What does {word} mean?"}]}
    kept = {name: value for name, value in EVENT["multiValueHeaders"].items() if name != "Authorization"}
    return {
        **EVENT,
        "headers": {**EVENT["headers"], "Authorization": f"Bearer {api_key}"},
        "multiValueHeaders": {**kept, "Authorization": [f"Bearer {api_key}"]},
        "body": json.dumps(asked),
    }


def sweeper(plan: Plan) -> None:
    """Sweep each second, for ever."""
    journal = plan.open_journal()
    while True:
        began = time.monotonic()
        try:
            done = sweep.handler({"id": "race"}, Context("AccountsSweep", 512, time.monotonic() + 30))
        except DreyError as error:  # Lambda's next schedule comes in any case
            journal.write("swept", broken=error.code)
        else:
            journal.write("swept", took=time.monotonic() - began, **done)
        time.sleep(max(began + SWEEPS_S - time.monotonic(), 0))


def mover(plan: Plan) -> None:
    """Move the limits, now below what is spent and held, now above, for ever."""
    journal = plan.open_journal()
    own = [f"key:{api_key[:20]}" for api_key in plan.read_keys()]
    names = [name for moved in plan.moved for name in (own if moved == "key" else [moved])]
    while True:
        time.sleep(random.uniform(*MOVES_S))
        name = random.choice(names)
        limit = _spent(name) + random.randint(-4, 14) * plan.step
        try:
            limits.change(name, {"month": max(limit, 0)}, lambda _before, _after: (), Deadline.after(5))
        except DreyError as error:
            journal.write("moved", account=name, failed=error.code)
        else:
            journal.write("moved", account=name, limit=max(limit, 0))


def _spent(name: str) -> int:
    """In this month so far, and held; 0 when it has not begun or nobody can tell."""
    try:
        items = shards.read(name, window.label("month", time.time()), tree.find(name).shards)
    except DreyError:
        return 0
    return sum(item["spent"] + item["held"] for item in items)
