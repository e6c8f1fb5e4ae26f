"""DynamoDB as AWS runs it, in front of an emulator that is laxer: a real HTTP server, `python -m tests.races.dynamodb`.

Overlapping transactions are cancelled and hot items throttled always (tests/races/strictness.py). On top of that a
share of all requests suffers what a network and a busy service do to them: see `Faults`, changed at run time by
PUT /_faults; GET /_faults tells them and counts what happened. DELETE /_faults lets go what is held up.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from collections import Counter
from contextlib import suppress
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tests.races.http11 import Answer, Asked, Upstream, serve
from tests.races.strictness import READS, SINGLE_WRITES, Refused, Touched, Traffic, tables, touched

Share = Annotated[float, Field(ge=0, le=1)]
TARGET = "DynamoDB_20120810."
THROTTLED = (
    ("ThrottlingException", "Throughput exceeds the current throughput of your table."),
    ("ProvisionedThroughputExceededException", "The level of configured provisioned throughput was exceeded."),
)


class Faults(BaseModel):
    """Shares of the requests; one suffers at most one. The same seed gives the same requests the same fate.

    `reset`: the connection breaks before anything is done. `throttled`: refused. `late`: carried out only after a
    delay, which may outlast the client's patience. `lost`: carried out, then the connection breaks. `slow`: carried
    out, answered after a delay. Delays are mostly short; with the usual `slowest_s` one in eight outlasts boto3's 2 s.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = 0
    reset: Share = 0
    throttled: Share = 0
    late: Share = 0
    lost: Share = 0
    slow: Share = 0
    slowest_s: Annotated[float, Field(ge=0)] = 3.0
    hold_back_s: Annotated[float, Field(ge=0)] = 0.0
    """Each write is under way for so much longer, so that they do overlap."""

    held_up: bool = False
    """The writes that come now are under way until DELETE /_faults, also when others have passed since."""

    units_per_s: Annotated[float, Field(gt=0)] = 1_000
    """Write units that one item takes."""

    @model_validator(mode="after")
    def _one_fate_each(self) -> Self:
        if sum(getattr(self, name) for name in FATES) > 1:
            raise ValueError("the shares together exceed 1")
        return self


FATES = ("reset", "throttled", "late", "lost", "slow")


class StandIn:
    """The server's mind: what becomes of each request."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self.keys: dict[str, list[str]] = {}
        self.traffic = Traffic()
        self._let_go = asyncio.Event()
        self.begin_anew(Faults())

    def begin_anew(self, faults: Faults) -> None:
        """Other faults, counted from zero. What is under way stays so."""
        self.faults = faults
        self.counts: Counter[str] = Counter()
        self.traffic.counted.clear()
        self._random = random.Random(faults.seed)

    async def answer(self, asked: Asked) -> Answer | None:
        """The answer; None breaks the connection."""
        if asked.path == "/_faults":
            return self._told(asked)
        target = asked.headers.get("x-amz-target", "")
        if not target.startswith(TARGET):
            return await self.upstream.ask(asked)
        self.counts["requests"] += 1
        fate = self._fate()
        if fate == "reset":
            return None
        if fate == "late":
            await self._delay()
        try:
            if fate == "throttled":
                raise Refused(*self._random.choice(THROTTLED))
            answer = await self._carried_out(target.removeprefix(TARGET), asked)
        except Refused as refused:
            self.counts[refused.code] += 1
            answer = Answer.json(400, refused.body, "application/x-amz-json-1.0")
        if fate == "slow":
            await self._delay()
        return None if fate == "lost" else answer

    async def _carried_out(self, operation: str, asked: Asked) -> Answer:
        if operation not in (*SINGLE_WRITES, *READS, "TransactWriteItems"):
            raise Refused("ValidationException", f"{operation} is not known here: teach it to {__name__}.")
        body = json.loads(asked.body)
        what = touched(operation, body, await self._keys_of(tables(operation, body)))
        if not what.items:
            return await self.upstream.ask(asked)
        with self.traffic.passage(what):
            self.traffic.take(what, time.monotonic(), self.faults.units_per_s)
            await self._pass()
            return await self._written(asked, body, what)

    async def _pass(self) -> None:
        if self.faults.held_up:
            self.counts["held_up"] += 1
            await self._let_go.wait()
        await asyncio.sleep(self.faults.hold_back_s)

    async def _written(self, asked: Asked, body: dict[str, Any], what: Touched) -> Answer:
        self.counts["transactions" if what.transaction else "writes"] += 1
        answer = await self.upstream.ask(asked.with_body({**body, "ReturnConsumedCapacity": "INDEXES"}))
        told = json.loads(answer.body)
        if answer.status != 200:
            raise Refused.by(told)
        self.traffic.weigh(what, told)
        return answer

    async def _keys_of(self, names: set[str]) -> dict[str, list[str]]:
        for name in names - set(self.keys):
            described = await self.upstream.dynamodb("DescribeTable", {"TableName": name})
            self.keys[name] = [each["AttributeName"] for each in described["Table"]["KeySchema"]]
        return self.keys

    def _fate(self) -> str:
        drawn = self._random.random()
        for name in FATES:
            drawn -= getattr(self.faults, name)
            if drawn < 0:
                self.counts[name] += 1
                return name
        return ""

    async def _delay(self) -> None:
        await asyncio.sleep(self.faults.slowest_s * self._random.random() ** 3)

    def _told(self, asked: Asked) -> Answer:
        if asked.method == "PUT":
            try:
                self.begin_anew(Faults.model_validate_json(asked.body))
            except ValidationError as error:
                return Answer.json(400, {"error": str(error)})
        if asked.method == "DELETE":
            self._let_go.set()
            self._let_go = asyncio.Event()
        busiest = [{"table": t, "key": key, "units": units} for (t, key), units in self.traffic.counted.most_common(10)]
        return Answer.json(200, {"faults": self.faults.model_dump(), "counts": self.counts, "busiest": busiest})


async def _run(upstream: str, port: int) -> None:
    server = await serve(StandIn(Upstream(upstream)).answer, port)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)  # noqa: T201 - who started us reads it
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.races.dynamodb", description=__doc__)
    parser.add_argument("upstream", help="the emulator's URL")
    parser.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()
    with suppress(KeyboardInterrupt):
        asyncio.run(_run(arguments.upstream, arguments.port))
