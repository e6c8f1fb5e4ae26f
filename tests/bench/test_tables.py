"""The tables' stand-in of `make bench` answers as the tables did, and says nothing that it has not seen."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from bench.gateway import http
from bench.gateway.tables import Tables

FIRST, SECOND = f"gen-{1:027x}", f"gen-{2:027x}"


class Real:
    """The tables themselves: they refuse until they are `open`, and tell back what they were asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.open = False

    async def answer(self, request: http.Message, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        status = "200 OK" if self.open else "400 Bad Request"
        writer.write(http.whole(status, b'{"holds": %b}' % request.body, "application/x-amz-json-1.0"))


async def ask(port: int, **body: Any) -> tuple[str, Any]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    text = json.dumps(body).encode()
    head = f"POST / HTTP/1.1\r\nX-Amz-Target: DynamoDB.UpdateItem\r\nContent-Length: {len(text)}\r\n\r\n"
    writer.write(head.encode() + text)
    answer = await http.read(reader)
    writer.close()
    return answer.first.split()[1], json.loads(answer.body)


def hold(call: str, amount: str) -> dict[str, Any]:
    return {"id": call, ":amount": {"N": amount}, ":lease": {"N": call[-1]}}


def test_a_kind_of_request_is_asked_once_and_then_answered_for_each_call() -> None:
    async def story() -> None:
        real = Real()
        async with await http.serve(real.answer) as tables:
            stand_in = Tables("127.0.0.1", http.port(tables), 0)
            async with await http.serve(stand_in.answer) as server:
                port = http.port(server)

                refused, _ = await ask(port, **hold(FIRST, "7"))
                real.open = True
                granted = await ask(port, **hold(FIRST, "7"))
                again = await ask(port, **hold(SECOND, "7"))
                other = await ask(port, **hold(SECOND, "8"))

                assert refused == "400"
                assert granted == ("200", {"holds": hold(FIRST, "7")})
                assert again == ("200", {"holds": hold(SECOND, "7") | {":lease": {"N": FIRST[-1]}}})
                assert other == ("200", {"holds": hold(SECOND, "8")})
                assert real.asked == 3

    asyncio.run(story())
