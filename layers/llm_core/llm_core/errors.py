"""Every refusal and failure, as one tree; callers catch at the height they need.

DreyError
 ├── InvalidRequest              the request is at fault: say which field and what to do
 │    ├── ParameterNotPriced     a field whose effect on the price is unknown
 │    └── ContextLengthExceeded  the prompt does not fit the model
 ├── Unauthorized                no key, an unknown, expired or revoked one
 ├── InsufficientScope           a good key that may not do this
 ├── NotFound                    nothing there, or somebody else's
 │    └── ModelNotFound          an unknown or unpriced model, with the nearest names
 ├── ProviderError               an attempt at a provider failed
 │    ├── ProviderRefused        the provider found the request at fault
 │    ├── ProviderDenied         the provider refused our key, or the model to it
 │    ├── ProviderOverloaded     the provider has no room now
 │    ├── ProviderTimeout        the deadline passed while the provider was silent
 │    └── ProviderFailed         anything else: 5xx, a broken connection, an answer nobody can read
 ├── DeadlineExceeded            our own time is up before anybody was asked
 ├── LedgerUnavailable           usage could not be written down
 ├── StoreUnavailable            a table did not answer in time
 └── Misconfigured               an operator must act: the log says what is missing

Status and body of each in a caller's dialect: aws/refusals.py.
"""

from __future__ import annotations


class DreyError(Exception):
    """Root of the tree. `message` is for the caller: no secrets, no stack, and it says what to do."""

    code = "internal"
    retryable = False
    """Whether the same request may succeed later; told to clients as `x-should-retry`."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidRequest(DreyError):
    """A field has the wrong shape or value. `param` is its path, such as `messages[0].content`."""

    code = "invalid_request"

    def __init__(self, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


class ParameterNotPriced(InvalidRequest):
    """A field that could change the price in a way the catalog does not know."""

    code = "parameter_not_priced"


class ContextLengthExceeded(InvalidRequest):
    """The prompt is longer than the model's context window."""

    code = "context_length_exceeded"


class Unauthorized(DreyError):
    """Nobody we know: which of the reasons it was is never said."""

    code = "unauthorized"


class InsufficientScope(DreyError):
    """A known key without the scope this route needs."""

    code = "insufficient_scope"

    def __init__(self, required_scope: str) -> None:
        super().__init__(f"This key lacks the scope {required_scope!r}. Use a key that has it.")
        self.required_scope = required_scope


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
    """One attempt at a provider failed. `status` is what it answered (HTTP), None when it did not."""

    code = "provider_error"

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
    """400, 413, 422: the same request would be refused again."""

    code = "invalid_request"


class ProviderDenied(ProviderError):
    """401, 402, 403, 404: our account there is at fault, not the caller."""


class ProviderOverloaded(ProviderError):
    """429, 503, 529."""

    code = "provider_overloaded"
    retryable = True


class ProviderTimeout(ProviderError):
    """No answer within the deadline."""

    code = "timeout"
    retryable = True


class ProviderFailed(ProviderError):
    """5xx, a reset, or an answer that cannot be read."""

    retryable = True


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
