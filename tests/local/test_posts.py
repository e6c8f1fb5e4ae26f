"""The first posts: a fresh checkout has them, and planting them twice makes no second ones."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from content import store
from local import posts
from tests.conftest import ROOT, Platform

FILES = sorted((ROOT / "posts").glob("*.md"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_first_post_has_a_title_tags_and_something_to_say(file: Path) -> None:
    head, content = posts.read(file)
    assert set(head) == {"title", "tags"}
    assert 1 <= len(head["tags"]) <= 3
    assert 250 <= len(content.split()) <= 700
    assert not content.startswith("# "), "the title stands in the head"


def test_there_are_five_or_more() -> None:
    assert len(FILES) >= 5


def test_a_fresh_run_publishes_them(platform: Platform) -> None:
    until = time.monotonic() + 60
    for file in FILES:
        while (answer := platform.http.get(f"{platform.url}/api/blog/{file.stem}")).status_code != 200:
            assert time.monotonic() < until, answer.text
            time.sleep(0.1)
        assert answer.json()["title"] == posts.read(file)[0]["title"]
    for file in FILES:  # the first ones had nothing to be related to, while they were planted
        assert platform.http.get(f"{platform.url}/api/blog/{file.stem}").json()["related"]


def test_planting_them_again_plants_nothing(inside: Platform, platform: Platform) -> None:
    test_a_fresh_run_publishes_them(platform)
    before = [store.find(file.stem) for file in FILES]
    assert posts.plant(ROOT / "posts") == 0
    assert [store.find(file.stem) for file in FILES] == before


def test_a_file_without_a_head_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.md"
    file.write_text("# A title\n\nWords.\n")
    with pytest.raises(ValueError, match=r"unpack|head"):
        posts.read(file)
