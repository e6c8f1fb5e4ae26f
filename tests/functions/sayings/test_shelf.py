"""The table of sayings, on the emulator, and what is done without it."""

from __future__ import annotations

import io
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from llm_core.aws import table
from llm_core.errors import StoreUnavailable
from sayings import shelf
from sayings.shelf import Shelf
from tests.functions.sayings.conftest import Sayings, counted, haiku


def fill(count: int) -> set[str]:
    texts = {f"S3 is attic number {number}." for number in range(count)}
    shelf.keep(haiku(text) for text in texts)
    return texts


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The table, from now on in trouble; how often it was asked."""
    asked = [0]

    def refuse(*_: object, **__: object) -> list[object]:
        asked[0] += 1
        raise StoreUnavailable("The platform's tables cannot be reached (ThrottlingException). Try again shortly.")

    for name in ("latest", "following"):
        monkeypatch.setattr(table, name, refuse)
    return asked


def test_an_empty_table_has_nothing(sayings: Sayings) -> None:
    assert Shelf().draw() is None


def test_every_saying_may_be_drawn_and_none_comes_again_before_the_others(sayings: Sayings) -> None:
    texts = fill(9)
    drawn = Shelf()
    shown = [found.saying for _ in range(9) if (found := drawn.draw())]
    assert sorted(shown) == sorted(texts)


def test_a_handful_is_read_once_in_five_minutes(sayings: Sayings, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = fill(60)
    asked = counted(monkeypatch, table, "following")
    drawn = Shelf()
    shown = {found.saying for _ in range(shelf.HANDFUL) if (found := drawn.draw())}
    assert shown < texts
    assert len(shown) == shelf.HANDFUL
    assert len(asked) <= 2, "the second where the first came to the index's end"


def test_over_time_all_of_a_large_table_is_shown(sayings: Sayings) -> None:
    texts = fill(60)
    drawn = Shelf()
    shown = {found.saying for _ in range(1_500) if (found := drawn.draw())}
    assert shown == texts


def test_without_the_table_it_goes_on_with_what_it_had_however_old(
    sayings: Sayings, broken: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = Shelf()
    drawn._handful = [haiku("One."), haiku("Two.")]
    shown = [drawn.draw() for _ in range(5)]
    assert all(shown)
    assert broken == [1], "and does not ask again for a while"


def test_without_anything_it_says_so_and_logs_why(sayings: Sayings, broken: list[int], log: io.StringIO) -> None:
    drawn = Shelf()
    assert drawn.draw() is None
    assert drawn.newest() == []
    (line,) = [json.loads(each) for each in log.getvalue().splitlines()]
    assert (line["model"], line["error_type"]) == ("DynamoDB", "StoreUnavailable")
    assert "ThrottlingException" in line["error_message"]


def test_the_same_words_are_kept_once_even_if_all_keep_them_at_once(sayings: Sayings) -> None:
    with ThreadPoolExecutor(8) as pool:
        new = list(pool.map(lambda n: shelf.keep([haiku("S3 is an attic.", original_llm_time=n)]), range(8)))
    assert sum(map(len, new)) == 1
    assert len(sayings.items("MainHumorTable")) == 1


def test_a_saying_is_found_by_its_words(sayings: Sayings) -> None:
    fill(5)
    found = shelf.find('"s3 is attic number 3"')
    assert found is not None
    assert found.saying == "S3 is attic number 3."
    assert shelf.find("Something else.") is None


def test_the_newest_of_models_come_first_and_what_people_wrote_is_none_of_them(sayings: Sayings) -> None:
    shelf.keep([haiku("Old.", created_at=10), haiku("New.", created_at=20), haiku("Newer.", created_at=30)])
    shelf.keep([haiku("By people.", created_at=40, original_llm_time=None)])
    assert [each.saying for each in Shelf().newest()] == ["Newer.", "New.", "Old."]
