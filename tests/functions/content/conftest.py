"""The doors of posts over HTTP, with tokens of the emulator's own pool, and in process, in a door's place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from local import people
from local.emulator import client
from tests.conftest import Platform


@dataclass(frozen=True)
class Blog:
    """The platform's blog: for somebody with this token, "" for nobody."""

    platform: Platform
    token: str = ""

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx2.Response:
        """`/blog` is `/api/blog` here; the body is sent as JSON."""
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            told.setdefault("Authorization", f"Bearer {self.token}")
        return self.platform.http.request(method, f"{self.platform.url}/api{path}", json=body, headers=told)

    def write(self, **fields: Any) -> dict[str, Any]:
        """A post, made now."""
        told = {"title": f"A title {uuid4().hex[:8]}", "content": "Some words."} | fields
        answer = self.ask("POST", "/blog", told)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found


def person(platform: Platform, folder: Path, *groups: str) -> str:
    """An ID token of somebody new, in these groups."""
    cognito = client("cognito-idp", platform.environment["AWS_ENDPOINT_URL"])
    pool, site = platform.outputs["UserPoolId"], platform.outputs["UserPoolClientId"]
    name = f"{uuid4().hex[:8]}@example.com"
    cognito.admin_create_user(UserPoolId=pool, Username=name, MessageAction="SUPPRESS")
    password = "correct horse battery"
    cognito.admin_set_user_password(UserPoolId=pool, Username=name, Password=password, Permanent=True)
    for group in groups:
        cognito.admin_add_user_to_group(UserPoolId=pool, Username=name, GroupName=group)
    token: str = people._signed_in(cognito, pool, site, name, password)["IdToken"]
    return token


@pytest.fixture(scope="session")
def writer(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Blog:
    return Blog(platform, person(platform, tmp_path_factory.mktemp("people"), "writers"))


@pytest.fixture(scope="session")
def reader(platform: Platform) -> Blog:
    """Somebody without a token."""
    return Blog(platform)
