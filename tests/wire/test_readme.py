"""What the README's first screen prints really happens."""

import json
import re
import subprocess
import sys

import pytest

from tests.conftest import ROOT, Platform

README = (ROOT / "README.md").read_text()


def _here(text: str, platform: Platform) -> str:
    """The README's text, for the platform under test instead of `make run`'s own port and key."""
    text = text.replace("http://127.0.0.1:3000", platform.url).replace("$(cat .local/key)", platform.key)
    return text.replace('open(".local/key").read().strip()', repr(platform.key))


def test_the_curl_answers_as_printed(platform: Platform) -> None:
    block = next(text for text in re.findall(r"```console\n(.*?)```", README, re.DOTALL) if text.startswith("$ curl"))
    command = _here(block.removeprefix("$ "), platform)
    done = subprocess.run(["bash", "-c", command], check=True, capture_output=True, text=True, timeout=30)
    printed = json.loads(README.split("```json")[1].split("```")[0])
    answer = json.loads(done.stdout)
    for shape in (printed, answer):
        shape.update(id="", created=0)
    assert answer == printed


PROGRAMS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("program", PROGRAMS, ids=["openai", "anthropic"])
def test_each_python_example_runs(platform: Platform, program: str) -> None:
    command = [sys.executable, "-c", _here(program, platform)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30)
    assert re.search(r"Hello!.* 0\.000\d+$", done.stdout.strip())
