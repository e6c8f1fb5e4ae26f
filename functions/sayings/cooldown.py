"""Models that are left alone for a while, by all containers: each asks live only once, so it learns little itself."""

from __future__ import annotations

import time

from llm_core import alerts
from llm_core.aws import expiring, telemetry
from llm_core.errors import DreyError, Misconfigured, StoreUnavailable
from llm_core.failures import ProviderDenied, ProviderOverloaded, ProviderRefused, ProviderSkipped
from llm_core.settings import settings
from sayings import trouble, writer

RATE_LIMITED_SECONDS = 60
LONGEST_SECONDS = 300
"""After a 429 or 529: what the provider asks for, within these; as long as the second where our key is refused."""

NO_KEY_SECONDS = 60

_BREAKER_SECONDS = 30


def resting() -> set[str]:
    """The roles that rest now. Raises StoreUnavailable."""
    names = {_name(role): role for role in writer.ROLES}
    alive = expiring.alive(settings().need("health_table_name"), list(names), now=int(time.time()))
    return {names[name] for name in alive}


def after(error: DreyError, role: str) -> None:
    """What this failure of a role's model means for the next who would ask it."""
    model = writer.model_of(role)
    its_provider = [other for other in writer.ROLES if writer.model_of(other).provider == model.provider]
    match error:
        case ProviderOverloaded():
            telemetry.measure({"subject": "sayings", "model": model.model}, RateLimited=(1, "Count"))
            _rest([role], min(max(error.retry_after_s or RATE_LIMITED_SECONDS, 1), LONGEST_SECONDS))
        case ProviderSkipped():
            _rest([role], _BREAKER_SECONDS)
        case ProviderDenied():
            _rest(its_provider, LONGEST_SECONDS)
            _tell(error, model.provider)
        case Misconfigured():
            _rest(its_provider, NO_KEY_SECONDS)
            _tell(error, model.provider)
        case ProviderRefused():  # our request is at fault
            _tell(error, model.name)


def _rest(roles: list[str], seconds: float) -> None:
    now = int(time.time())
    for role in roles:
        try:
            expiring.touch(settings().need("health_table_name"), _name(role), now=now, until=now + int(seconds))
        except StoreUnavailable as error:
            trouble.log(error, "DynamoDB", "Error keeping a cool-down")
            return


def _tell(error: DreyError, subject: str) -> None:
    alerts.raise_once("sayings", subject, reason=trouble.error_type(error))


def _name(role: str) -> str:
    return f"cooldown#{role}"
