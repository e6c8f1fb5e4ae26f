"""What every provider's room has in common: one face, one table from its failures to ours.

The rule stands here once; a room fills the smallest hole: its client, its words, the names of its SDK's exceptions.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from typing import Any, Self

from llm_core.aws.secrets import secret
from llm_core.catalog import Model
from llm_core.deadline import Deadline
from llm_core.errors import DreyError, Misconfigured
from llm_core.failures import (
    ContextLengthExceeded,
    OwnKeyRefused,
    ProviderDenied,
    ProviderError,
    ProviderFailed,
    ProviderOverloaded,
    ProviderRefused,
    ProviderTimeout,
    ProviderTooLarge,
    ProviderUnreachable,
)
from llm_core.messages import Dialect, Reply, Request, Usage
from llm_core.providers.complaints import param, request_id, said, seconds
from llm_core.redaction import redact
from llm_core.settings import settings

Json = dict[str, Any]

_LONGEST = 500
"""Characters of a provider's own words that are passed on."""

_MOST_TOKENS = 10**9
"""More than any model reads or writes: a count above it is none."""

_BY_STATUS: dict[int, type[ProviderError]] = {
    400: ProviderRefused,
    401: ProviderDenied,
    402: ProviderDenied,
    403: ProviderDenied,
    404: ProviderDenied,
    413: ProviderTooLarge,
    422: ProviderRefused,
    429: ProviderOverloaded,
    503: ProviderOverloaded,
    529: ProviderOverloaded,
}
"""Any other status is ProviderFailed."""


OwnKey = Callable[[bool], str]
"""Gives a caller's own key; `True` asks for it anew, as after a 401."""


