"""Callers' own keys at providers (bring your own key): sent with one request, or kept for all of a key's requests.

A kept one is a SecureString of Parameter Store, `<BYOK_PATH>/<keyId>/<provider>`: KMS encrypts it under the name it
stands at, so it cannot be read under another. In memory it lives five minutes.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from threading import Lock

from llm_core.aws import clients
from llm_core.catalog import Model
from llm_core.errors import InvalidRequest, StoreUnavailable
from llm_core.providers import directory
from llm_core.providers.base import OwnKey, Provider
from llm_core.redaction import SHORTEST, remember_for_request
from llm_core.settings import settings

CACHE_SECONDS = 300

_CACHE_SIZE = 1_000
_SECRET = re.compile(rf"[\x21-\x7e]{{{SHORTEST},512}}")


@dataclass(frozen=True, slots=True)
class OwnKeys:
    """A caller's own keys, by provider. `sent` is the hash of one that came with the request, which is then refused
    where that key cannot be used."""

    by_provider: Mapping[str, OwnKey] = field(default_factory=dict)
    sent: str = ""

    def __contains__(self, model: Model) -> bool:
        """Whether this model is asked with the caller's own key."""
        return model.provider in self.by_provider

    def payer(self, model: Model) -> str:
        """Who pays for this model: a word that is the platform's own, one for kept keys, and one for each key sent."""
        return (self.sent or "kept") if model in self else "platform"

    def room[T: Provider](self, provider: T) -> T:
        """The provider, asked with the caller's own key where there is one."""
        own = self.by_provider.get(provider.name)
        return provider.with_key(own) if own else provider

    def narrowed(self, models: Sequence[Model], *, others: bool) -> Sequence[Model]:
        """The candidates that the caller's own keys pay for; `others` may answer after them, at the platform's cost.

        Without a key for any of them, all. Raises InvalidRequest if the one that was sent is such a key.
        """
        paid = [model for model in models if model in self]
        if not paid and self.sent:
            refused = InvalidRequest(
                f"No model by this name is offered by {next(iter(self.by_provider))}, which X-User-API-Key is for.",
                param="X-User-Provider",
            )
            has_some = {model.provider for model in models}
            refused.details = {"valid_providers": [name for name in directory.with_keys() if name in has_some]}
            raise refused
        return [*paid, *(model for model in models if others and model not in self)] if paid else models


def sent(provider: str | None, secret: str) -> OwnKeys:
    """The key that came with a request, struck out of everything that leaves from now on. Raises InvalidRequest."""
    remember_for_request(secret)
    check(provider or "", secret, param="X-User-API-Key")
    return OwnKeys({provider or "": lambda _: secret}, hashlib.sha256(secret.encode()).hexdigest())


def kept(key_id: str, providers: Collection[str]) -> OwnKeys:
    """The keys that this key keeps at these providers; each is read when it is needed."""
    return OwnKeys({provider: partial(_read, key_id, provider) for provider in providers})


def check(provider: str, secret: str, *, param: str) -> None:
    """Raises InvalidRequest, with the providers there are, for another one and for what cannot be a key."""
    valid = list(directory.with_keys())
    if provider not in valid:
        words = f"A key of your own needs the provider it is for: one of {', '.join(valid)}."
        refused = InvalidRequest(words, param="X-User-Provider" if param.startswith("X-") else "provider")
    elif not _SECRET.fullmatch(secret):
        refused = InvalidRequest(f"{param}: a provider's key has {SHORTEST} to 512 printable characters.", param=param)
    else:
        return
    refused.details = {"valid_providers": valid}
    raise refused


def store(key_id: str, provider: str, secret: str) -> None:
    """Keep a key, in place of the one before. Raises InvalidRequest, StoreUnavailable.

    Whoever calls this writes the provider's name into the key's item, after it; calls look there first.
    """
    remember_for_request(secret)
    check(provider, secret, param="apiKey")
    name = _name(key_id, provider)
    try:
        clients.ssm().put_parameter(Name=name, Value=secret, Type="SecureString", Overwrite=True)
    except clients.FAILURES as error:
        raise StoreUnavailable("The key could not be kept. Try again shortly.") from error
    with _lock:
        _found.pop(name, None)


def forget(key_id: str, provider: str) -> None:
    """Delete a kept key, if there is one; other environments may use it for five minutes more. Raises StoreUnavailable.

    Whoever calls this takes the provider's name out of the key's item first.
    """
    name = _name(key_id, provider)
    with _lock:
        _found.pop(name, None)
    try:
        clients.ssm().delete_parameter(Name=name)
    except clients.ssm().exceptions.ParameterNotFound:
        return
    except clients.FAILURES as error:
        raise StoreUnavailable("The key could not be deleted. Try again shortly.") from error


_found: dict[str, tuple[float, str]] = {}
_lock = Lock()


def _read(key_id: str, provider: str, fresh: bool = False) -> str:
    """The kept key. One that is gone is not replaced by the platform's: that would be at the platform's cost."""
    name, now = _name(key_id, provider), time.monotonic()
    with _lock:
        until, secret = _found.get(name, (0.0, ""))
    if fresh or until <= now:
        try:
            secret = clients.ssm().get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
        except clients.FAILURES as error:
            words = f"Your key for {provider} cannot be read. Try again shortly, or keep it anew."
            raise StoreUnavailable(words) from error
        with _lock:
            if len(_found) >= _CACHE_SIZE:
                _found.clear()
            _found[name] = (now + CACHE_SECONDS, secret)
    remember_for_request(secret)
    return secret


def _name(key_id: str, provider: str) -> str:
    path = settings().need("byok_path")
    return f"{path}/{key_id}/{provider}"
