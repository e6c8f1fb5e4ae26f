"""Every refusal and failure, as one tree; callers catch at the height they need.

DreyError
 ├── InvalidRequest              the request is at fault: say which field and what to do
 │    └── ParameterNotPriced     a field whose effect on the price is unknown
 ├── Unauthorized                no key, an unknown, expired or revoked one
 ├── NotAllowed                  a good key that may not do this
 │    └── InsufficientScope      it lacks a scope, which is named
 ├── BudgetExceeded              what this could cost is more than may be spent
 ├── RateLimited                 too much in this minute
 │    ├── BudgetHeld             the budget would suffice, but for calls still in flight
 │    └── StillRunning           the first request with this Idempotency-Key has not ended yet
 ├── IdempotencyMismatch         an Idempotency-Key that stands for something else
 ├── Outdated                    what was to be changed is another by now
 ├── NotFound                    nothing there, or somebody else's
 │    └── ModelNotFound          an unknown or unpriced model, with the nearest names
 ├── ProviderError               an attempt at a provider failed: failures.py has that branch
 ├── DeadlineExceeded            our own time is up, before anybody was asked or between two attempts
 ├── LedgerUnavailable           usage could not be written down
 ├── StoreUnavailable            a table did not answer in time
 └── Misconfigured               an operator must act: the log says what is missing

Status and body of each in a caller's dialect: aws/refusals.py.
"""

from __future__ import annotations

from collections.abc import Mapping


class DreyError(Exception):
    """Root of the tree. `message` is for the caller: no secrets, no stack, and it says what to do."""

    code = "internal"
    retryable = False
    """Whether the same request may succeed later; told to clients as `x-should-retry`."""

    param: str | None = None
    """The path of the field at fault, such as `messages[0].content`."""

    retry_after_s: float | None = None
    """Seconds to wait before another try, where that is known."""

    details: Mapping[str, str | int | list[str]] = {}
    """What a program may want to read beside the message; `cost` is what it is charged, `estimated`: at most."""

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


class NotAllowed(DreyError):
    """A known key may not do this."""

    code = "not_allowed"


class InsufficientScope(NotAllowed):
    """A known key without the scope this route needs."""

    code = "insufficient_scope"

    def __init__(self, required_scope: str) -> None:
        super().__init__(f"This key lacks the scope {required_scope!r}. Use a key that has it.")
        self.details = {"required_scope": required_scope}


class BudgetExceeded(DreyError):
    """What this could cost is more than may be spent on it. `details` has both, in USD.

    `remaining` is what a smaller request may cost, in nano-USD; None where no smaller one would help.
    """

    code = "budget_exceeded"
    remaining: int | None = None


class RateLimited(DreyError):
    """More than this key may ask for in a minute."""

    code = "rate_limit"
    retryable = True


class BudgetHeld(RateLimited):
    """The budget would suffice if calls that are still in flight did not hold it: they give back what is left over."""

    remaining: int | None = None
    retry_after_s = 2


class IdempotencyMismatch(DreyError):
    """This Idempotency-Key was used before, and what was answered then cannot answer this request."""

    code = "idempotency_mismatch"


class StillRunning(RateLimited):
    """The first request with this Idempotency-Key has not ended yet."""

    code = "idempotency_in_progress"
    retry_after_s = 5


class Outdated(DreyError):
    """Somebody else changed it since it was read. Nothing was written."""

    code = "outdated"


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


class DeadlineExceeded(DreyError):
    """The time for this request is over."""

    code = "timeout"
    retryable = True


class LedgerUnavailable(DreyError):
    """A provider was paid and the row could not be written. The log line holds the whole row; the sweeper books what
    is held."""

    code = "ledger_unavailable"


class StoreUnavailable(DreyError):
    """A table or parameter store did not answer in time. If a provider had been asked by then, `cost` says so."""

    code = "store_unavailable"
    retryable = True


class Misconfigured(DreyError):
    """Something an operator must set is missing or wrong. The caller learns no more than that."""

    code = "misconfigured"
