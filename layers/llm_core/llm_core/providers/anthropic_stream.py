"""A Messages stream in our words, event after event. Bedrock's has the same events inside its frames."""

from __future__ import annotations

from typing import Any

from pydantic_core import from_json

from llm_core.deltas import Began, CallBegun, CallPiece, Delta, Finished, TextPiece, ThinkingPiece, Used
from llm_core.providers import anthropic_words as words
from llm_core.providers.base import Json, string
from llm_core.providers.streaming import Reader, ToldError


class AnthropicReader(Reader):
    def __init__(self) -> None:
        self._usage: Json = {}
        self._calls: dict[int, int] = {}
        self._silent: set[int] = set()

    def read(self, data: bytes) -> tuple[Json, tuple[Delta, ...]]:
        event: Json = from_json(data)
        match event["type"]:
            case "error":
                raise ToldError(event)
            case "message_start":
                return event, self._began(event["message"])
            case "content_block_start":
                return event, self._block_began(event["index"], event["content_block"])
            case "content_block_delta":
                return event, self._said(event["index"], event["delta"])
            case "content_block_stop":
                return event, self._block_ended(event["index"])
            case "message_delta":
                return event, self._told(event)
            case "message_stop":
                self.ended = True
        return event, ()  # a ping, or something new: its own dialect may have words for it

    def _began(self, message: Json) -> tuple[Delta, ...]:
        self._usage = dict(message.get("usage") or {})
        return (Began(string(message["id"]), string(message["model"])),)

    def _block_began(self, block: int, content: Json) -> tuple[Delta, ...]:
        if content["type"] != "tool_use":
            return ()
        begun = CallBegun(len(self._calls), string(content["id"]), string(content["name"]))
        self._calls[block] = begun.index
        self._silent.add(block)
        return (begun,)

    def _said(self, block: int, delta: Json) -> tuple[Delta, ...]:
        match delta["type"]:
            case "text_delta" if delta["text"]:
                return (TextPiece(string(delta["text"])),)
            case "thinking_delta" if delta["thinking"]:
                return (ThinkingPiece(string(delta["thinking"])),)
            case "input_json_delta" if delta["partial_json"] and block in self._calls:
                self._silent.discard(block)
                return (CallPiece(self._calls[block], string(delta["partial_json"])),)
        return ()

    def _block_ended(self, block: int) -> tuple[Delta, ...]:
        """A call without arguments is silent about them here, and an empty object when it comes whole."""
        return (CallPiece(self._calls[block], "{}"),) if block in self._silent else ()

    def _told(self, event: Json) -> tuple[Delta, ...]:
        reason = event["delta"].get("stop_reason")
        finished = (Finished(words.finish(reason)),) if reason else ()
        return (*self._used(event.get("usage")), *finished)

    def _used(self, reported: Any) -> tuple[Delta, ...]:
        """Counts are cumulative; what the last ones leave out stands in the first."""
        if not reported:
            return ()

        def read() -> Used:
            counts = self._usage | {name: value for name, value in reported.items() if value is not None}
            used = Used(words.usage(counts), words.terms(counts))
            self._usage = counts
            return used

        return self.counted(read)
