"""Our own prompts: versioned texts of named blocks, as XML for Claude and plainly for GPT."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from gates.prompts import unrecorded
from llm_core.errors import NotFound
from llm_core.messages import Instructions
from llm_core.prompts import library
from llm_core.prompts.library import FOLDER, fingerprint, prompt
from tests.conftest import Platform

USE_CASES = sorted(file.stem for file in FOLDER.glob("*.toml"))
TASK = {"input": "My parcel never came.", "labels": ["delivery", "billing"]}


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The prompts, where a test may change them."""
    folder = tmp_path / "prompts"
    shutil.copytree(FOLDER, folder)
    monkeypatch.setattr(library, "FOLDER", folder)
    monkeypatch.setattr(library, "prompt", library.prompt.__wrapped__)  # as in a fresh process
    return folder


def test_there_are_prompts() -> None:
    assert {"classify", "extract", "summarize"} <= set(USE_CASES)


def test_each_text_stands_under_its_version() -> None:
    assert unrecorded(FOLDER) == []


def test_a_text_changed_without_a_new_version_is_found(copy: Path) -> None:
    file = copy / "classify.toml"
    file.write_text(file.read_text().replace("fits best", "fits worst"))
    assert "classify: its text changed without a new version" in unrecorded(copy)[0]


def test_a_new_version_must_be_written_down_and_then_all_is_well(copy: Path) -> None:
    file = copy / "classify.toml"
    file.write_text(file.read_text().replace("fits best", "fits worst").replace("version = 1", "version = 2"))
    (complaint,) = unrecorded(copy)
    assert "version 2 is not in versions.json" in complaint

    recorded = json.loads((copy / "versions.json").read_text())
    recorded["classify"]["2"] = re.findall(r"'([0-9a-f]{16})'", complaint)[0]
    (copy / "versions.json").write_text(json.dumps(recorded))
    assert unrecorded(copy) == []


def test_going_back_behind_a_version_is_found(copy: Path) -> None:
    recorded = json.loads((copy / "versions.json").read_text())
    recorded["classify"]["2"] = "0" * 16
    (copy / "versions.json").write_text(json.dumps(recorded))
    assert "older" in unrecorded(copy)[0]


def test_a_new_prompt_and_a_lost_one_are_found(copy: Path) -> None:
    (copy / "classify.toml").rename(copy / "sort.toml")
    lost, new = unrecorded(copy)
    assert "classify" in lost
    assert "sort: version 1 is not in versions.json" in new


@pytest.mark.parametrize("part", ["name", "text", "order"])
def test_the_fingerprint_changes_with_every_letter(part: str) -> None:
    blocks = (("role", "You sort."), ("constraints", "One label."))
    changed = {
        "name": (("rule", "You sort."), blocks[1]),
        "text": (("role", "You sort!"), blocks[1]),
        "order": (blocks[1], blocks[0]),
    }
    assert fingerprint(Instructions("x", 1, blocks)) != fingerprint(Instructions("x", 1, changed[part]))


@pytest.mark.parametrize("use_case", USE_CASES)
def test_a_prompt_has_a_role_constraints_and_an_output_format_in_both_manners(use_case: str) -> None:
    told = prompt(use_case)
    assert told.blocks[0][0] == "role"
    assert {"constraints", "output_format"} <= {name for name, _ in told.blocks}
    xml, plain = told.as_xml(), told.as_plain()
    for name, text in told.blocks:
        assert f"<{name}>\n{text}\n</{name}>" in xml
        assert text in plain
        assert text == text.strip() != ""
    assert "<" not in plain
    assert plain.startswith("# Role\n")


@pytest.mark.parametrize(
    "name",
    [
        "poetry",
        "",
        "../classify",
        "classify.toml",
        "classify/../classify",
        pytest.param("x" * 10_000, id="a long name"),
    ],
)
def test_a_use_case_without_a_prompt_is_not_found(name: str) -> None:
    with pytest.raises(NotFound):
        prompt(name)


@pytest.mark.parametrize("model", ["claude-haiku-4-5", "gpt-4.1-mini"])
def test_claude_is_told_in_xml_and_gpt_plainly(understudy: Platform, model: str) -> None:
    understudy.perform({"text": '{"label": "delivery", "confidence": 0.9}'}, model=f"*{model}*")
    headers = {"authorization": f"Bearer {understudy.key}"}

    answer = understudy.http.post(f"{understudy.url}/v1/classify", json={**TASK, "model": model}, headers=headers)

    assert answer.status_code == 200, answer.text
    assert answer.json()["label"] == "delivery"
    sent = json.loads(understudy.asked()[-1]["body"])
    if model.startswith("claude"):
        assert sent["system"] == prompt("classify").as_xml()
        assert sent["messages"][0]["role"] == "user"
    else:
        assert sent["messages"][0] == {"role": "system", "content": prompt("classify").as_plain()}
        assert "<role>" not in json.dumps(sent)
    assert "My parcel never came." in json.dumps(sent["messages"][-1])
