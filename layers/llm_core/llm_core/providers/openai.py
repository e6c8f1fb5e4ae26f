"""OpenAI, and every server that speaks its protocol, through the official `openai` SDK."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from llm_core.catalog import Model
from llm_core.deadline import Deadline
from llm_core.errors import ProviderError
from llm_core.messages import Dialect, Embeddings, Reply, Request
from llm_core.providers import openai_words as words
from llm_core.providers.base import Json, Provider, said

if TYPE_CHECKING:
    import openai


@lru_cache(maxsize=8)
def _client(key: str, base_url: str | None) -> openai.OpenAI:
    import httpx2
    import openai

    from llm_core.providers.transport import BoundedTransport

    http_client = httpx2.Client(transport=BoundedTransport(), follow_redirects=True)
    return openai.OpenAI(api_key=key, base_url=base_url, max_retries=0, http_client=http_client)


class OpenAI(Provider):
    """`limit` is what the server calls its bound on the output: OpenAI's newer models know only the newer name."""

    dialect: Dialect = "openai"

    def __init__(self, name: str, *, secret: str = "", base_url: str = "", limit: str = "max_tokens") -> None:
        super().__init__(name, secret=secret, base_url=base_url)
        self.limit = limit

    def prepare(self) -> None:
        import openai  # noqa: F401 - importing it is the purpose

    def embed(self, body: Json, deadline: Deadline) -> Embeddings:
        """Vectors for `body["input"]`, as floats. Raises ProviderError."""
        asked = body | {"encoding_format": "float"}
        answer = self._with_key(lambda key: self._send(key, "/embeddings", asked, deadline.remaining()))
        return self._legible(words.embeddings, answer)

    def body(self, request: Request, model: Model, max_tokens: int) -> Json:
        return words.body(request, model, {self.limit: max_tokens})

    def _post(self, key: str, body: Json, timeout: float) -> Any:
        return self._send(key, "/chat/completions", body, timeout)

    def _send(self, key: str, path: str, body: Json, timeout: float) -> Any:
        """The SDK's client sends our body as it is: its methods would drop fields it does not know."""
        import httpx2

        return (
            _client(key, self.base_url)
            .post(path, cast_to=httpx2.Response, body=body, options={"timeout": timeout})
            .json()
        )

    def _read(self, answer: Any) -> Reply:
        return words.reply(answer)

    def _failure(self, error: Exception) -> ProviderError | None:
        import httpx2
        import openai

        if isinstance(error, openai.APIStatusError):
            if error.code == "context_length_exceeded":
                return self._too_long(said(error.body))
            return self._refusal(error, said(error.body))
        if isinstance(error, openai.APITimeoutError | httpx2.TimeoutException):
            return self._silence()
        if isinstance(error, openai.OpenAIError | httpx2.HTTPError | ValueError):
            return self._broken(error)
        return None
