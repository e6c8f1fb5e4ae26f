"""The failure wall: whatever a provider, the way to it or a caller does, no cut answer looks whole, no money is lost
or booked twice, and nothing hangs.

The whole platform runs, the official SDKs are the clients, the understudy misbehaves as the catalogue of failures says.
Here each failure once; `make faults` plays all of them in every combination and writes docs/benchmarks/faults.md.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import pytest

from llm_core import keys
from llm_core.keys import Terms
from tests.conftest import ROOT, as_a_door, started
from tests.faults import evidence, page, verdict, wall
from tests.faults.callers import Clients
from tests.faults.evidence import Windows
from tests.faults.page import Played
from tests.faults.wall import Case

DOCUMENT = ROOT / "docs/benchmarks/faults.md"
ALL = os.environ.get("DREY_WALL") == "all"
EVERY = wall.cases()
CASES = EVERY if ALL else wall.smoke(EVERY)
AT_ONCE = 6


@dataclass
class Wall:
    played: dict[str, Played] = field(default_factory=dict)
    windows: Windows = field(default_factory=lambda: Windows({}, {}))
    keys: dict[str, str] = field(default_factory=dict)
    """By failure."""


@contextmanager
def no_providers() -> Iterator[dict[str, str]]:
    """Base URLs of two: at one nobody listens, at the other somebody who does not speak TLS."""
    with socket.socket() as closed, socket.create_server(("127.0.0.1", 0)) as plain:
        closed.bind(("127.0.0.1", 0))

        def greet() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = plain.accept()
                    with connection:
                        connection.sendall(b"220 This is no TLS\r\n")

        threading.Thread(target=greet, daemon=True).start()
        yield {
            "closed": f"http://127.0.0.1:{closed.getsockname()[1]}/v1",
            "not-tls": f"https://127.0.0.1:{plain.getsockname()[1]}/v1",
        }
        plain.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wall]:
    """Every case, several at a time."""
    told = Wall()
    began = time.monotonic()
    with no_providers() as endpoints, pytest.MonkeyPatch.context() as patch:
        overlay = wall.overlay(CASES, endpoints)
        with (
            started(tmp_path_factory.mktemp("wall"), overlay, WALL_KEY="sk-wall") as running,
            as_a_door(running, patch),
        ):
            made = {
                failure: keys.create(failure[:40], user_id="wall", terms=Terms({"ai:complete"}, {"month": 10**10}))
                for failure in dict.fromkeys(case.failure.name for case in CASES)
            }
            told.keys = {failure: key.key_id for failure, key in made.items()}
            clients = Clients(running.url)
            with ThreadPoolExecutor(AT_ONCE) as pool:
                seen = list(
                    pool.map(lambda case: wall.play(running, clients, case, made[case.failure.name].api_key), CASES)
                )
            told.windows = evidence.settled(running, list(told.keys.values()))
            found = evidence.gathered(running, CASES)
    for case, one in zip(CASES, seen, strict=True):
        left = found[case.model]
        told.played[case.id] = Played(case, one, left, verdict.judged(case, one, left))
    yield told
    if os.environ.get("DREY_WRITE_DOCS"):
        DOCUMENT.write_text(page.written(list(told.played.values()), time.monotonic() - began))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_what_comes_of_a_failure(played: Wall, case: Case) -> None:
    one = played.played[case.id]
    assert not one.violations, f"{one.violations}\n{one.seen}\n{one.evidence.rows}\n{one.evidence.sold}"


def test_nothing_is_held_when_all_is_over(played: Wall) -> None:
    assert {name: held for name, held in played.windows.held.items() if held} == {}


def test_what_is_spent_is_the_sum_of_the_rows(played: Wall) -> None:
    charged: Counter[str] = Counter()
    for one in played.played.values():
        charged[played.keys[one.case.failure.name]] += sum(int(row["charged"]) for row in one.evidence.rows)
    assert dict(played.windows.spent) == {key: charged[key] for key in played.keys.values()}


def test_a_provider_learns_that_its_caller_has_left(played: Wall) -> None:
    """It was silent for ever: only a closed connection ends such a call."""
    for one in played.played.values():
        if one.case.failure.leaves:
            assert [(sale["open"], sale["ended"]) for sale in one.evidence.sold] == [(False, False)], one.case.id


def test_the_wall_is_as_high_as_it_is_said_to_be() -> None:
    assert len({case.failure.name for case in CASES}) >= 30
    assert len(EVERY) >= 360
    assert {(case.dialect, case.mode, case.candidates) for case in CASES} == {
        (dialect, mode, count) for dialect in wall.DIALECTS for mode in wall.MODES for count in (1, 2)
    }
