"""`make seed`: sayings, two users, three keys, thirty days of usage for the running platform; the same every time."""

import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from os import environ

from rich.console import Console
from rich.progress import track

from llm_core import callers, keys, ledger, pricing
from llm_core.aws import clients
from llm_core.aws.stage_catalog import catalog
from llm_core.errors import NotFound
from llm_core.messages import Usage
from llm_core.money import with_markup
from local import posts
from local.key import environment
from local.project import Project
from sayings import services, shelf

DAYS = 30
_KEYS = (("ada", "notebook"), ("ada", "nightly job"), ("grace", "chat window"))
_MODELS = ("claude-haiku-4-5", "claude-haiku-4-5", "claude-sonnet-4-6", "gpt-4.1-mini", "claude-opus-4-7")
_MILLISECONDS_OF_A_DAY = 86_400_000


def sow(project: Project) -> None:
    """Plant what is missing and say what was planted. Raises CannotStart when nothing runs."""
    environ.update(environment(project.now_running()["environment"]))
    Console().print(f"{posts.plant(project.root / 'posts')} posts published.")
    keys = dict(_keys())
    planted = 0
    for row in track(list(_rows(keys)), "Usage rows", disable=not sys.stdout.isatty()):
        try:
            ledger.find(row.user_id, row.id)
        except NotFound:
            ledger.record(row)
            planted += 1
    told = len(shelf.keep(services.built_in()))
    Console().print(f"{told} of {len(services.built_in())} sayings planted.")
    Console().print(
        f"{planted} usage rows of the last {DAYS} days planted for {' and '.join(sorted({*keys.values()}))}."
    )


def _keys() -> Iterator[tuple[str, str]]:
    """keyId and user of each sample key; a key that is made now is shown now, and never again."""
    table = environ["KEYS_TABLE_NAME"]
    pages = clients.dynamodb().get_paginator("scan").paginate(TableName=table)
    known = {(item["userId"]["S"], item["name"]["S"]): item["keyId"]["S"] for page in pages for item in page["Items"]}
    for user, name in _KEYS:
        if (user, name) in known:
            yield known[user, name], user
            continue
        key = keys.create(name, user_id=user, terms=keys.Terms(callers.SCOPES))
        Console().print(f"{user}'s key for the {name}: {key.api_key}", soft_wrap=True)
        yield key.key_id, user


def _rows(keys: dict[str, str]) -> Iterator[ledger.Row]:
    """Busier on working days, with a long tail of big prompts; drawn from the date alone, so never drawn twice."""
    today = datetime.now(UTC).date()
    for day in (today - timedelta(days=back) for back in range(1, DAYS + 1)):
        draw = random.Random(day.isoformat())  # noqa: S311 - sample data, the same for everybody
        midnight = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)
        for _ in range(draw.randint(6, 14) if day.weekday() < 5 else draw.randint(1, 4)):
            key_id = draw.choice(sorted(keys))
            model = catalog().model(draw.choice(_MODELS))
            usage = Usage(input=int(draw.lognormvariate(6, 1.2)), output=int(draw.lognormvariate(5, 0.9)))
            moment = midnight + draw.randrange(_MILLISECONDS_OF_A_DAY)
            cost = pricing.cost(usage, model)
            yield ledger.Row(
                id=f"gen-{moment:011x}{draw.getrandbits(64):016x}",
                user_id=keys[key_id],
                key_id=key_id,
                operation="chat",
                requested_model=model.model,
                provider=model.provider,
                model=model.model,
                attempt=1,
                fallback=False,
                outcome="ok",
                usage=usage,
                cost=cost,
                charged=with_markup(cost, Decimal(2)),
                estimated=False,
                price_version=catalog().version,
                latency_ms=int(draw.lognormvariate(6.8, 0.5)),
            )
