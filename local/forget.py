"""`make forget USER=`: everything that is kept of a person is erased, and what was erased is told.

Keys end first. Sums of the platform, posts and acts of administration stay, under an opaque name that leads nowhere. It
may be said again at any time, and then finds what calls that were under way have written since.
"""

import os
import re
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import boto3
from boto3.dynamodb.conditions import Key
from rich.console import Console
from rich.table import Table

from llm_core import audit, credentials
from llm_core.aws.writes import ConditionFailed, Write, together, update
from llm_core.deadline import Deadline
from llm_core.errors import NotFound
from llm_core.roll_ups.contribution import ALL
from llm_core.runs import cancel, run
from local.project import CannotStart

_SECONDS = 60.0
_KEYS = {
    "KEYS": ("keyId",),
    "USAGE": ("userId", "timestamp"),
    "ROLL_UPS": ("scope", "cell"),
    "BUDGETS": ("userId",),
    "AUDIT": ("account", "at"),
    "REUSE": ("id",),
    "HEALTH": ("name",),
    "LIVE": ("name", "item"),
    "RUNS": ("runId", "item"),
    "CONTENT": ("postId", "type"),
}
Item = dict[str, Any]


def forget(user: str) -> Counter[str]:
    """Erase, and print what was; the counts by table. Raises CannotStart, StoreUnavailable (then it is said again)."""
    if not user:
        raise CannotStart("Whom? make forget USER=ada STAGE=dev")
    erasure = _Erasure(user)
    erasure.carry_out()
    console = Console(highlight=False)
    if not erasure.told:
        console.print(f"Nothing is kept of {user}.")
        return erasure.told
    listed = Table("erased", "items", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for what, count in sorted(erasure.told.items()):
        listed.add_row(what, f"{count:,}")
    console.print(listed)
    console.print(f"What must stay stands under {erasure.name}. Logs and traces end by themselves: docs/security.md.")
    if erasure.open:
        console.print(f"{erasure.open} calls or runs were still under way: say it again in five minutes.")
    return erasure.told


class _Erasure:
    """Of one user; `name` stands in its place where something must stay, `open` counts what is still under way."""

    def __init__(self, user: str) -> None:
        self.user = user
        self.name = f"erased-{secrets.token_hex(8)}"
        self.told: Counter[str] = Counter()
        self.open = 0

    def carry_out(self) -> None:
        keys = self._end_keys()
        runs = self._erase_runs()
        self._erase_usage()
        self._erase_accounts({f"user:{self.user}", *(f"key:{key}" for key in keys), *(f"run:{each}" for each in runs)})
        self._erase_what_keys_left(keys)
        self._delete("KEYS", [{"keyId": key} for key in keys])
        self._rename_author()
        self._rename_acts()
        self._forget_person()

    def _end_keys(self) -> list[str]:
        found = [item for item in _scan("KEYS") if item["userId"] == self.user]
        for item in found:
            if not item.get("revokedAt") or item.get("ending"):
                credentials.revoke(item["keyId"], audit.OPERATOR, Deadline.after(_SECONDS))
        return [item["keyId"] for item in found]

    def _erase_runs(self) -> list[str]:
        found = [item["runId"] for item in _query("RUNS", "owner", self.user, IndexName=run.BY_OWNER)]
        bucket = boto3.resource("s3").Bucket(os.environ["RUNS_BUCKET_NAME"])
        for run_id in found:
            with suppress(NotFound):  # expired meanwhile
                if not run.find(run_id).over:
                    cancel.cancel(run_id, Deadline.after(_SECONDS))
                    self.open += 1
            self._delete("RUNS", _query("RUNS", "runId", run_id))
            for each in bucket.objects.filter(Prefix=f"{run_id}/"):
                each.delete()
                self.told["objects of runs"] += 1
        self._delete("RUNS", _query("RUNS", "runId", f"slots#{self.user}"))
        return found

    def _erase_usage(self) -> None:
        """The rows, the marks that they were counted, the person's own sums; in those of all, the name is another."""
        rows = list(_query("USAGE", "userId", self.user))
        marks = [{"scope": f"row:{self.user}:{row['timestamp']:f}", "cell": "counted"} for row in rows]
        self._delete("ROLL_UPS", [mark for mark in marks if _query("ROLL_UPS", "scope", mark["scope"])])
        self._delete("USAGE", rows)
        self._delete("ROLL_UPS", _query("ROLL_UPS", "scope", f"user:{self.user}"))
        mine = quote(self.user, safe="/:@")
        for cell in _query("ROLL_UPS", "scope", ALL):
            parts = cell["cell"].split("#")
            if parts[2] == mine:
                self._replace("ROLL_UPS", cell, {**cell, "cell": "#".join([*parts[:2], self.name, *parts[3:]])})

    def _erase_accounts(self, names: set[str]) -> None:
        """With their windows. One in which a call is held stays until that ends: who settles it must find it."""
        mine = [item for item in _scan("BUDGETS") if item["userId"].partition("#")[0] in names]
        busy = [item for item in mine if item.get("holds")]
        self.open += len(busy)
        for item in mine:
            if (parent := item.get("parent")) and parent not in names:
                _no_child(parent, item["userId"])
        self._delete("BUDGETS", [item for item in mine if item not in busy])

    def _erase_what_keys_left(self, keys: list[str]) -> None:
        """Cached answers, connections, episodes of alerts: all of it would be gone within days."""
        answers = tuple(f"answer#{key}#" for key in keys)
        self._delete("REUSE", [item for item in _scan("REUSE") if item["id"].startswith(answers)])
        live = list(_scan("LIVE"))
        connections = {item["name"] for item in live if item.get("keyId") in keys and item["item"] == "connection"}
        self._delete("LIVE", [each for each in live if each.get("keyId") in keys or each["name"] in connections])
        about = {f"user:{self.user}", *(f"key:{key}" for key in keys)}
        self._delete("HEALTH", [item for item in _scan("HEALTH") if about & set(item["name"].split("#"))])

    def _rename_author(self) -> None:
        """What a person wrote for others to read stays, and says no more who did."""
        for item in _scan("CONTENT"):
            if item.get("author") == self.user:
                self._replace("CONTENT", item, {**item, "author": self.name})

    def _rename_acts(self) -> None:
        for act in list(_query("AUDIT", "account", self.user)):
            words = {part: self._without(act[part]) for part in ("subject", "before", "after")}
            self._replace("AUDIT", act, {**act, **words, "account": self.name})
        if self.told:
            facts: dict[str, Any] = {"subject": self.name, "before": {}, "after": {"erased": dict(self.told)}}
            done = audit.act(self.name, by=audit.OPERATOR, what="user.forget", **facts)
            together([done], Deadline.after(_SECONDS))

    def _forget_person(self) -> None:
        if not (pool := os.environ.get("USER_POOL_ID")):
            return
        cognito = boto3.client("cognito-idp")
        with suppress(cognito.exceptions.UserNotFoundException):
            cognito.admin_delete_user(UserPoolId=pool, Username=self.user)
            self.told["people who sign in"] += 1

    def _without(self, value: Any) -> Any:
        """The same under the other name, and without the names that people give their keys."""
        match value:
            case str():
                return re.sub(rf"(?<![\w.@+-]){re.escape(self.user)}(?![\w.@+-])", self.name, value)
            case dict():
                return {key: "" if key == "name" else self._without(each) for key, each in value.items()}
            case list():
                return [self._without(each) for each in value]
            case _:
                return value

    def _delete(self, name: str, items: Iterable[Item]) -> None:
        with _table(name).batch_writer() as batch:
            for item in list(items):
                batch.delete_item(Key={part: item[part] for part in _KEYS[name]})
                self.told[_called(name)] += 1

    def _replace(self, name: str, before: Item, after: Item) -> None:
        """The new one is there before the old one goes."""
        _table(name).put_item(Item=after)
        old, new = ({part: item[part] for part in _KEYS[name]} for item in (before, after))
        if old != new:
            _table(name).delete_item(Key=old)
        self.told[f"{_called(name)}, by another name"] += 1


def stores(stack: str) -> dict[str, str]:
    """A stack's tables and buckets, as the doors' variables name them: KeysTable is KEYS_TABLE_NAME."""
    pages = boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    found = (each for page in pages for each in page["StackResourceSummaries"])
    return {
        f"{re.sub(r'(?<=[a-z])(?=[A-Z])', '_', each['LogicalResourceId']).upper()}_NAME": each["PhysicalResourceId"]
        for each in found
        if each["ResourceType"] in ("AWS::DynamoDB::Table", "AWS::S3::Bucket")
    }


def _no_child(parent: str, child: str) -> None:
    """The account above names it no more."""
    values = {":child": {child}, ":name": child}
    write = Write(os.environ["BUDGETS_TABLE_NAME"], {"userId": parent}, "DELETE #children :child", _NAMES_IT, values)
    with suppress(ConditionFailed):
        update(write, Deadline.after(_SECONDS))


_NAMES_IT = "contains(#children, :name)"


def _table(name: str) -> Any:
    return boto3.resource("dynamodb").Table(os.environ[f"{name}_TABLE_NAME"])


def _called(name: str) -> str:
    return name.lower().replace("_", " ")


def _scan(name: str) -> Iterator[Item]:
    yield from _read(_table(name).scan, ConsistentRead=True)


def _query(name: str, part: str, value: str, **more: Any) -> list[Item]:
    return list(_read(_table(name).query, KeyConditionExpression=Key(part).eq(value), **more))


def _read(ask: Any, **how: Any) -> Iterator[Item]:
    """All pages."""
    while True:
        page = ask(**how)
        yield from page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        how["ExclusiveStartKey"] = page["LastEvaluatedKey"]
