"""What every provider's room has in common: one face, one table from its failures to ours.

The rule stands here once; a room fills the smallest hole: `_ask` and the names of its SDK's exceptions.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from llm_core.aws.secrets import secret
from llm_core.catalog import Model
from llm_core.errors import (
    ContextLengthExceeded,
    DreyError,
    ProviderDenied,
    ProviderError,
    ProviderFailed,
    ProviderOverloaded,
    ProviderRefused,
    ProviderTimeout,
)
from llm_core.messages import Reply, Request
from llm_core.settings import settings

_BY_STATUS: dict[int, type[ProviderError]] = {
    400: ProviderRefused,
    401: ProviderDenied,
    402: ProviderDenied,
    403: ProviderDenied,
    404: ProviderDenied,
    408: ProviderTimeout,
    413: ProviderRefused,
    422: ProviderRefused,
    429: ProviderOverloaded,
    503: ProviderOverloaded,
    504: ProviderTimeout,
    529: ProviderOverloaded,
}
"""Any other status is ProviderFailed."""


class Provider(ABC):
    """One provider, asked through its official SDK, whose own retries are off: the platform decides what is retried."""

    name: str

    def ask(self, request: Request, model: Model, *, max_tokens: int, timeout: float) -> Reply:
        """One attempt, bounded by `timeout` seconds. A key that was refused is read again once: it may be new.

        Raises ProviderError, ContextLengthExceeded or Misconfigured.
        """
        key = self._key()
        try:
            return self._attempt(key, request, model, max_tokens, timeout)
        except ProviderDenied as denied:
            if denied.status != 401 or (fresh := self._key(fresh=True)) == key:
                raise
        return self._attempt(fresh, request, model, max_tokens, timeout)

    def _attempt(self, key: str, request: Request, model: Model, max_tokens: int, timeout: float) -> Reply:
        with self._translated():
            return self._ask(key, request, model, max_tokens, timeout)

    def _key(self, *, fresh: bool = False) -> str:
        return secret(settings().need(f"{self.name}_api_key_ref"), fresh=fresh)

    @abstractmethod
    def prepare(self) -> None:
        """Import the SDK now, so that the first request does not wait for it."""

    @abstractmethod
    def _ask(self, key: str, request: Request, model: Model, max_tokens: int, timeout: float) -> Reply:
        """The request in the provider's words, sent once; its reply in ours."""

    @abstractmethod
    def _failure(self, error: Exception) -> ProviderError | ContextLengthExceeded | None:
        """An exception of the SDK in our words; None for one that is not the SDK's."""

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except DreyError:
            raise
        except Exception as error:
            failure = self._failure(error)
            if failure is None:
                raise
            raise failure from error

    def _refusal(self, error: Any, message: str) -> ProviderError:
        """An HTTP answer that is not a success, by its status. `error` is an APIStatusError of either SDK."""
        kind = _BY_STATUS.get(error.status_code, ProviderFailed)
        return kind(
            message,
            provider=self.name,
            status=error.status_code,
            retry_after_s=_seconds(error.response.headers.get("retry-after")),
            provider_request_id=error.request_id,
        )

    def _silence(self) -> ProviderTimeout:
        return ProviderTimeout(f"{self.name} did not answer in time.", provider=self.name)

    def _broken(self, error: Exception) -> ProviderFailed:
        reason = f"{self.name} could not be asked or understood ({type(error).__name__})."
        return ProviderFailed(reason, provider=self.name)


def _seconds(retry_after: str | None) -> float | None:
    """A Retry-After header in seconds; its date form is not used by any provider of ours."""
    try:
        return float(retry_after) if retry_after else None
    except ValueError:
        return None
