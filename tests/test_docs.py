"""Docs cannot drift: what they name exists, and what exists they name."""

import re
from pathlib import Path

import pytest

from local.template import Template

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
API = (ROOT / "docs/api.md").read_text()
OPERATIONS = (ROOT / "docs/operations.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
DOCS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def _routes() -> set[str]:
    routes = Template(ROOT / "template.yaml").routes
    return {f"{route.method} {route.path}".replace("+}", "}") for route, _ in routes}


def _targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):.*##", MAKEFILE, re.MULTILINE))


def test_every_route_is_in_the_api_page_and_every_route_there_exists() -> None:
    told = {f"{method} {path}" for method, path in re.findall(r"`(GET|POST|PUT|PATCH|DELETE) (/[^` ]*)`", API)}
    assert told == _routes()


def test_every_verb_is_in_the_readme() -> None:
    told = set(re.findall(r"`make ([a-z-]+)", README))
    assert _targets() - {"help"} <= told


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_every_verb_that_a_page_names_exists(page: Path) -> None:
    told = set(re.findall(r"(?:`|\$ )make ([a-z-]+)", page.read_text()))
    assert told <= _targets(), page


def test_every_setting_is_explained() -> None:
    told = set(re.findall(r"`([A-Z][A-Za-z]+)`", OPERATIONS))
    assert set(Template(ROOT / "template.yaml").parameters) <= told


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text()
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), f"{page}: {target}"
    for target in re.findall(r"`((?:functions|layers|local|docs|tests|events)/[\w./-]*)`", text):
        assert (ROOT / target).exists(), f"{page}: {target}"


SHOWN = re.findall(r"`(tests/[^`]+\.py)::(test_\w+)`", (ROOT / "docs/security.md").read_text())


def test_every_test_that_the_threat_model_names_is_there() -> None:
    assert len(SHOWN) > 30
    for file, name in SHOWN:
        assert f"def {name}(" in (ROOT / file).read_text(), f"{file}::{name}"


def test_the_readmes_answer_has_the_shape_of_a_real_one() -> None:
    """The curl is run by tests/wire; here the printed answer is held against what the dialect writes."""
    import json

    printed = json.loads(README.split("```json")[1].split("```")[0])
    assert list(printed) == ["id", "object", "created", "model", "choices", "usage"]
    assert printed["usage"]["cost"] > printed["usage"]["cost_details"]["upstream_inference_cost"]


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = sorted(int(page.name[:4]) for page in (ROOT / "docs/decisions").glob("*.md"))
    assert numbers == list(range(1, len(numbers) + 1))
