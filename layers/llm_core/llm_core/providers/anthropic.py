"""Anthropic, through the official `anthropic` SDK."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from llm_core.catalog import Model
from llm_core.deadline import Deadline
from llm_core.errors import ProviderError
from llm_core.messages import Dialect, Reply, Request
from llm_core.providers import anthropic_words as words
from llm_core.providers.base import Json, Provider, said

if TYPE_CHECKING:
    import anthropic


@lru_cache(maxsize=8)
def _client(key: str, base_url: str | None) -> anthropic.Anthropic:
    import anthropic
    import httpx2

    from llm_core.providers.transport import BoundedTransport

    http_client = httpx2.Client(transport=BoundedTransport(), follow_redirects=True)
    return anthropic.Anthropic(api_key=key, base_url=base_url, max_retries=0, http_client=http_client)


class Anthropic(Provider):
    dialect: Dialect = "anthropic"

    def prepare(self) -> None:
        import anthropic  # noqa: F401 - importing it is the purpose

    def count_tokens(self, request: Request, model: Model, deadline: Deadline) -> int:
        """Tokens of the prompt, as Anthropic counts them; asking is free. Raises ProviderError."""
        body = self.body(request, model, 1)
        asked = {name: value for name, value in body.items() if name in _COUNTED}
        path = "/v1/messages/count_tokens"
        answer = self._with_key(lambda key: self._send(key, path, asked, deadline.remaining()))
        return self._legible(lambda told: int(told["input_tokens"]), answer)

    def body(self, request: Request, model: Model, max_tokens: int) -> Json:
        return words.body(request, model, max_tokens)

    def _post(self, key: str, body: Json, timeout: float) -> Any:
        return self._send(key, "/v1/messages", body, timeout)

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
        import anthropic
        import httpx2

        if isinstance(error, anthropic.APIStatusError):
            message = said(error.body)
            if error.status_code == 400 and "prompt is too long" in message.lower():
                return self._too_long(message)
            return self._refusal(error, message)
        if isinstance(error, anthropic.APITimeoutError | httpx2.TimeoutException):
            return self._silence()
        if isinstance(error, anthropic.AnthropicError | httpx2.HTTPError | ValueError):
            return self._broken(error)
        return None


_COUNTED = {"model", "messages", "system", "tools", "tool_choice", "thinking", "output_config", "cache_control"}
"""The fields of POST /v1/messages/count_tokens (anthropic 2.11.0, types/message_count_tokens_params.py)."""
