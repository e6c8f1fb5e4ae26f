"""A request with an Idempotency-Key is carried out once; whoever repeats it gets the stored answer.

Powertools' idempotency over the table of reuse: one conditional write before, one write after. A record is found by
a hash of who asked and of the key they chose, holds no request, and lives for a day. A streamed answer is stored when
it has ended; until then its record says that it was begun, so that nothing is carried out twice.
"""

from __future__ import annotations

import base64
import hashlib
import re
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, IdempotencyConfig
from aws_lambda_powertools.utilities.idempotency.base import IdempotencyHandler
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyInconsistentStateError,
    IdempotencyPersistenceLayerError,
    IdempotencyValidationError,
)
from aws_lambda_powertools.utilities.idempotency.serialization.base import BaseIdempotencySerializer

from llm_core.aws import clients
from llm_core.aws.http import Door, Response
from llm_core.aws.telemetry import logger
from llm_core.errors import IdempotencyMismatch, InvalidRequest, StillRunning, StoreUnavailable
from llm_core.settings import settings

KEPT_SECONDS = 86_400

MOST_BYTES = 380_000
"""Of a record, compressed and in base64: DynamoDB's items end at 400 KB, names and hashes included."""

REPLAYED = "x-drey-idempotent-replay"
_PREFIX = "idempotency"

_stores: dict[str, DynamoDBPersistenceLayer] = {}


_KEY = re.compile(r"[\x20-\x7e]{1,255}")


def of_door(door: Door, who: str, run: Callable[[], Response]) -> Response:
    """What `run` answers; where the request has an `Idempotency-Key`, `once`. Raises InvalidRequest, and as `once`."""
    header = door.header("idempotency-key")
    if header is None:
        return run()
    key = header.strip()
    if not _KEY.fullmatch(key):
        raise InvalidRequest("Idempotency-Key is 1 to 255 printable characters.", param="Idempotency-Key")
    request = door.current_event.path.encode() + b"\n" + door.body()
    return once(who, key, request, door.lambda_context, run)


def once(who: str, key: str, request: bytes, context: Any, run: Callable[[], Response]) -> Response:
    """The answer of `run`, or the one it gave when `who` first sent `key`, which its header then says.

    `request` is all that must be the same; `context` is Lambda's: after its time is over nobody is at work any more.
    What `run` raises is not kept, nor a stream that ends in an error that cost nothing (its body is `free`). Raises
    IdempotencyMismatch, StillRunning, StoreUnavailable.
    """
    ran: list[Response | Exception] = []

    def watched() -> Response:
        try:
            answer = run()
        except Exception as error:
            ran.append(error)
            raise
        ran.append(answer)
        return answer

    handler = _handler(watched, who, key, request, context)
    try:
        answer: Response = handler.handle()
    except IdempotencyValidationError as error:
        raise IdempotencyMismatch("This Idempotency-Key was sent with another request. Choose a new one.") from error
    except (IdempotencyAlreadyInProgressError, IdempotencyInconsistentStateError) as error:
        raise StillRunning("The first request with this Idempotency-Key is still running. Try again soon.") from error
    except IdempotencyPersistenceLayerError as error:
        if not ran:
            raise StoreUnavailable(
                "The Idempotency-Key cannot be looked up, so nothing was done. Try again."
            ) from error
        logger.exception("idempotency record not written", extra={"event": "idempotency_lost"})
        answer = _ended(ran[-1])
    return answer if isinstance(answer.body, bytes) else replace(answer, body=_Told(answer, handler))


