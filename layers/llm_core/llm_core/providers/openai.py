"""OpenAI, and every server that speaks its protocol, through the official `openai` SDK."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from llm_core.catalog import Model
from llm_core.deadline import Deadline
from llm_core.messages import Dialect, Embeddings, Reply, Request
from llm_core.providers import openai_words as words
from llm_core.providers.base import Json
from llm_core.providers.openai_stream import OpenAIReader
from llm_core.providers.streaming import Streaming

if TYPE_CHECKING:
    import openai


@lru_cache(maxsize=8)
def _client(base_url: str | None) -> openai.OpenAI:
    """One for all keys at an address: each request puts its own, and none is kept here."""
    import openai

    from llm_core.providers.transport import http_client

    return openai.OpenAI(api_key="none", base_url=base_url, max_retries=0, http_client=http_client())


class OpenAI(Streaming):
    """`limit` is what the server calls its bound on the output: OpenAI's newer models know only the newer name."""

    dialect: Dialect = "openai"
    path = "/chat/completions"

    def __init__(self, name: str, *, secret: str = "", base_url: str = "", limit: str = "max_tokens") -> None:
        super().__init__(name, secret=secret, base_url=base_url)
        self.limit = limit

    def embed(self, body: Json, deadline: Deadline) -> Embeddings:
        """Vectors for `body["input"]`, as floats. Raises ProviderError."""
        given = body["input"]
        inputs = len(given) if isinstance(given, list) and not isinstance(given[0], int) else 1
        answer = self._posted("/embeddings", body | {"encoding_format": "float"}, deadline)
        return self._legible(lambda told: words.embeddings(told, inputs), answer)

    def body(self, request: Request, model: Model, max_tokens: int) -> Json:
        return words.body(request, model, {self.limit: max_tokens})

    def _read(self, answer: Any) -> Reply:
        return words.reply(answer)

    def _reader(self) -> OpenAIReader:
        return OpenAIReader()

    def _streamed(self, body: Json) -> Json:
        options = {**(body.get("stream_options") or {}), "include_usage": True}
        return {**super()._streamed(body), "stream_options": options}

    def _sdk(self) -> Any:
        import openai

        return openai

    def _client(self, key: str) -> Any:
        return _client(self.base_url).with_options(api_key=key)

    def _is_too_long(self, error: Any) -> bool:
        return bool(error.code == "context_length_exceeded")
