"""Runs the cast of one race: `python -m tests.races.supervisor PLAN`, in the doors' environment.

It loads the doors once and forks its players, so that one that is killed is replaced in no time.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from llm_core.accounts.steps import TRACE_SECONDS
from llm_core.aws import clients
from tests.races import cast
from tests.races.plan import Plan

TICK_S = (0.005, 0.04)
LIVES_S = (2.0, 6.0)
"""How long the sweeper and the mover live before they, too, are killed."""

LAST_SWEEPS = 2
PATIENCE_S = 90


@dataclass(slots=True)
class Player:
    """`left` are the calls that it has not begun, `open` those that it has not ended, `holding` the words of these."""

    left: int
    open: int = 0
    holding: set[str] = field(default_factory=set)
    thaws: float = 0
    """When it goes on, if it is frozen."""


class Supervisor:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.journal = plan.open_journal()
        self.callers: dict[int, Player] = {}
        self.others: dict[Callable[[Plan], None], tuple[int, float]] = {}
        self.begun = self.killed = self.kills = self.frozen = self.numbered = self.swept = 0
        self.random = random.Random(plan.seed)

    def run(self) -> None:
        """Until all calls have begun and ended one way or the other, and what they left open was swept."""
        others = [cast.sweeper, *([cast.mover] if self.plan.moved else [])]
        # Made once, and connected by nobody before the fork: a connection cannot be shared. On Lambda one thread makes
        # boto3's classes of exceptions, and the door's middlewares; threads that make them at the same time break them.
        assert clients.dynamodb().exceptions.ConditionalCheckFailedException
        cast.open_door(self.plan)
        os.waitpid(self._fork(partial(cast.open_accounts, self.plan)), 0)
        sys.stdin.readline()  # whoever started us makes the weather, then lets us go
        self.journal.write("started")
        while self.begun < self.plan.calls or self.callers:
            self._replace(others)
            time.sleep(self.random.uniform(*TICK_S))
            self._read()
            self._reap()
            self._kill()
            self._freeze()
        self.journal.write("finished")
        self._stop(cast.mover)
        self._sweep_up()

    def _replace(self, others: Sequence[Callable[[Plan], None]]) -> None:
        while len(self.callers) < self.plan.processes and (share := self._share()):
            numbers = range(self.numbered, self.numbered + share)
            self.numbered += share
            self.callers[self._fork(partial(cast.caller, self.plan, numbers))] = Player(left=share)
        for other in others:
            pid, until = self.others.get(other, (0, 0.0))
            if time.monotonic() > until:
                if pid:
                    self._stop(other)
                lives = time.monotonic() + self.random.uniform(*LIVES_S)
                self.others[other] = (self._fork(partial(other, self.plan)), lives)

    def _share(self) -> int:
        """The calls for another caller: none while those that live may begin all that are missing."""
        expected = self.begun + sum(player.left for player in self.callers.values())
        return max(min(self.plan.quota, self.plan.calls - expected), 0)

    def _read(self) -> None:
        """What the journal says."""
        for line in self.journal.news():
            player = self.callers.get(line["pid"])
            if line["what"] == "begun":
                self.begun += 1
                if player:
                    player.left, player.open = player.left - 1, player.open + 1
            elif line["what"] == "held" and player:
                player.holding.add(line["word"])
            elif line["what"] == "ended" and player:
                player.open -= 1
                player.holding.discard(line["word"])
            elif line["what"] == "swept" and line.get("failed") == 0:
                self.swept += 1

    def _reap(self) -> None:
        """Who has ended by himself."""
        for pid in list(self.callers):
            ended, _ = os.waitpid(pid, os.WNOHANG)
            if ended:
                del self.callers[pid]

    def _kill(self) -> None:
        """While too few calls have been killed: in turns at a random moment, and while a call holds money."""
        waits = self.kills % 2 == 0
        working = [
            pid
            for pid, player in self.callers.items()
            if (player.holding if waits else player.open) and not player.thaws
        ]
        if not working or self.killed >= self.plan.killed * self.begun:
            return
        victim = self.random.choice(working)
        os.kill(victim, signal.SIGKILL)
        os.waitpid(victim, 0)
        self._read()  # its last words
        self.kills += 1
        self.killed += self.callers.pop(victim).open
        self.journal.write("killed", player=victim)

    def _freeze(self) -> None:
        """Evenly over the race; longer than any lease."""
        now = time.monotonic()
        for pid, player in self.callers.items():
            if player.thaws and now > player.thaws:
                os.kill(pid, signal.SIGCONT)
                player.thaws = 0
        due = self.plan.frozen * self.begun > self.frozen * self.plan.calls
        working = [pid for pid, player in self.callers.items() if player.open and not player.thaws]
        if due and working:
            victim = self.random.choice(working)
            os.kill(victim, signal.SIGSTOP)
            self.callers[victim].thaws = now + self.plan.seconds + self.plan.lease_s + 3
            self.frozen += 1
            self.journal.write("frozen", player=victim)

    def _sweep_up(self) -> None:
        """Whole sweeps once the last lease is over, once nobody waits for a late index, and once the last trace is."""
        time.sleep(self.plan.seconds + self.plan.lease_s + 2 * self.plan.skew_s)
        for _ in range(3):
            self._sweeps()
            self.plan = replace(self.plan, ahead_s=self.plan.ahead_s + 2 * TRACE_SECONDS)

    def _sweeps(self) -> None:
        self._read()
        enough, until = self.swept + 1 + LAST_SWEEPS, time.monotonic() + PATIENCE_S
        while self.swept < enough and time.monotonic() < until:
            self._replace([cast.sweeper])
            time.sleep(0.1)
            self._read()
        self._stop(cast.sweeper)

    def _stop(self, other: Callable[[Plan], None]) -> None:
        pid, _ = self.others.pop(other, (0, 0.0))
        if pid:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def _fork(self, play: Callable[[], None]) -> int:
        pid = os.fork()
        if pid:
            return pid
        code = 1
        try:
            random.seed()
            cast.dress(self.plan)
            play()
            code = 0
        except BaseException as error:  # noqa: BLE001 - nothing of the supervisor's own may run in its child
            self.journal.write("broken", error=repr(error))
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(code)


if __name__ == "__main__":
    Supervisor(Plan.load(Path(sys.argv[1]))).run()
