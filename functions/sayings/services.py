"""The AWS services that sayings are about (services.json), and the sayings that people wrote (built_in.json)."""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sayings.saying import HOUSE, Saying

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Service:
    """`said` are the words by which a text means it: where its short name is a common word, only the whole one."""

    id: str
    name: str
    does: str
    said: tuple[str, ...]


@cache
def services() -> dict[str, Service]:
    """All of them by their ids."""
    told = json.loads((_FOLDER / "services.json").read_text())
    return {
        name: Service(name, each["name"], each["does"], tuple(each.get("said") or [_short(each["name"])]))
        for name, each in told.items()
    }


@cache
def built_in() -> tuple[Saying, ...]:
    """The sayings that come with the platform, written by people."""
    return tuple(Saying(text, service, *HOUSE) for service, text in json.loads((_FOLDER / "built_in.json").read_text()))


def some(count: int, draw: random.Random) -> list[Service]:
    """Different ones."""
    return draw.sample(list(services().values()), count)


def mentioned(text: str) -> list[str]:
    """The ids of the services that a text names, in its order; of two names at one place, such as S3 and S3 Glacier,
    the longer."""
    return list(dict.fromkeys(_by_name()[found] for found in _pattern().findall(text)))


@cache
def _by_name() -> dict[str, str]:
    return {said: service.id for service in services().values() for said in service.said}


@cache
def _pattern() -> re.Pattern[str]:
    longest_first = sorted(_by_name(), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")


def _short(name: str) -> str:
    return name.removeprefix("Amazon ").removeprefix("AWS ")
