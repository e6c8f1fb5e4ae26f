"""Why a call is not admitted, as errors: its accounts cannot pay, it comes too fast, they are changing right now."""

from __future__ import annotations

from llm_core.accounts.window import Window
from llm_core.errors import BudgetExceeded, BudgetHeld, RateLimited, StoreUnavailable
from llm_core.money import plain

ABOVE = "key above"


def unaffordable(
    window: Window, limit: int, remaining: int, held: int, amount: int, *, own: bool = False
) -> BudgetExceeded | BudgetHeld:
    """402 when the window is used up, 429 when only calls in flight are in the way. All in nano-USD.

    Another key than the caller's `own` is not named: to a key there are only those below it.
    """
    name = window.account if own else shown(window.account)
    end = window.end and window.end.isoformat(timespec="seconds").replace("+00:00", "Z")
    whose = f"the {plain(limit)} USD of {name} for {window.label}"
    asked = f"This could cost up to {plain(amount)} USD; of {whose}"
    error: BudgetExceeded | BudgetHeld
    if remaining + held >= amount:
        error = BudgetHeld(f"{asked} {plain(max(remaining, 0))} are free while other calls are in flight. Try again.")
    else:
        until = f"Its next window begins {end}." if end else "It has no next window."
        error = BudgetExceeded(f"{asked} {plain(max(remaining, 0))} are left. {until} Or ask for a shorter answer.")
    error.remaining = max(remaining, 0)
    error.details = {
        "limit_id": f"{name}#{window.label}",
        "limit": plain(limit),
        "remaining": plain(max(remaining, 0)),
        "required": plain(amount),
        **({"window_end": end} if end else {}),
    }
    return error


def shown(account: str) -> str:
    """What an account above a key is called to that key."""
    return ABOVE if account.startswith("key:") else account


def too_fast(words: str, seconds: float) -> RateLimited:
    error = RateLimited(f"{words} Try again in {seconds:.0f} s.")
    error.retry_after_s = max(seconds, 1)
    return error


def busy() -> StoreUnavailable:
    error = StoreUnavailable("This account is changing right now. Nothing was asked of any provider. Try again.")
    error.retry_after_s = 1
    return error
