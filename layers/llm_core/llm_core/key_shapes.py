"""What is asked about keys and budgets: the bodies of those requests. Amounts come as USD and are read as nano-USD."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from llm_core.accounts.window import Kind
from llm_core.callers import SCOPES, Policy
from llm_core.money import nano

_MOST_USD = 1_000_000
_EXACT = Decimal("1e-9")


def _amount(value: Any) -> Any:
    """USD, as JSON had it digit by digit, in nano-USD."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not 0 <= value <= _MOST_USD:
        raise PydanticCustomError("usd", "a number of USD from 0 to 1,000,000, such as 12.5")
    if Decimal(value).quantize(_EXACT) != value:
        raise PydanticCustomError("usd", "a number of USD with at most nine decimals")
    return nano(value)


def _moment(value: Any) -> Any:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise PydanticCustomError("moment", "a time such as 2026-12-31T23:59:59Z") from None
    if moment.tzinfo is None:
        raise PydanticCustomError("moment", "a time with its zone, such as 2026-12-31T23:59:59Z")
    if moment <= datetime.now(UTC):
        raise PydanticCustomError("moment", "a time that is still to come")
    return moment.astimezone(UTC)


Usd = Annotated[int, BeforeValidator(_amount), WithJsonSchema({"type": "number", "minimum": 0, "maximum": _MOST_USD})]
Moment = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})]
Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]
Scope = Annotated[str, Field(json_schema_extra={"enum": sorted(SCOPES)})]
Scopes = Annotated[list[Scope], Field(min_length=1, max_length=len(SCOPES))]
Models = Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(min_length=1, max_length=100)]
PerMinute = Annotated[int, Field(ge=1, le=1_000_000_000)]


class Order(BaseModel):
    """A body of which nothing may be misread: a field nobody knows is refused. `daily_cap` is dailyCap on the wire."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, hide_input_in_errors=True, alias_generator=to_camel
    )


class Budget(Order):
    """PUT /v1/usage/budget: of the key that asks, or of one below it."""

    monthly_budget: Usd | None
    daily_cap: Usd | None = None
    key_id: str | None = None


class KeyChange(Order):
    """PATCH /v1/auth/keys/{id}: what is left out stays."""

    name: Name = Field(default_factory=str)
    scopes: Scopes = Field(default_factory=list)
    monthly_budget: Usd | None = None
    daily_cap: Usd | None = None
    requests_per_minute: PerMinute | None = None
    tokens_per_minute: PerMinute | None = None
    models: Models | None = None
    expires_at: Moment | None = None
    policy: Policy = "clamp"


class NewKey(KeyChange):
    """POST /v1/auth/keys: what is left out is as much as the key that asks has itself."""

    name: Name
    scopes: Scopes
    monthly_budget: Usd | None


class KeyOfUser(NewKey):
    """POST /admin/keys: a key right below a user, who is opened if nobody knows them."""

    user_id: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9._@+-]+$")]


class ProviderKey(Order):
    """PUT /v1/auth/keys/{id}/providers/{provider}: the caller's own key there."""

    api_key: str


def limits(body: Budget | KeyChange) -> dict[Kind, int | None]:
    """The limits that are named, in nano-USD; None for none."""
    named: dict[Kind, int | None] = {"month": body.monthly_budget, "day": body.daily_cap}
    sent = {"month": "monthly_budget", "day": "daily_cap"}
    return {kind: limit for kind, limit in named.items() if sent[kind] in body.model_fields_set}


def terms(body: KeyChange) -> dict[str, Any]:
    """The terms that are named: fields of Terms, without the limits."""
    named = {name: getattr(body, name) for name in body.model_fields_set & _TERMS}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in named.items()}


_TERMS = {"scopes", "models", "requests_per_minute", "tokens_per_minute", "expires_at", "policy"}
