"""DynamoDB of the comparison, in a process of its own: every answer at once (or after a fixed time), none computed.

Each kind of request is answered as the local AWS answered it once, at the first time; the call's id in that answer is
replaced by that of the new call. So the door sends and reads the bytes it would, and the local AWS, which takes
milliseconds where DynamoDB's own time is a constant of somebody else's, is not part of the figure. Two requests are of
one kind when they differ by nothing but ids of calls and numbers, except for what a call holds: the answer repeats it.

    python -m bench.gateway.tables http://127.0.0.1:4566 0

Prints its port and serves until its standard input ends. GET / tells how many it has answered, and how many were new.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from bench.gateway import http

_ID = re.compile(rb"gen-[0-9a-f]{27}")
_VARYING = re.compile(rb'gen-[0-9a-f]{27}|(?<!":amount": \{)"N": ?"[-0-9.]+"')


@dataclass
class Tables:
    """`seconds`: how long each answer takes."""

    host: str
    port: int
    seconds: float
    kinds: dict[tuple[str, bytes], tuple[http.Message, list[bytes]]] = field(default_factory=dict)
    asked: int = 0

    async def answer(self, request: http.Message, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if request.first.startswith("GET"):
            told = {"asked": self.asked, "new": len(self.kinds)}
            writer.write(http.whole("200 OK", json.dumps(told).encode()))
            return
        self.asked += 1
        kind = (request.headers.get("x-amz-target", ""), _VARYING.sub(b"?", request.body))
        calls = list(dict.fromkeys(_ID.findall(request.body)))
        if kind in self.kinds:
            known, then = self.kinds[kind]
            if self.seconds:
                await asyncio.sleep(self.seconds)
        else:
            known, then = await self._ask(request), calls
            if known.first.split()[1] == "200":  # a refusal, as by a window that is not there yet, is no habit
                self.kinds[kind] = known, then
        body = known.body
        for before, now in zip(then, calls, strict=True):
            body = body.replace(before, now)
        status = known.first.partition(" ")[2]
        writer.write(http.whole(status, body, known.headers["content-type"], x_amzn_RequestId="BENCH"))

    async def _ask(self, request: http.Message) -> http.Message:
        """What the local AWS says."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        passed = {**request.headers, "connection": "close", "content-length": str(len(request.body))}
        head = "".join(f"{name}: {value}\r\n" for name, value in passed.items())
        writer.write(f"{request.first}\r\n{head}\r\n".encode("latin-1") + request.body)
        answer = await http.read(reader)
        writer.close()
        return answer


async def main(address: str, milliseconds: str) -> None:
    there = urlsplit(address)
    tables = Tables(there.hostname or "", there.port or 80, float(milliseconds) / 1000)
    server = await http.serve(tables.answer)
    print(http.port(server), flush=True)  # noqa: T201 - its parent reads it
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
