"""What every protocol can do: read a request, render an answer whole or as events, refuse in its own shape."""

import dataclasses
import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from local.understudy.fault import Provider
from local.understudy.performance import Performance
from local.understudy.prompt import Json, Prompt

# frame: opens and closes blocks; content: words for the caller; close: the finish reason; whole: a whole answer.
type Part = Literal["frame", "content", "close", "usage", "end", "whole"]


class Refused(Exception):
    """The provider says no. What is None becomes the provider's usual word for `status`."""

    def __init__(
        self,
        status: int,
        message: str | None = None,
        *,
        type: str | None = None,
        param: str | None = None,
        code: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.type, self.param, self.code = status, message, type, param, code
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request as it came: header names in lower case, `body` parsed, `model` from the path where it stands there."""

    headers: Mapping[str, str]
    body: Json
    model: str | None = None
    stream: bool | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """Names for what a call makes, from its request and its number: the same run gives the same names."""

    seed: bytes
    number: int

    def name(self, prefix: str, what: str = "", length: int = 24) -> str:
        return prefix + hashlib.sha256(self.seed + f"\0{self.number}\0{prefix}\0{what}".encode()).hexdigest()[:length]


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a stream, or a whole answer: JSON or a bare word. `generated`: output tokens made when it leaves."""

    payload: Json | str
    part: Part
    generated: int = 0


class Wire(ABC):
    """One protocol. `media` is a stream's content type."""

    provider: ClassVar[Provider]
    media: ClassVar[str] = "text/event-stream; charset=utf-8"

    @abstractmethod
    def key(self, headers: Mapping[str, str]) -> str:
        """The caller's key; raises Refused for a missing or a bad one."""

    @abstractmethod
    def read(self, arrival: Arrival, key: str) -> Prompt:
        """The request as a Prompt; raises Refused where the provider would."""

    @abstractmethod
    def whole(self, prompt: Prompt, performance: Performance, identity: Identity) -> Json: ...

    @abstractmethod
    def events(
        self, prompt: Prompt, performance: Performance, identity: Identity, per_event: int
    ) -> Iterator[Event]: ...

    @abstractmethod
    def encoded(self, payload: Json | str) -> bytes:
        """One event's bytes."""

    @abstractmethod
    def answer_id(self, identity: Identity) -> str: ...

    @abstractmethod
    def headers(self, identity: Identity) -> dict[str, str]:
        """The headers every answer carries."""

    @abstractmethod
    def error(self, refused: Refused, identity: Identity) -> tuple[Json, dict[str, str]]:
        """An error's body and its own headers."""

    @abstractmethod
    def too_long(self, tokens: int, limit: int) -> Refused: ...

    @abstractmethod
    def unknown_parameter(self, name: str) -> Refused: ...

    @abstractmethod
    def ping(self) -> bytes: ...

    @abstractmethod
    def malformed(self) -> bytes:
        """An event that is not JSON."""

    @abstractmethod
    def empty(self, like: Event) -> bytes:
        """An event of the right shape with nothing in it."""

    @abstractmethod
    def odd(self) -> Json:
        """JSON that has the provider's framing but another shape."""

    @abstractmethod
    def broken_off(self, type: str | None, message: str | None) -> bytes:
        """An error event inside a stream."""

    @abstractmethod
    def without_usage(self, event: Event) -> Event | None: ...

    def filtered(self, performance: Performance) -> Performance:
        """The answer after the content filter; raises Refused where the provider answers with an error."""
        return dataclasses.replace(performance, blocks=(), stop="content_filter")


def as_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def canonical(value: Any) -> str:
    """A value as it is counted; what only steers the cache is no part of it."""
    return json.dumps(_unmarked(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _unmarked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _unmarked(part) for key, part in value.items() if key != "cache_control"}
    return [_unmarked(part) for part in value] if isinstance(value, list) else value


def as_object(value: Any, where: str) -> Json:
    if not isinstance(value, dict):
        raise Refused(400, f"{where}: Input should be an object", param=where)
    return value


def as_list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise Refused(400, f"{where}: Input should be a valid list", param=where)
    return value
