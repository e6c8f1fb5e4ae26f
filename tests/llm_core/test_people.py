"""Who signed in, by what a Cognito authorizer hands on: the site's own client, and one of the groups that may."""

from __future__ import annotations

from typing import Any

import pytest

from llm_core.errors import NotAllowed, Unauthorized
from llm_core.people import ADMIN, WRITERS, signed_in
from llm_core.settings import settings


@pytest.fixture(autouse=True)
def client(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("USER_POOL_CLIENT_ID", "site")
    settings.cache_clear()
    yield
    settings.cache_clear()


def event(**claims: str) -> dict[str, Any]:
    told = {"sub": "7f3a", "aud": "site", "email": "ada@example.com", "cognito:groups": "writers"}
    return {"requestContext": {"authorizer": {"claims": told | {k.replace("__", ":"): v for k, v in claims.items()}}}}


def test_a_writer_is_known_by_id_and_address() -> None:
    person = signed_in(event(), WRITERS, ADMIN)
    assert (person.id, person.name, sorted(person.groups)) == ("7f3a", "ada@example.com", ["writers"])


def test_any_one_of_the_groups_suffices() -> None:
    assert signed_in(event(cognito__groups="other,admin"), WRITERS, ADMIN).groups == {"other", "admin"}


@pytest.mark.parametrize("groups", ["", "readers", "writersadmin", "writers admin", "[writers]"])
def test_somebody_outside_the_groups_may_not(groups: str) -> None:
    with pytest.raises(NotAllowed, match="make user"):
        signed_in(event(cognito__groups=groups), WRITERS, ADMIN)


@pytest.mark.parametrize(
    "told",
    [{}, {"requestContext": {}}, {"requestContext": {"authorizer": None}}, event(aud="another"), event(sub="")],
    ids=["nothing", "no authorizer", "none", "another client", "nobody"],
)
def test_nobody_is_signed_in_by_anything_else(told: dict[str, Any]) -> None:
    with pytest.raises(Unauthorized):
        signed_in(told, WRITERS)
