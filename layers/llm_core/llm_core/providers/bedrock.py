"""Claude on Amazon Bedrock, through the official `anthropic` SDK's AnthropicBedrock client."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from llm_core.aws.stage_catalog import catalog
from llm_core.catalog import Model
from llm_core.messages import Request
from llm_core.providers import anthropic_words as words
from llm_core.providers import frames
from llm_core.providers.anthropic import Anthropic
from llm_core.providers.base import Json
from llm_core.providers.frames import Frame

if TYPE_CHECKING:
    import anthropic


@lru_cache(maxsize=2)
def _client(base_url: str | None) -> anthropic.AnthropicBedrock:
    import anthropic

    from llm_core.providers.transport import http_client

    return anthropic.AnthropicBedrock(base_url=base_url, max_retries=0, http_client=http_client())


def _known(body: Json) -> Json:
    """The body without what Bedrock refuses and nobody misses: betas it does not know, hints on what to forget."""
    betas = [name for name in body.get(words.BETAS, ()) if name in catalog().betas and catalog().betas[name].bedrock]
    left = {name: value for name, value in body.items() if name not in (words.BETAS, "context_management")}
    return {**left, words.BETAS: betas} if betas else left


class Bedrock(Anthropic):
    """Anthropic's words at AWS's address; the door's IAM role is the key, so there is no secret."""

    def body(self, request: Request, model: Model, max_tokens: int) -> Json:
        """Bedrock knows the SDK's own version of the API only from Claude 4.7 on: older models name theirs."""
        version = {"anthropic_version": model.api_version} if model.api_version else {}
        return _known(super().body(request, model, max_tokens)) | version

    def _parted(self, body: Json) -> tuple[Json, dict[str, str]]:
        return body, {}

    def _frames(self, chunks: Iterable[bytes]) -> Iterator[Frame]:
        return frames.event_stream(chunks)

    def _key(self, *, fresh: bool = False) -> str:  # noqa: ARG002 - the base class's hole
        return ""

    def _client(self, key: str) -> Any:  # noqa: ARG002 - the base class's hole
        return _client(self.base_url)
