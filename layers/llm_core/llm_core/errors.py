"""Every refusal and failure, as one tree; callers catch at the height they need.

DreyError
 ├── InvalidRequest              the request is at fault: say which field and what to do
 │    └── ParameterNotPriced     a field whose effect on the price is unknown
 ├── Unauthorized                no key, an unknown, expired or revoked one
 ├── InsufficientScope           a good key that may not do this
 ├── BudgetExceeded              what this could cost is more than may be spent
 ├── NotFound                    nothing there, or somebody else's
 │    └── ModelNotFound          an unknown or unpriced model, with the nearest names
 ├── ProviderError               an attempt at a provider failed
 │    ├── ProviderRefused        the provider found the request at fault
 │    │    ├── ContextLengthExceeded  the prompt does not fit the model
 │    │    └── ProviderTooLarge       more bytes than the provider takes
 │    ├── ProviderDenied         the provider refused our key, or the model to it
 │    ├── ProviderOverloaded     the provider has no room now
 │    ├── ProviderTimeout        the provider was silent for too long
 │    ├── ProviderFailed         anything else: 5xx, a broken connection, an answer nobody can read
 │    │    └── ProviderUnreachable    no connection, so nothing was sent
 │    ├── ProviderSkipped        known to be down, so not asked
 │    │    └── ProviderUnaffordable   asking it too could cost more than the caller allows
 │    └── AllProvidersFailed     every candidate was tried; what each said
 ├── DeadlineExceeded            our own time is up before anybody was asked
 ├── LedgerUnavailable           usage could not be written down
 ├── StoreUnavailable            a table did not answer in time
 └── Misconfigured               an operator must act: the log says what is missing

Status and body of each in a caller's dialect: aws/refusals.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class DreyError(Exception):
    """Root of the tree. `message` is for the caller: no secrets, no stack, and it says what to do."""

    code = "internal"
    retryable = False
    """Whether the same request may succeed later; told to clients as `x-should-retry`."""

    param: str | None = None
    """The path of the field at fault, such as `messages[0].content`."""

    retry_after_s: float | None = None
    """Seconds to wait before another try, where that is known."""

    details: Mapping[str, str | int] = {}
    """What a program may want to read beside the message."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidRequest(DreyError):
    """A field has the wrong shape or value."""

    code = "invalid_request"

    def __init__(self, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


class ParameterNotPriced(InvalidRequest):
    """A field that could change the price in a way the catalog does not know."""

    code = "parameter_not_priced"


class Unauthorized(DreyError):
    """Nobody we know: which of the reasons it was is never said."""

    code = "unauthorized"


class InsufficientScope(DreyError):
    """A known key without the scope this route needs."""

    code = "insufficient_scope"

    def __init__(self, required_scope: str) -> None:
        super().__init__(f"This key lacks the scope {required_scope!r}. Use a key that has it.")
        self.details = {"required_scope": required_scope}


class BudgetExceeded(DreyError):
    """What this could cost is more than may be spent on it. `details` has both, in USD."""

    code = "budget_exceeded"


class NotFound(DreyError):
    """Nothing is there, or it belongs to somebody else: the two look alike."""

    code = "not_found"


class ModelNotFound(NotFound):
    """No price is known for this name, so it cannot be called. `nearest` are names that can."""

    code = "model_not_found"

    def __init__(self, name: str, nearest: tuple[str, ...]) -> None:
        hint = f" Did you mean {' or '.join(nearest)}?" if nearest else " GET /v1/models lists what can be called."
        super().__init__(f"The model {name[:100]!r} is not known here.{hint}")
        self.nearest = nearest


class ProviderError(DreyError):
    """One attempt at a provider failed. `status` is what it answered (HTTP), None when it did not.

    `again`: the same candidate may be asked once more. `elsewhere`: the next one may be asked. `end_unknown`: the
    request left this machine and nobody saw how it ended, so it may be billed.
    """

    code = "provider_error"
    again = False
    elsewhere = False
    end_unknown = False

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


class ProviderOverloaded(ProviderError):
    """429, 503, 529."""

    code = "provider_overloaded"
    retryable = again = elsewhere = True


class ProviderTimeout(ProviderError):
    """No answer in time. A silent provider is not asked again: it would be silent for as long once more."""

    code = "timeout"
    retryable = elsewhere = end_unknown = True


class ProviderFailed(ProviderError):
    """5xx, a broken connection, or an answer that cannot be read."""

    retryable = again = elsewhere = True

    @property
    def end_unknown(self) -> bool:  # type: ignore[override]
        """A status is an answer, and an error is not billed; without one, or with 200, nobody knows."""
        return self.status is None or self.status < 400


class ProviderUnreachable(ProviderFailed):
    """No connection was made, so nothing was sent and nothing is billed."""

    end_unknown = False


class ProviderSkipped(ProviderError):
    """It failed so often that it is left alone for a while: nothing was sent."""

    code = "provider_overloaded"
    retryable = elsewhere = True


class ProviderUnaffordable(ProviderSkipped):
    """After what was tried before, asking it could cost more than the caller allows: nothing was sent."""

    code = "budget_exceeded"
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


class DeadlineExceeded(DreyError):
    """The time for this request is over."""

    code = "timeout"
    retryable = True


class LedgerUnavailable(DreyError):
    """A provider was paid and the row could not be written. The log line holds the whole row."""

    code = "ledger_unavailable"


class StoreUnavailable(DreyError):
    """A table or parameter store did not answer in time. Nothing was asked of any provider."""

    code = "store_unavailable"
    retryable = True


class Misconfigured(DreyError):
    """Something an operator must set is missing or wrong. The caller learns no more than that."""

    code = "misconfigured"
