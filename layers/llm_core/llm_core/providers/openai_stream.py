"""A stream of Chat Completions in our words, chunk after chunk; of several answers the first, as everywhere here."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic_core import from_json

from llm_core.deltas import Began, CallBegun, CallPiece, Delta, Finished, TextPiece, ThinkingPiece, Used
from llm_core.providers import openai_words as words
from llm_core.providers.base import Json, string
from llm_core.providers.streaming import Reader, ToldError


class OpenAIReader(Reader):
    """Remembers only what it understood to the end: a chunk that cannot be read leaves nothing behind."""

    def __init__(self) -> None:
        self._began = False
        self._refused = False
        self._calls: set[int] = set()

    def read(self, data: bytes) -> tuple[Json, tuple[Delta, ...]]:
        if data == b"[DONE]":
            self.ended = True
            return {}, ()
        chunk: Json = from_json(data)
        if chunk.get("error"):
            raise ToldError(chunk)
        deltas = tuple(self._deltas(chunk))
        self._began = self._began or any(isinstance(delta, Began) for delta in deltas)
        self._calls |= {delta.index for delta in deltas if isinstance(delta, CallBegun)}
        return chunk, deltas

    def _deltas(self, chunk: Json) -> Iterator[Delta]:
        if chunk["choices"] and not self._began:
            yield Began(string(chunk["id"]), string(chunk["model"]))
        for choice in chunk["choices"]:
            if choice["index"] == 0:
                yield from self._said(choice.get("delta") or {})
                if reason := choice.get("finish_reason"):
                    yield Finished("refusal" if self._refused else words.finish(reason))
        if reported := chunk.get("usage"):
            yield from self.counted(lambda: Used(words.usage(reported), words.terms(chunk)))

    def _said(self, delta: Json) -> Iterator[Delta]:
        if refusal := delta.get("refusal"):
            self._refused = True
            yield TextPiece(string(refusal))
        elif text := delta.get("content"):
            yield TextPiece(string(text))
        if thinking := delta.get("reasoning_content") or delta.get("reasoning"):  # of servers that show it
            yield ThinkingPiece(string(thinking))
        for call in delta.get("tool_calls") or ():
            if function := call.get("function"):
                yield from self._called(call, function)

    def _called(self, call: Json, function: Json) -> Iterator[Delta]:
        index = call["index"]
        if index not in self._calls:
            yield CallBegun(index, string(call["id"]), string(function["name"]))
        if arguments := function.get("arguments"):
            yield CallPiece(index, string(arguments))
