"""The content of a message, block after block, as Anthropic's clients take it in: one is told at a time, to its end.

Elsewhere calls of tools may be told in turns. Then the first is told while it is written, and the others wait for its
end: a JSON object is complete when it can be read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from llm_core import shapes
from llm_core.deltas import CallBegun, CallPiece, Delta, TextPiece
from llm_core.errors import InvalidRequest


class _Block:
    """One block: what is known of it, and how much of that has been told."""

    def __init__(self, index: int, content: dict[str, Any]) -> None:
        self.is_call = content["type"] == "tool_use"
        self.said: list[str] = []
        self._at = {"index": index}
        self._content: dict[str, Any] | None = content
        self._told = 0

    @property
    def can_end(self) -> bool:
        """Text that something else follows is at its end."""
        return not self.is_call or _is_object("".join(self.said))

    def news(self) -> Iterator[dict[str, Any]]:
        if self._content:
            yield {"type": "content_block_start", **self._at, "content_block": self._content}
            self._content = None
        kind, word = ("input_json_delta", "partial_json") if self.is_call else ("text_delta", "text")
        for piece in self.said[self._told :]:
            yield {"type": "content_block_delta", **self._at, "delta": {"type": kind, word: piece}}
        self._told = len(self.said)

    def stop(self) -> dict[str, Any]:
        return {"type": "content_block_stop", **self._at}


class Blocks:
    def __init__(self) -> None:
        self._count = 0
        self._open: deque[_Block] = deque()
        """The first is being told; the others wait."""
        self._calls: dict[int, _Block] = {}

    def hear(self, delta: Delta) -> Iterator[dict[str, Any]]:
        """What can be told of it now."""
        match delta:
            case TextPiece(text):
                if not self._open or self._open[-1].is_call:
                    self._begin({"type": "text", "text": ""})
                self._open[-1].said.append(text)
            case CallBegun(index, id, name):
                self._calls[index] = self._begin({"type": "tool_use", "id": id, "name": name, "input": {}})
            case CallPiece(index, arguments):
                self._calls[index].said.append(arguments)
            case _:
                return
        while True:
            yield from self._open[0].news()
            if len(self._open) == 1 or not self._open[0].can_end:
                return
            yield self._open.popleft().stop()

    def end(self) -> Iterator[dict[str, Any]]:
        """All that waited, complete or not: there is no more."""
        for block in self._open:
            yield from block.news()
            yield block.stop()

    def _begin(self, content: dict[str, Any]) -> _Block:
        block = _Block(self._count, content)
        self._count += 1
        self._open.append(block)
        return block


def _is_object(text: str) -> bool:
    try:
        return isinstance(shapes.parse(text.encode()), dict)
    except InvalidRequest:
        return False
