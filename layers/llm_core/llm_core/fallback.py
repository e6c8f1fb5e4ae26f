"""Ask one candidate after another, within one deadline, and keep what each said."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence

from llm_core.aws import tracing
from llm_core.catalog import Model
from llm_core.deadline import Deadline
from llm_core.failures import AllProvidersFailed, ContextLengthExceeded, ProviderError

RETRIES = 2
"""How often the same candidate is asked again, at most."""

_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 4.0
"""Seconds. The bound doubles; the pause is drawn below it (full jitter), so that callers do not return together."""

_PATIENCE = 1.0
_PATIENCE_ALONE = 3.0
"""Seconds that a provider may ask us to wait: while somebody else could answer at once, and when nobody else can. Who
asks for more is believed: the caller is told, with its Retry-After."""


Failures = list[tuple[str, ProviderError]]
"""Each failure with the name of its candidate, in order."""


def first_answer[T](
    candidates: Sequence[Model],
    ask: Callable[[Model, Deadline], T],
    deadline: Deadline,
    *,
    share: float = 0.5,
    within: Callable[[Model], float] | None = None,
    retries: int = RETRIES,
) -> tuple[Model, T]:
    """The first candidate's answer, or the next one's, with the model that gave it. `ask` is told when to have ended.

    A candidate gets the seconds `within` which one in health has answered; while others could still answer, this share
    of the time that is left at the most. It is asked again so often.

    A refusal is not tried elsewhere, except a prompt that is too long, by models with a larger window. Raises the one
    failure there was, or AllProvidersFailed from all of them.
    """
    failures: Failures = []
    left = list(candidates)
    while left:
        model = left.pop(0)
        try:
            seconds = deadline.remaining() * (share if left else 1)
            own = Deadline.after(min(seconds, within(model)) if within else seconds)
            return model, _ask(model, ask, own, failures, retries, others=bool(left))
        except ContextLengthExceeded:
            left = [] if deadline.passed else [other for other in left if other.context > model.context]
        except ProviderError as failure:
            if not failure.elsewhere or deadline.passed:
                break
    if len(failures) == 1:
        raise failures[0][1]
    raise AllProvidersFailed(failures) from ExceptionGroup("attempts", [failure for _, failure in failures])


def _ask[T](
    model: Model,
    ask: Callable[[Model, Deadline], T],
    share: Deadline,
    failures: Failures,
    retries: int,
    *,
    others: bool,
) -> T:
    """One candidate, asked again where that may help."""
    for retry in range(retries + 1):
        try:
            return ask(model, Deadline.after(min(share.remaining(), model.limits.total_s)))
        except ProviderError as failure:
            failures.append((model.name, failure))
            pause = _pause(failure, retry)
            patience = min(_PATIENCE if others else _PATIENCE_ALONE, share.left)
            if not failure.again or retry == retries or pause >= patience:
                raise
            with tracing.span("pause"):
                time.sleep(pause)
    raise AssertionError("the last try returns or raises")


def _pause(failure: ProviderError, retry: int) -> float:
    """Seconds until the next try: what the provider asks for, else a draw below a doubling bound."""
    if failure.retry_after_s is not None:
        return failure.retry_after_s
    return random.uniform(0, min(_FIRST_PAUSE * 2**retry, _LONGEST_PAUSE))  # noqa: S311 - no secret depends on it
