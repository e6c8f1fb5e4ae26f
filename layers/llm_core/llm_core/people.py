"""People who signed in: API Gateway has proved their token, a door asks which client it was for and what they may.

`claims` are what a Cognito authorizer hands on in the event, all of them text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llm_core.errors import NotAllowed, Unauthorized
from llm_core.settings import settings

WRITERS = "writers"
ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Person:
    """`id` never changes and says nothing about the person; `name` is for reading: the address they sign in with."""

    id: str
    name: str
    groups: frozenset[str]

    @property
    def acts_as(self) -> str:
        """Who they are in the audit table, also in rows that outlive what is kept of them."""
        return f"person:{self.id}"


def signed_in(event: Mapping[str, Any], *groups: str) -> Person:
    """The person behind a proxy event, in any one of these groups. Raises Unauthorized, NotAllowed."""
    claims = ((event.get("requestContext") or {}).get("authorizer") or {}).get("claims") or {}
    if not claims.get("sub") or claims.get("aud") != settings().need("user_pool_client_id"):
        raise Unauthorized("Sign in first: this needs the ID token of a person, `Authorization: Bearer <token>`.")
    found = frozenset(filter(None, claims.get("cognito:groups", "").split(",")))
    if found.isdisjoint(groups):
        raise NotAllowed(f"This is for {' and '.join(groups)}. Ask an operator: make user NAME=... GROUP={groups[0]}")
    return Person(claims["sub"], claims.get("email") or claims.get("cognito:username", ""), found)
