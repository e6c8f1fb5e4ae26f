"""A stream of Chat Completions in our words, chunk after chunk; of several answers the first, as everywhere here."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic_core import from_json

from llm_core.deltas import Began, CallBegun, CallPiece, Delta, Finished, TextPiece, Used
from llm_core.providers import openai_words as words
from llm_core.providers.base import Json, string
from llm_core.providers.streaming import Reader, ToldError


class OpenAIReader(Reader):
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
        return chunk, tuple(self._deltas(chunk))

    def _deltas(self, chunk: Json) -> Iterator[Delta]:
        choices = [choice for choice in chunk["choices"] if choice["index"] == 0]
        if not self._began:
            yield Began(string(chunk["id"]), string(chunk["model"]))
            self._began = True
        for choice in choices:
            yield from self._said(choice["delta"])
            if reason := choice.get("finish_reason"):
                yield Finished("refusal" if self._refused else words.finish(reason))
        if reported := chunk.get("usage"):
            yield Used(words.usage(reported), words.terms(chunk))

    def _said(self, delta: Json) -> Iterator[Delta]:
        if refusal := delta.get("refusal"):
            self._refused = True
            yield TextPiece(string(refusal))
        elif text := delta.get("content"):
            yield TextPiece(string(text))
        for call in delta.get("tool_calls") or ():
            if function := call.get("function"):
                yield from self._called(call, function)

    def _called(self, call: Json, function: Json) -> Iterator[Delta]:
        index = call["index"]
        if index not in self._calls:
            yield CallBegun(index, string(call["id"]), string(function["name"]))
            self._calls.add(index)
        if arguments := function.get("arguments"):
            yield CallPiece(index, string(arguments))
