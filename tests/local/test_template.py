"""What is read out of a template."""

from pathlib import Path

import pytest

from local.deployment import union
from local.project import CannotStart
from local.template import Template

SAMPLE = Path(__file__).with_name("sample_project") / "template.yaml"


def test_doors_and_routes_are_read_with_their_limits() -> None:
    template = Template(SAMPLE)
    paths = [door.path for door in template.doors.values()]
    assert paths == ["shop/echo", "shop/moody", "shop/stream", "shop/version", "shop/listener"]
    assert (template.doors["Echo"].timeout, template.doors["Echo"].memory) == (30, 256)
    hasty = next(route for route, _ in template.routes if route.path == "/v1/hasty/{mood}")
    stream = next(route for route, _ in template.routes if route.path == "/v1/stream/{how}")
    assert (hasty.timeout, hasty.streams) == (0.3, False)
    assert (stream.timeout, stream.streams) == (29, True)


def test_parameters_fill_in_references() -> None:
    template = Template(SAMPLE, {"Origin": "https://mine.example"})
    assert template.resolve(template.api["Cors"])["AllowOrigin"] == "'https://mine.example'"


def test_a_template_that_is_no_yaml_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text("Resources: [\n")
    with pytest.raises(CannotStart, match=r"^template.yaml is not YAML: [^\n]+$"):
        Template(tmp_path / "template.yaml")


def test_doors_that_disagree_about_a_variable_cannot_share_a_process() -> None:
    assert union({"A": {"X": "1", "Y": "2"}, "B": {"X": "1"}}) == {"X": "1", "Y": "2"}
    with pytest.raises(CannotStart, match=r"A and B disagree about X \('1', '2'\)"):
        union({"A": {"X": "1"}, "B": {"X": "2"}})