def _ended(outcome: Response | Exception) -> Response:
    """What was bought is handed out, whatever became of its record."""
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def _handler(run: Callable[[], Response], who: str, key: str, request: bytes, context: Any) -> IdempotencyHandler:
    data = {"key": [who, key], "request": hashlib.sha256(request).hexdigest()}
    config, table = _config(context), settings().need("reuse_table_name")
    if table not in _stores:
        store = DynamoDBPersistenceLayer(table, expiry_attr="ttl", boto3_client=clients.dynamodb())
        store.configure(config, key_prefix=_PREFIX)  # not halfway when another thread of `make run` finds it
        _stores[table] = store
    return IdempotencyHandler(run, data, config, _stores[table], _Answers(context), _PREFIX, (), {})


def _config(context: Any) -> IdempotencyConfig:
    return IdempotencyConfig(
        event_key_jmespath="key",
        payload_validation_jmespath="request",
        expires_after_seconds=KEPT_SECONDS,
        hash_function="sha256",
        lambda_context=context,
    )


class _Told(Iterator[bytes]):
    """The pieces of a streamed answer on their way out, stored when it has ended, whole or told to have failed."""

    def __init__(self, answer: Response, handler: IdempotencyHandler) -> None:
        assert not isinstance(answer.body, bytes)  # noqa: S101 - for the type checker
        self._answer, self._handler = answer, handler
        self._pieces, self._said, self._over = answer.body, list[bytes](), False

    def __next__(self) -> bytes:
        try:
            piece = next(self._pieces)
        except StopIteration:
            self._end(b"".join(self._said))
            raise
        self._said.append(piece)
        return piece

    def close(self) -> None:
        """Nobody reads on. An answer that had been whole by then is kept all the same (clients leave at `[DONE]`); any
        other is charged, and was never whole."""
        getattr(self._pieces, "close", lambda: None)()
        unread: bytes | None = getattr(self._pieces, "unread", lambda: None)()
        self._end(None if unread is None else b"".join([*self._said, unread]))

    def _end(self, body: bytes | None) -> None:
        """What was bought is handed out, whatever becomes of its record."""
        if self._over:
            return
        self._over = True
        store, data = self._handler.persistence_store, self._handler.data
        try:
            if getattr(self._pieces, "free", False):
                store.delete_record(data=data, exception=Exception("it cost nothing"))
            elif body is None:
                store.save_success(data=data, result={"begun": 0})
            else:
                store.save_success(data=data, result=_packed(replace(self._answer, body=body), body))
        except Exception:  # noqa: BLE001 - Powertools lets every error of its store through
            logger.exception("idempotency record not written", extra={"event": "idempotency_lost"})


class _Answers(BaseIdempotencySerializer):
    """An answer as a record has it. One that is too large for a record leaves a record without it; one that is still
    told leaves until when its teller may live."""

    def __init__(self, context: Any) -> None:
        self._context = context

    def to_dict(self, data: Response) -> dict[str, Any]:
        if isinstance(data.body, bytes):
            return _packed(data, data.body)
        return {"begun": int(time.time() + self._context.get_remaining_time_in_millis() / 1000) + 1}

    def from_dict(self, data: dict[str, Any]) -> Response:
        if "begun" in data:
            if data["begun"] > time.time():
                raise StillRunning(
                    "The first request with this Idempotency-Key is still being answered. Try again soon."
                )
            raise IdempotencyMismatch(
                "The first request with this Idempotency-Key was begun and charged, but its answer broke off before it "
                "could be kept. To ask once more, choose a new Idempotency-Key."
            )
        if "tooLarge" in data:
            raise IdempotencyMismatch(
                "This request was answered and charged, but its answer was too large to be kept. "
                "To ask once more, choose a new Idempotency-Key."
            )
        body = zlib.decompress(base64.b64decode(data["body"]))
        return Response(data["status"], body, {**data["headers"], REPLAYED: "true"}, data["type"])


def _packed(answer: Response, body: bytes) -> dict[str, Any]:
    packed = base64.b64encode(zlib.compress(body)).decode()
    if len(packed) > MOST_BYTES:
        return {"tooLarge": True}
    return {"status": answer.status, "headers": dict(answer.headers), "type": answer.content_type, "body": packed}
