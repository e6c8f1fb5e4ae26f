"""One race from start to verdict: the weather at the tables, the cast in its processes, the witness, the judge."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import ROOT, Platform
from tests.races.conftest import Strict
from tests.races.evidence import Evidence, Item, Witness
from tests.races.plan import Journal, Plan
from tests.races.verdict import Trial

PATIENCE_S = 900
Progress = Callable[[Counter[str]], None]


@dataclass(frozen=True)
class Outcome:
    """What the table shows of one race. `seconds` is the time in which calls were made."""

    plan: Plan
    trial: Trial
    journal: list[Item]
    faults: dict[str, int]
    seconds: float
    busiest: int = 0
    """Write units of the item that took most."""

    @property
    def pace(self) -> float:
        """Calls a second."""
        return self.plan.calls / self.seconds

    @property
    def admitted(self) -> int:
        return sum(bool(call.sold) for call in self.trial.calls.values())

    @property
    def answered(self) -> int:
        return sum(call.status == 200 for call in self.trial.calls.values())

    @property
    def refused(self) -> int:
        return sum(call.status in (402, 429) for call in self.trial.calls.values())

    @property
    def failed(self) -> int:
        """Whom the tables failed: told so, with nothing charged or at the most what was held."""
        return sum(call.status not in (200, 402, 429, None) for call in self.trial.calls.values())

    @property
    def left(self) -> int:
        """Of the failed: what the sweeper booked, because the tables did not let them give back their holds."""
        return sum(call.left and call.booked > 0 and not call.sold for call in self.trial.calls.values())

    @property
    def killed(self) -> int:
        return sum(call.status is None for call in self.trial.calls.values())

    @property
    def swept(self) -> int:
        done = [line for line in self.journal if line["what"] == "swept" and "broken" not in line]
        return sum(line["finished"] + line["estimated"] + line["abandoned"] for line in done)

    @property
    def moved(self) -> int:
        """Changes of a limit that took place, also by somebody who was killed before he could say so."""
        return self.trial.moves

    @property
    def frozen(self) -> int:
        return sum(line["what"] == "frozen" for line in self.journal)


def run(platform: Platform, strict: Strict, plan: Plan, faults: dict[str, Any], progress: Progress) -> Outcome:
    """Raises RuntimeError with the last words of a supervisor that could not go on."""
    path = plan.save()
    journal = plan.open_journal()
    strict.suffer()
    with Witness(platform, plan.model) as witness, _supervised(platform, strict, plan, path) as supervisor:
        assert supervisor.stdin
        strict.suffer(**faults)
        supervisor.stdin.write("go\n")
        supervisor.stdin.flush()
        lines = _followed(supervisor, plan, journal, progress)
    told = strict.told
    strict.suffer()
    names = {account.name for account in plan.accounts} | {f"key:{key[:20]}" for key in plan.read_keys()}
    history = [change for change in witness.history() if change.account in names]
    evidence = Evidence(lines, history, witness.rows(plan.user), witness.sold())
    evidence.keep(Path(plan.folder))
    times = {line["what"]: line["at"] for line in lines if line["what"] in ("started", "finished")}
    busiest = max((each["units"] for each in told["busiest"]), default=0)
    return Outcome(plan, Trial(evidence), lines, told["counts"], times["finished"] - times["started"], busiest)


@contextmanager
def _supervised(platform: Platform, strict: Strict, plan: Plan, path: Path) -> Iterator[subprocess.Popen[str]]:
    """The supervisor, when all accounts are open; nobody of its cast outlives it."""
    source = os.pathsep.join(str(ROOT / part) for part in ("layers/llm_core", "functions", "."))
    environment = {**os.environ, **platform.environment, "AWS_ENDPOINT_URL_DYNAMODB": strict.url, "PYTHONPATH": source}
    with (Path(plan.folder) / "doors.log").open("wb") as log:
        running = subprocess.Popen(
            [sys.executable, "-m", "tests.races.supervisor", str(path)],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
    try:
        _until(plan.keys_file.exists, running, plan, 60)
        yield running
    finally:
        with suppress(ProcessLookupError):  # they have all gone by themselves
            os.killpg(running.pid, signal.SIGKILL)
        running.wait()


def _followed(supervisor: subprocess.Popen[str], plan: Plan, journal: Journal, progress: Progress) -> list[Item]:
    """All lines of the journal, once the supervisor has ended."""
    lines: list[Item] = []
    counts: Counter[str] = Counter()

    def over() -> bool:
        for line in journal.news():
            lines.append(line)
            counts[line["what"]] += 1
        progress(counts)
        return supervisor.poll() == 0

    _until(over, supervisor, plan, PATIENCE_S)
    over()
    return lines


def _until(done: Callable[[], bool], running: subprocess.Popen[str], plan: Plan, seconds: float) -> None:
    until = time.monotonic() + seconds
    while not done():
        if running.poll() not in (None, 0) or time.monotonic() > until:
            raise RuntimeError((Path(plan.folder) / "doors.log").read_text()[-3000:])
        time.sleep(0.1)
