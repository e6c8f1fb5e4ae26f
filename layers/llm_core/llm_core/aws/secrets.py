"""Secrets by reference, cached five minutes per name: `ssm:/name`, `secretsmanager:name`, outside prod also `env:NAME`.

A reference is a setting and may be seen; the value behind it never leaves this process except to its provider.
"""

from __future__ import annotations

import math
import os
import time
from collections import defaultdict
from threading import Lock
from typing import Any

from aws_lambda_powertools.utilities.parameters import SecretsProvider, SSMProvider
from aws_lambda_powertools.utilities.parameters.base import BaseProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from botocore.exceptions import ClientError

from llm_core import redaction
from llm_core.aws import clients
from llm_core.aws.telemetry import logger
from llm_core.errors import Misconfigured, StoreUnavailable
from llm_core.settings import settings

CACHE_SECONDS = 300

STALE_SECONDS = 3_600
"""While the store cannot be reached, a value that was read within this time is better than none."""

REFUSED_SECONDS = 60
"""A name that is not there or not allowed is not asked for again for so long: no storm of questions."""


class _SecureStrings(SSMProvider):
    """SSM parameters that are encrypted at rest; a plain String with a secret in it is an operator's mistake."""

    def _get(self, name: str, decrypt: bool = True, **options: Any) -> str:  # noqa: ARG002 - the base class's hole
        parameter = self.client.get_parameter(Name=name, WithDecryption=True)["Parameter"]
        if parameter["Type"] != "SecureString":
            raise ValueError(f"parameter {name} is a {parameter['Type']}, not a SecureString")
        return parameter["Value"]


_stores: dict[str, BaseProvider] = {}
_read: dict[str, tuple[float, str]] = {}
_refused: dict[str, tuple[float, str]] = {}
_asking: defaultdict[str, Lock] = defaultdict(Lock)


def _store(kind: str) -> BaseProvider:
    if kind not in _stores:
        if kind == "ssm":
            _stores[kind] = _SecureStrings(boto3_client=clients.ssm())
        elif kind == "secretsmanager":
            _stores[kind] = SecretsProvider(boto3_client=clients.secretsmanager())
        else:
            raise Misconfigured("A secret's reference starts with `ssm:` or `secretsmanager:`: this one does not.")
    return _stores[kind]


def secret(reference: str, *, fresh: bool = False) -> str:
    """The value behind a reference; `fresh` asks the store again, as after a 401.

    Raises Misconfigured, naming the reference and the store's reason, never a value.
    """
    kind, _, name = reference.partition(":")
    if kind == "env" and not settings().is_prod:
        return _kept(reference, os.environ.get(name))
    now = time.monotonic()
    until, words = _refused.get(reference, (now, ""))
    if until > now:
        raise Misconfigured(words)
    try:
        with _asking[reference]:  # of many at once one asks, and the others find what it was told
            value = _store(kind).get(name, max_age=CACHE_SECONDS, force_fetch=fresh)
    except GetParameterError as error:
        if isinstance(error.__context__, clients.FAILURES) and not _is_mistake(error.__context__):
            read_at, last = _read.get(reference, (-math.inf, ""))
            if now - read_at < STALE_SECONDS:
                logger.exception("secret not read anew", extra={"event": "secret_stale", "secret": reference})
                return last
            raise StoreUnavailable("The platform's secrets cannot be reached. Try again shortly.") from error
        words = f"The secret {reference} cannot be read: {error}"
        _refused[reference] = now + REFUSED_SECONDS, words
        raise Misconfigured(words) from error
    _read[reference] = now, _kept(reference, value)
    return _read[reference][1]


def _is_mistake(error: BaseException) -> bool:
    """A name that is not there or not allowed stays so until somebody mends it; anything else may pass."""
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
    return code in ("ParameterNotFound", "ResourceNotFoundException", "AccessDeniedException", "ValidationException")


def _kept(reference: str, value: object) -> str:
    """The value, once it is one; from now on struck out of everything that leaves."""
    if not isinstance(value, str) or not value.strip():
        raise Misconfigured(f"The secret {reference} is empty.")
    redaction.remember(value.strip())
    return value.strip()
