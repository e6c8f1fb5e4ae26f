"""docs/cost.md, of what bench/cost.py counts. `python -m bench.cost_page` writes it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from decimal import Decimal

from rich.console import Console

from bench.cost import (
    BESIDE_GB_S,
    BOOK,
    CALL,
    DEV,
    IDLE,
    LONG,
    METRICS_A_MODEL,
    MILLION,
    MODELS,
    PAGE,
    PRICES,
    PROD,
    SWEEP_LOG_KB,
    SWEEP_MS,
    WITH_WAF,
    Month,
    break_even,
    per_million,
    price,
)


def page() -> str:
    return "\n".join("\n".join(part) for part in (_head(), _idle(), _stages(), _calls(), _older(), _sizes(), _book()))


def _head() -> Iterator[str]:
    yield "# What a month costs\n"
    yield _paragraph(
        "Written by `make bench-cost` from `template.yaml`, `stacks/` and the list prices below, in USD a month of 730",
        "hours in us-east-1. What models cost is not in it: providers bill that, and callers pay it (plus",
        "`MarkupPercent`). Nothing here was read off an AWS bill: quantities that the template does not fix are",
        "assumptions, and each says so.",
    )


def _idle() -> Iterator[str]:
    yield "## While nobody asks\n"
    yield _paragraph(
        "The stage `dev` with every parameter at its default. A door is invoked each minute to finish the holds of",
        f"callers that died; {SWEEP_MS} ms and {SWEEP_LOG_KB} KB of log for each are assumed.",
        '"Free" is what AWS gives every account for good.',
    )
    yield from _table(IDLE)
    yield ""
    yield _paragraph(
        "What is free is shared by all stacks of an account: with three other dashboards and ten other alarms there,",
        "the list price counts, of which the dashboard is nearly half. The key costs 1 USD more after its first",
        "rotation and again after its second, a year each; no further ones are charged.",
    )


def _stages() -> Iterator[str]:
    yield "## Stages\n"
    yield "| stage | calls | USD | list price |"
    yield "|---|---:|---:|---:|"
    for month in (IDLE, DEV, PROD, WITH_WAF, MILLION, LONG):
        yield f"| {month.name} | {month.calls:,} | {_usd(month.usd())} | {_usd(month.usd(listed=True))} |"
    detailed = Month("", parameters=(("Detailed", "true"),)).usd() - IDLE.usd()
    ready = Month("", parameters=(("ProvisionedConcurrency", "1"),)).usd() - IDLE.usd()
    yield ""
    yield _paragraph(
        f"45,000 calls are 1,500 a day. Calls take 1.2 s where nothing is said; {MODELS} models are asked, with",
        f"{METRICS_A_MODEL} metrics each. `Detailed=true` adds {_usd(detailed)}, each environment of",
        f"`ProvisionedConcurrency` {_usd(ready)}. The firewall has six rules more, for 6 USD, where",
        "`OriginVerifyName` is given, and in prod a seventh, which lets nobody around CloudFront.",
    )


def _calls() -> Iterator[str]:
    short, long = per_million("1.2"), per_million("10")
    yield "## A million calls\n"
    yield _paragraph(
        "At list price, without what stands. A streamed call is billed while it streams: its length is most of it."
    )
    yield "| | one call takes | 1.2 s | 10 s |"
    yield "|---|---|---:|---:|"
    beside = f"1 GB while it lasts, and {BESIDE_GB_S} GB-s of the two others, assumed"
    for name in short:
        why = CALL[name][1] if name in CALL else beside
        yield f"| {PRICES[name]['what']} | {why} | {_usd(short[name])} | {_usd(long[name])} |"
    yield f"| **all** | | **{_usd(_sum(short.values()))}** | **{_usd(_sum(long.values()))}** |\n"


def _older() -> Iterator[str]:
    older, needs = BOOK["older"], MILLION.needs()
    then = _sum(map(Decimal, older["lines"].values()))
    yield "## Beside the platform this grew from\n"
    yield _paragraph(
        "Its own table of fixed costs, with a million requests; Drey for a million calls of 1.2 s, with all that is",
        "there while nobody asks.",
    )
    yield "| | then | Drey |"
    yield "|---|---:|---:|"
    counted = set()
    for line, usd in older["lines"].items():
        instead = older["instead"][line]
        counted |= set(instead)
        ours = _sum(price(name, needs[name]) for name in instead if name in needs)
        yield f"| {line} | {usd} | {_usd(ours) if instead else 'none'} |"
    rest = _sum(price(name, units) for name, units in needs.items() if name not in counted)
    yield f"| key, transfer | | {_usd(rest)} |"
    yield f"| **all** | **{then}** | **{_usd(MILLION.usd())}** |\n"
    yield _paragraph(
        f"While nobody asks it cost {then}, Drey costs {_usd(IDLE.usd())}. Of Fargate, load balancer and NAT gateway",
        "nothing is left ([decision 2](decisions/0002-no-vpc.md)).",
        f"With {break_even(then):,} calls of 1.2 s a month Drey costs as much.",
    )


def _sizes() -> Iterator[str]:
    yield "## Three sizes of customer\n"
    yield _paragraph(
        "One customer alone on a stage of their own, against what that platform asked of them (models not counted)."
    )
    yield "| calls a month | then | Drey | list price |"
    yield "|---:|---:|---:|---:|"
    for calls, usd in BOOK["older"]["customers"].items():
        month = Month("", calls=int(calls))
        yield f"| {int(calls):,} | {usd}.00 | {_usd(month.usd())} | {_usd(month.usd(listed=True))} |"
    markup = IDLE.usd(listed=True) / Decimal("0.02")
    yield ""
    yield _paragraph(
        "Break-even against building one's own was said to be 2,000 requests a month. A month of Drey with as many",
        f"costs {_usd(Month('', calls=2_000).usd())}: it is even when building one's own takes less than that of",
        f"somebody's time. Its idle list price is earned by a markup of 2 % on {_usd(markup)} of models.",
    )


def _book() -> Iterator[str]:
    yield "## Prices\n"
    yield _paragraph(
        "List prices of us-east-1, as stored copies of those pages had them. Your region's and today's only AWS knows;",
        "`bench/aws_prices.json` is where to correct one.",
    )
    yield "| | USD | per | always free | source | checked |"
    yield "|---|---:|---:|---:|---|---|"
    for row in PRICES.values():
        figures = f"{row['usd']} | {row['per']:,} | {row['free']:,}"
        yield f"| {row['what']} | {figures} | {row['source']} | {row['checked_on']} |"
    yield ""


def _table(month: Month) -> Iterator[str]:
    yield "| | units | free | USD | list price | source |"
    yield "|---|---:|---:|---:|---:|---|"
    for name, units in month.needs().items():
        if units:
            row = PRICES[name]
            paid = (_usd(price(name, units, listed=listed)) for listed in (False, True))
            yield f"| {row['what']} | {_units(units)} | {row['free']:,} | {' | '.join(paid)} | {row['source']} |"
    yield f"| **all** | | | **{_usd(month.usd())}** | **{_usd(month.usd(listed=True))}** | |"


def _paragraph(*parts: str) -> str:
    return textwrap.fill(" ".join(parts), 120, break_long_words=False, break_on_hyphens=False) + "\n"


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))


def _usd(amount: Decimal) -> str:
    return f"{amount:,.2f}"


def _units(units: Decimal) -> str:
    return f"{units:,.2f}".rstrip("0").rstrip(".")


if __name__ == "__main__":
    PAGE.write_text(page())
    Console().print(f"{PAGE.name}: idle {_usd(IDLE.usd())} USD a month, a million calls {_usd(MILLION.usd())}.")
