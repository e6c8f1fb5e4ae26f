"""`make key`, `make budget`, `make revoke`, `make clear`, `make user`: what an operator does with AWS credentials.

The environment names the tables. Every act is a row of the audit table.
"""

import os
import sys
import time
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import boto3
from rich.console import Console
from rich.table import Table

from llm_core import audit, budgets, credentials, keys, overruns
from llm_core.accounts import standing, tree
from llm_core.accounts.tree import KINDS, Account
from llm_core.accounts.window import Kind
from llm_core.aws.writes import together
from llm_core.callers import SCOPES
from llm_core.deadline import Deadline
from llm_core.money import nano, plain
from local import people
from local.project import CannotStart

_SECONDS = 60.0
_console = Console(stderr=True, highlight=False)  # so that stdout is the new key and nothing else


def make_key(name: str, user: str, *, team: str, org: str, scopes: str, limits: Mapping[Kind, int]) -> None:
    """Make a key, and the accounts above it that are missing; the key alone goes to stdout."""
    names = [f"{kind}:{each}" for kind, each in (("org", org), ("team", team), ("user", user)) if each]
    parent: str | None = None
    for each in names:
        parent = budgets.opened(each, parent=parent).name
    asked = [scope.strip() for scope in scopes.split(",") if scope.strip()]
    made = keys.create(name, user_id=user, terms=keys.Terms(asked or SCOPES, limits=limits))
    _say(f"key {made.key_id} for {user}: {', '.join(sorted(asked or SCOPES))}")
    _show(f"key:{made.key_id}")
    _console.print("The key, shown this once:")
    sys.stdout.write(f"{made.api_key}\n")


def set_budget(account: str, limits: Mapping[Kind, int | None], shards: int | None) -> None:
    """Set limits of an account, opening it unless it is a key's; then tell how it stands."""
    if account.startswith("key:"):
        tree.find(account)
    else:
        budgets.opened(account, shards=shards)
    if limits:
        budgets.limited(account, limits, deadline=Deadline.after(_SECONDS))
        _say(f"{account}: it counts from now on, in this window too")
    _show(account)


def revoke(key_id: str) -> None:
    """End a key and all below it."""
    ended = credentials.revoke(key_id, audit.OPERATOR, Deadline.after(_SECONDS))
    for each in ended:
        _say(f"{each} is revoked, everywhere within 60 s")
    if not ended:
        _say(f"{key_id} and all below it were revoked before")


def clear(model: str, operation: str) -> None:
    """Let a model be asked again that once cost more than its ceiling."""
    subject = f"{operation} {model}"
    act = audit.act("overruns", by=audit.OPERATOR, what="overrun.clear", subject=subject, before={}, after={})
    if not overruns.clear(model, operation, act):
        raise CannotStart(f"{model} is not suspended for {operation}. The alert says how it is called.")
    _say(f"{model} may be asked for {operation} again, everywhere within 30 s")


def add_person(name: str, group: str, *, mail: bool) -> None:
    """Put a person into a group of the user pool, inviting them if they are new. The password alone goes to stdout."""
    cognito = boto3.client("cognito-idp")
    password = people.invite(cognito, os.environ["USER_POOL_ID"], name, group, mail=mail)
    act = audit.act(name, by=audit.OPERATOR, what="person.group", subject=name, before={}, after={"group": group})
    together([act], Deadline.after(_SECONDS))
    _say(f"{name} is one of the {group}")
    if password:
        _console.print("Their password, shown this once:")
        sys.stdout.write(f"{password}\n")


def amount(text: str) -> int | None:
    """USD as nano-USD; `none` is no limit. Raises CannotStart."""
    if text.lower() == "none":
        return None
    try:
        return nano(Decimal(text))
    except (InvalidOperation, ValueError):
        raise CannotStart(f"{text!r} is no amount of USD with at most nine decimals: 12.5, or none") from None


def _say(line: str) -> None:
    _console.print(f"[green]ok[/green] {line}", soft_wrap=True)


def _show(name: str) -> None:
    """The limits that count for an account, its own first."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("account", "window", "limit", "spent", "reserved", "left", "until"):
        table.add_column(column, justify="left" if column in ("account", "window", "until") else "right", no_wrap=True)
    now = time.time()
    for account in tree.lineage(name):
        for row in _rows(account, now):
            table.add_row(*row)
    _console.print(table)


def _rows(account: Account, now: float) -> Iterator[tuple[Any, ...]]:
    kinds = [kind for kind in KINDS if kind in account.limits]
    for kind in kinds:
        found = standing.of(account, kind, now)
        money = (found.limit, found.spent, found.held, found.remaining)
        end = found.end.strftime("%Y-%m-%d") if found.end else "ever"
        yield account.name, found.label, *(plain(each or 0) for each in money), end
    if not kinds:
        yield account.name, "", "none"
