"""Blocks of requests to one lane after the other, round after round, so that a busy moment hits all alike."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.gateway.asking import Taken
from bench.gateway.http import read
from bench.gateway.lanes import Running


@dataclass(frozen=True, slots=True)
class Case:
    """What is asked, and how many at once."""

    name: str
    body: bytes
    at_once: int
    count: int


@dataclass(slots=True)
class Block:
    """Of one case, lane and round. `cpu_s`: processor of the lane's processes; `wall_s`: from the first to the last."""

    taken: list[Taken]
    cpu_s: float
    wall_s: float

    @property
    def cpu_ms(self) -> float:
        """Of one request."""
        return self.cpu_s * 1000 / len(self.taken)

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.taken) / self.wall_s


@dataclass
class Results:
    """{case: {lane: its blocks, one a round}}"""

    blocks: dict[str, dict[str, list[Block]]] = field(default_factory=dict)

    def add(self, case: str, lane: str, block: Block) -> None:
        self.blocks.setdefault(case, {}).setdefault(lane, []).append(block)

    def milliseconds(self, case: str, lane: str, share: float, *, first: bool = False) -> float:
        """A quantile of all rounds together; `first`: until the first content."""
        every = [taken for block in self.blocks[case][lane] for taken in block.taken]
        return quantile([taken.first_s if first else taken.seconds for taken in every], share) * 1000

    def added(self, case: str, lane: str, share: float, *, first: bool = False) -> float:
        """What the lane adds to the provider alone, milliseconds."""
        alone = self.milliseconds(case, "the provider alone", share, first=first)
        return self.milliseconds(case, lane, share, first=first) - alone

    def cpu_ms(self, case: str, lane: str) -> float:
        return statistics.median(block.cpu_ms for block in self.blocks[case][lane])

    def ratio(self, case: str, lane: str, other: str) -> float:
        """CPU time of a request, round by round: the median of the quotients."""
        pairs = zip(self.blocks[case][lane], self.blocks[case][other], strict=True)
        return statistics.median(one.cpu_ms / two.cpu_ms for one, two in pairs)

    def rate(self, case: str, lane: str) -> float:
        return statistics.median(block.rate for block in self.blocks[case][lane])

    def cpu_us_per_event(self, short: str, long: str, events: int, lane: str) -> float:
        """Microseconds of CPU time for one more event of a stream."""
        pairs = zip(self.blocks[short][lane], self.blocks[long][lane], strict=True)
        return statistics.median((two.cpu_ms - one.cpu_ms) * 1000 / events for one, two in pairs)


async def rounds(lanes: Sequence[Running], cases: Sequence[Case], number: int) -> Results:
    """Every case of every lane in each round, after one that only warms up. Raises asking.Failed."""
    results = Results()
    for lane in lanes:
        for case in cases:
            await block(lane, Case(case.name, case.body, case.at_once, min(case.count, 20)))
    for turn in range(number):
        order = [*lanes[turn % len(lanes) :], *lanes[: turn % len(lanes)]]
        for case in cases:
            for lane in order:
                results.add(case.name, lane.name, await block(lane, case))
    return results


async def block(lane: Running, case: Case) -> Block:
    taken: list[Taken] = []
    left = iter(range(case.count))

    async def caller() -> None:
        for _ in left:
            taken.append(await lane.lane.ask(case.body))

    before = lane.process.cpu_s if lane.process else 0.0
    began = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(case.at_once)))
    wall = time.perf_counter() - began
    return Block(taken, (lane.process.cpu_s if lane.process else 0.0) - before, wall)


async def table_calls(port: int) -> int:
    """How often the tables' stand-in has been asked."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    told = json.loads((await read(reader)).body)
    writer.close()
    return int(told["asked"])


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