class Provider(ABC):
    """One provider, asked through its official SDK, whose own retries are off: the platform decides what is retried.

    `secret` is a reference to its key, empty where IAM takes its place; `base_url` is empty for the SDK's own address.
    """

    dialect: Dialect
    path: str
    """Where a conversation is posted, below the base URL."""

    own: OwnKey | None = None
    """Set where this is the room of one request, asked with its caller's own key."""

    def __init__(self, name: str, *, secret: str = "", base_url: str = "") -> None:
        self.name = name
        self.secret = secret
        self.base_url = base_url or None

    def send(self, body: Json, deadline: Deadline) -> Reply:
        """One attempt with a body that `body` made. Raises ProviderError, Misconfigured or StoreUnavailable."""
        return self.read(self._posted(self.path, body, deadline))

    def read(self, answer: Any) -> Reply:
        """The JSON that this provider sent, in our words. Raises ProviderFailed for what is no answer."""
        return self._legible(self._read, answer)

    def with_key(self, own: OwnKey) -> Self:
        """The same provider, asked with a caller's key instead of the platform's."""
        room = copy(self)
        room.own = own
        return room

    def prepare(self) -> None:
        """Import the SDK now, so that the first request does not wait for it."""
        self._sdk()

    @abstractmethod
    def body(self, request: Request, model: Model, max_tokens: int) -> Json:
        """The request in the provider's words. Raises InvalidRequest for what those words cannot say."""

    def _parted(self, body: Json) -> tuple[Json, dict[str, str]]:
        """What is posted, and the headers that say what this provider wants to be told there."""
        return body, {}

    @abstractmethod
    def _read(self, answer: Any) -> Reply:
        """The answer in our words. May stumble over what is not one: `_legible` turns that into ProviderFailed."""

    @abstractmethod
    def _sdk(self) -> Any:
        """The SDK's module, imported when it is first needed; the two SDKs name their exceptions alike."""

    @abstractmethod
    def _client(self, key: str) -> Any:
        """The SDK's client, which keeps its connections; retries off."""

    @abstractmethod
    def _is_too_long(self, error: Any) -> bool:
        """Whether this refusal says that the prompt does not fit the model."""

    def _posted(self, path: str, body: Json, deadline: Deadline) -> Any:
        """The JSON that came back for this body, which the client sends as it is: the SDKs' own methods would drop
        fields they do not know."""
        import httpx2

        sent, headers = self._parted(body)

        def send(key: str) -> Any:
            options = {"timeout": deadline.remaining(), "headers": headers}
            return self._client(key).post(path, cast_to=httpx2.Response, body=sent, options=options).json()

        return self._with_key(send)

    def _failure(self, error: Exception) -> ProviderError | None:
        """An exception of the SDK or its transport in our words; None for one that is neither's."""
        import httpx2

        sdk = self._sdk()
        if isinstance(error, sdk.APIStatusError):
            return self._refusal(error)
        unsent = httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout
        if isinstance(error, unsent) or isinstance(error.__cause__, unsent):
            return ProviderUnreachable(f"{self.name} could not be reached.", provider=self.name)
        if isinstance(error, sdk.APITimeoutError | httpx2.TimeoutException):
            return ProviderTimeout(f"{self.name} did not answer in time.", provider=self.name)
        if isinstance(error, sdk.APIError | httpx2.HTTPError | RecursionError | ValueError):  # the last two: no JSON
            reason = f"{self.name} could not be asked or understood ({type(error).__name__})."
            return ProviderFailed(reason, provider=self.name)
        return None

    def _legible[A, T](self, read: Callable[[A], T], answer: A) -> T:
        """What `read` makes of an answer that was paid for. Raises ProviderFailed when it cannot be read."""
        try:
            return read(answer)
        except Exception as error:  # whatever it stumbles over, the answer is paid for and must be accounted for
            raise ProviderFailed(
                f"{self.name} sent an answer that cannot be read.", provider=self.name, status=200
            ) from error

    def _with_key[T](self, send: Callable[[str], T]) -> T:
        """Send with the provider's key. One that is refused is read again, once: it may have been replaced."""
        key = self._key()
        try:
            with self._translated():
                return send(key)
        except ProviderDenied as denied:
            if denied.status != 401 or (fresh := self._key(fresh=True)) == key:
                raise
        with self._translated():
            return send(fresh)

    def _key(self, *, fresh: bool = False) -> str:
        if self.own:
            return self.own(fresh)
        if not self.secret:
            raise Misconfigured(f"No secret is named for the provider {self.name}.")
        return secret(self.secret, fresh=fresh)

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

    def _refusal(self, error: Any) -> ProviderError:
        """An HTTP answer that is not a success, by its status. `error` is an APIStatusError of either SDK."""
        kind = ContextLengthExceeded if self._is_too_long(error) else _BY_STATUS.get(error.status_code, ProviderFailed)
        words = self._worded(f"{self.name} answered {error.status_code}", said(error.body))
        if self.own and kind is ProviderDenied:
            kind, words = OwnKeyRefused, f"{words} That is about your key for {self.name}, not about your key here."
        failure = kind(
            words,
            provider=self.name,
            status=error.status_code,
            retry_after_s=seconds(error.response.headers.get("retry-after")),
            provider_request_id=request_id(error.response.headers),
        )
        failure.param = failure.param or param(error.body)
        return failure

    def _worded(self, own: str, message: str) -> str:
        """What a caller and the log are told. In prod not in the provider's words: they may repeat a prompt."""
        return f"{own}." if settings().is_prod or not message else f"{own}: {redact(message[:_LONGEST])}"


def count(reported: Mapping[str, Any], name: str, *, required: bool = False) -> int:
    """A count of tokens as providers send it: missing and null mean none. Raises ValueError for what is no count."""
    value = reported.get(name)
    if value is None and not required:
        return 0
    if isinstance(value, float) and value.is_integer():  # some servers write 10.0
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MOST_TOKENS:
        raise ValueError(f"{name} is not a count of tokens")
    return value


def asked(usage: Usage) -> Usage:
    """The usage of something that was asked: no prompt has no tokens. Raises ValueError for one that has."""
    if usage.prompt == 0:
        raise ValueError("a prompt of no tokens")
    return usage


def string(value: object) -> str:
    """Text as providers send it. Raises TypeError for what is none."""
    if not isinstance(value, str):
        raise TypeError("not a string")
    return value
