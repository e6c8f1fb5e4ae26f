"""What every answer says about itself in its headers."""

from __future__ import annotations

import json
import re
import time
from decimal import Decimal
from typing import Any, cast

from gateway import metadata
from llm_core import byok, money
from llm_core.aws.http import Door, Response
from llm_core.byok import OwnKeys
from llm_core.cache import WISHES, Wish
from llm_core.call import Call
from llm_core.errors import InvalidRequest
from llm_core.gateway import Answer, Wishes
from llm_core.live import Live
from llm_core.payment import Allowance

_AMOUNT = re.compile(r"\d{1,6}(\.\d{1,12})?")


def wishes(door: Door) -> Wishes:
    """What the request's headers ask for. Raises InvalidRequest for what cannot be meant.

    `x-drey-fallback: off` keeps a request at the first candidate; `on` lets the platform's candidates answer, at the
    platform's price, after those that the caller's own key pays for.
    """
    fallback = word(door, "x-drey-fallback", "on", "off")
    return Wishes(
        fallback=fallback != "off",
        allowance=_allowance(door),
        metadata=metadata.read(door),
        cache=_cache(door),
        own=_own(door),
        others=fallback == "on",
    )


def word(door: Door, header: str, *known: str) -> str:
    """What the header says, "" where it is not sent. Raises InvalidRequest for what nobody knows: a misspelt `off` that
    means nothing would cost what the caller meant to avoid."""
    word = (door.header(header) or "").strip().lower()
    if word not in ("", *known):
        raise InvalidRequest(f"{header} is one of {', '.join(known)}.", param=header)
    return word


def _allowance(door: Door) -> Allowance:
    """`x-drey-max-cost-usd` bounds what a request may cost."""
    header = door.header("x-drey-max-cost-usd")
    stated = None if header is None else header.strip()
    if stated is not None and not _AMOUNT.fullmatch(stated):
        raise InvalidRequest("x-drey-max-cost-usd is a plain number of USD below a million, such as 0.05.")
    return Allowance(None if stated is None else int(Decimal(stated) * money.NANO))


def _cache(door: Door) -> Wish:
    """`x-drey-cache`; a misspelt `no-store` must not leave behind what nobody was to keep."""
    return cast(Wish, word(door, "x-drey-cache", *filter(None, WISHES)))


def _own(door: Door) -> OwnKeys | None:
    """`X-User-API-Key` and `X-User-Provider`: the caller's own key, for this request only."""
    secret, provider = (door.header(name) for name in ("x-user-api-key", "x-user-provider"))
    if secret is None and provider is None:
        return None
    secret = (secret or "").strip()
    if secret and secret == door.api_key():
        raise InvalidRequest("X-User-API-Key is a provider's key; this is yours of this platform. It went nowhere.")
    return byok.sent((provider or "").strip(), secret)


def response(answer: Answer[Any], body: dict[str, Any], started: float) -> Response:
    """The answer, with its account; `started` is when the door began, on the performance counter."""
    overhead_ms = (time.perf_counter() - started) * 1000 - answer.call.provider_ms
    headers = {
        **head(answer, len(answer.call.rows)),
        **spent(answer.call),
        "x-drey-cache": answer.cache,
        "x-drey-overhead-ms": f"{max(overhead_ms, 0):.1f}",
    }
    return Response(200, json.dumps(body).encode(), headers)


def head(answer: Answer[Any] | Live, attempts: int) -> dict[str, str]:
    """What is known before the first word: who answers, how long the answer may be, what this caller may still do."""
    return {
        "x-drey-generation-id": answer.call.id,
        "x-drey-provider": answer.model.provider,
        "x-drey-attempts": str(attempts),
        "x-drey-fallback": "true" if answer.fallback else "false",
        "x-drey-cache": "BYPASS",
        **limits(answer.call),
        **({"x-drey-max-tokens": str(answer.limit)} if answer.limit else {}),
    }


def spent(call: Call) -> dict[str, str]:
    """What the call was charged, once it is over."""
    return {"x-drey-cost-usd": money.plain(call.charged)}


def limits(call: Call) -> dict[str, str]:
    """What this caller may still do, as it stood when the call was admitted: the tightest budget in USD, with the time
    it begins anew, and what is left of this minute. Nothing is said of a limit that is not set."""
    if call.payment is None:
        return {}
    told = {}
    hold, caller = call.payment.hold, call.caller
    if hold.balance:
        told["x-budget-limit"] = money.plain(hold.balance.limit)
        told["x-budget-remaining"] = money.plain(max(hold.balance.remaining, 0))
        if hold.balance.end:
            told["x-budget-reset"] = hold.balance.end.isoformat(timespec="seconds").replace("+00:00", "Z")
    if hold.minute:
        for name, limit, used in (
            ("requests", caller.requests_per_minute, hold.minute.requests),
            ("tokens", caller.tokens_per_minute, hold.minute.tokens),
        ):
            if limit is not None:
                told[f"x-ratelimit-limit-{name}"] = str(limit)
                told[f"x-ratelimit-remaining-{name}"] = str(max(limit - used, 0))
                told[f"x-ratelimit-reset-{name}"] = f"{hold.minute.reset_s}s"
    return told
