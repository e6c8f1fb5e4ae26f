"""Anthropic, through the official `anthropic` SDK."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from llm_core.catalog import Model
from llm_core.deadline import Deadline
from llm_core.messages import Dialect, Reply, Request
from llm_core.providers import anthropic_words as words
from llm_core.providers.anthropic_stream import AnthropicReader
from llm_core.providers.base import Json, count
from llm_core.providers.complaints import said
from llm_core.providers.streaming import Streaming

if TYPE_CHECKING:
    import anthropic


@lru_cache(maxsize=8)
def _client(base_url: str | None) -> anthropic.Anthropic:
    """One for all keys at an address: each request puts its own, and none is kept here."""
    import anthropic

    from llm_core.providers.transport import http_client

    return anthropic.Anthropic(api_key="none", base_url=base_url, max_retries=0, http_client=http_client())


class Anthropic(Streaming):
    dialect: Dialect = "anthropic"
    path = "/v1/messages"

    def count_tokens(self, request: Request, model: Model, deadline: Deadline) -> int:
        """Tokens of the prompt, as Anthropic counts them; asking is free. Raises ProviderError."""
        body = self.body(request, model, 1)
        asked = {name: value for name, value in body.items() if name in _COUNTED}
        answer = self._posted(f"{self.path}/count_tokens", asked, deadline)
        return self._legible(lambda told: count(told, "input_tokens", required=True), answer)

    def body(self, request: Request, model: Model, max_tokens: int) -> Json:
        return words.body(request, model, max_tokens)

    def _parted(self, body: Json) -> tuple[Json, dict[str, str]]:
        """Features in their beta go by header here; at Bedrock they stand in the body, and so in our words."""
        betas = body.get(words.BETAS)
        if not betas:
            return body, {}
        return {name: value for name, value in body.items() if name != words.BETAS}, {"anthropic-beta": ",".join(betas)}

    def _read(self, answer: Any) -> Reply:
        return words.reply(answer)

    def _reader(self) -> AnthropicReader:
        return AnthropicReader()

    def _sdk(self) -> Any:
        import anthropic

        return anthropic

    def _client(self, key: str) -> Any:
        return _client(self.base_url).with_options(api_key=key)

    def _is_too_long(self, error: Any) -> bool:
        words = said(error.body).lower()
        return error.status_code == 400 and ("prompt is too long" in words or "input is too long" in words)


_COUNTED = {
    *("model", "messages", "system", "tools", "tool_choice", "thinking", "output_config", "cache_control"),
    *("context_management", words.BETAS),
}
"""The fields of POST /v1/messages/count_tokens (anthropic 2.11.0, types/message_count_tokens_params.py)."""
