"""What can go wrong at a provider: one branch of the tree of errors (errors.py), told apart by what may be done next.

ProviderError
 ├── ProviderRefused             the provider found the request at fault
 │    ├── ContextLengthExceeded  the prompt does not fit the model
 │    └── ProviderTooLarge       more bytes than the provider takes
 ├── ProviderDenied              the provider refused our key, or the model to it
 │    └── OwnKeyRefused          it was the caller's own key
 ├── ProviderOverloaded          the provider has no room now
 ├── ProviderTimeout             the provider was silent for too long
 ├── ProviderCancelled           nobody wants its answer any more
 ├── ProviderFailed              anything else: 5xx, a broken connection, an answer nobody can read
 │    └── ProviderUnreachable    no connection, so nothing was sent
 ├── ProviderSkipped             not asked
 │    ├── ProviderUnaffordable   asking it too could cost more than may be spent
 │    └── ProviderSuspended      it once cost more than was held: an operator must look first
 └── AllProvidersFailed          every candidate was tried; what each said
"""

from __future__ import annotations

from collections.abc import Sequence

from llm_core.errors import DreyError


class ProviderError(DreyError):
    """One attempt at a provider failed. `status` is what it answered (HTTP), None when it did not.

    `again`: the same candidate may be asked once more. `elsewhere`: the next one may be asked.
    """

    code = "provider_error"
    again = False
    elsewhere = False

    def __init__(
        self,
        message: str,
        *,
        provider: str,
        status: int | None = None,
        retry_after_s: float | None = None,
        provider_request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.provider = provider
        self.status = status
        self.retry_after_s = retry_after_s
        self.provider_request_id = provider_request_id

    @property
    def end_unknown(self) -> bool:
        """The request left this machine and nobody saw how it ended, so it may be billed.

        A refusal by its status is not billed, and neither is a redirect; what went wrong inside an answer, which had
        begun with 200, may be.
        """
        return self.status is None or self.status < 300


class ProviderRefused(ProviderError):
    """400, 422: the same request would be refused again."""

    code = "invalid_request"


class ProviderTooLarge(ProviderRefused):
    """413: more bytes than the provider takes."""

    code = "payload_too_large"


class ContextLengthExceeded(ProviderRefused):
    """The prompt is longer than the model's context window; one with a larger window may take it."""

    code = "context_length_exceeded"
    param = "messages"


class ProviderDenied(ProviderError):
    """401, 402, 403, 404: our account there is at fault, not the caller."""


class OwnKeyRefused(ProviderDenied):
    """The same, of a key that the caller brought. Never told as 401: that would be about the caller's key of ours."""

    code = "provider_key_refused"


class ProviderOverloaded(ProviderError):
    """429, 503, 529."""

    code = "provider_overloaded"
    retryable = again = elsewhere = True


class ProviderTimeout(ProviderError):
    """No answer in time. A silent provider is not asked again: it would be silent for as long once more."""

    code = "timeout"
    retryable = elsewhere = True


class ProviderCancelled(ProviderError):
    """We ended it ourselves: nobody wants the answer any more."""

    code = "cancelled"


class ProviderFailed(ProviderError):
    """5xx, a broken connection, or an answer that cannot be read."""

    retryable = again = elsewhere = True


class ProviderUnreachable(ProviderFailed):
    """No connection was made, so nothing was sent and nothing is billed."""

    end_unknown = False


class ProviderSkipped(ProviderError):
    """It failed so often that it is left alone for a while: nothing was sent."""

    code = "provider_overloaded"
    retryable = elsewhere = True
    end_unknown = False


class ProviderUnaffordable(ProviderSkipped):
    """After what was tried before, asking it could cost more than may be spent: nothing was sent."""

    code = "budget_exceeded"
    retryable = False


class ProviderSuspended(ProviderSkipped):
    """A call of this kind cost more than its ceiling, so the price is not understood: nothing was sent."""

    retryable = False


class AllProvidersFailed(ProviderError):
    """Told when more than one attempt was made: `failures` holds each, in order, the last decides the code."""

    def __init__(self, failures: Sequence[tuple[str, ProviderError]]) -> None:
        last = failures[-1][1]
        told = "; ".join(f"{name}: {failure.message}" for name, failure in failures)
        super().__init__(f"Nobody could answer. {told}", provider=last.provider, retry_after_s=last.retry_after_s)
        self.failures = tuple(failures)
        self.code = last.code
        self.retryable = last.retryable
