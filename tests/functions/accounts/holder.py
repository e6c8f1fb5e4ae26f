"""Whoever holds a key, asking over HTTP."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

from llm_core import callers, keys
from llm_core.accounts.window import Kind
from llm_core.aws import clients, table
from tests.conftest import Platform

NANO = 10**9


@dataclass(frozen=True)
class Holder:
    """A key, and the platform that knows it."""

    platform: Platform
    user: str
    key_id: str
    api_key: str

    def ask(self, method: str, path: str, body: Any = None) -> httpx2.Response:
        """`body` is JSON, or bytes as they are."""
        sent: dict[str, Any] = {"content": body} if isinstance(body, bytes) else {"json": body} if body else {}
        headers = {"Authorization": f"Bearer {self.api_key}"}
        return self.platform.http.request(method, f"{self.platform.url}{path}", headers=headers, **sent)

    def told(self, method: str, path: str, body: Any = None, status: int = 200) -> dict[str, Any]:
        answer = self.ask(method, path, body)
        assert answer.status_code == status, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def refused(self, method: str, path: str, body: Any = None, *, status: int) -> str:
        """The words of a refusal in the native dialect."""
        told = self.told(method, path, body, status)
        assert set(told) >= {"error", "code", "statusCode", "requestId"}
        assert told["statusCode"] == status
        return str(told["error"])

    def make(self, **asked: Any) -> Holder:
        """A key below this one."""
        body = {"name": "below", "scopes": sorted(callers.SCOPES), "monthlyBudget": None} | asked
        made = self.told("POST", "/v1/auth/keys", body, 201)
        return Holder(self.platform, self.user, made["keyId"], made["apiKey"])

    def hello(self) -> httpx2.Response:
        messages = [{"role": "user", "content": "Hello"}]
        return self.ask("POST", "/v1/complete", {"model": "claude-haiku-4-5", "messages": messages, "maxTokens": 20})

    @property
    def works(self) -> bool:
        answer = self.ask("GET", "/v1/key")
        assert answer.status_code in (200, 401), answer.text
        return answer.status_code == 200

    @property
    def acts(self) -> list[dict[str, Any]]:
        """The audit rows about this user, oldest first."""
        name = self.platform.environment["AUDIT_TABLE_NAME"]
        return list(table.query(name, {"account": self.user}, between=("at", "0", "9")))

    @property
    def kept(self) -> dict[str, Any]:
        """The key's item, and its account's under `account`."""
        item = table.get(self.platform.environment["KEYS_TABLE_NAME"], {"keyId": self.key_id})
        account = table.get(self.platform.environment["BUDGETS_TABLE_NAME"], {"userId": f"key:{self.key_id}"})
        assert item
        assert account
        return {**item, "account": account}


def someone(
    platform: Platform,
    scopes: Iterable[str] = callers.SCOPES,
    limits: Mapping[Kind, int] | None = None,
    *,
    user: str = "",
    **terms: Any,
) -> Holder:
    """A key of a user whom nobody has seen before, or of this one; `limits` in USD."""
    name = user or f"user-{secrets.token_hex(6)}"
    nano = {kind: limit * NANO for kind, limit in (limits or {}).items()}
    made = keys.create("top", user_id=name, terms=keys.Terms(set(scopes), limits=nano, **terms))
    return Holder(platform, name, made.key_id, made.api_key)


def scanned(platform: Platform, table_name: str) -> list[dict[str, Any]]:
    """All items of a table of the platform, by its variable's name."""
    pages = clients.dynamodb().get_paginator("scan").paginate(TableName=platform.environment[table_name])
    return [table.unpacked(item) for page in pages for item in page["Items"]]
