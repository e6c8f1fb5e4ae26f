"""examples/: what a reader tries first, run as it stands."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, Platform

SAID = {
    "chat.sh": r'"object": "chat\.completion".*\n\ndata: .*"chat\.completion\.chunk".*\ndata: \[DONE\]',
    "openai_stream.py": r"Understudy: .*\nclaude-haiku-4-5\S*: \d+ tokens, 0\.0\d+ USD$",
    "anthropic_tools.py": r"\[\('weather', \{'city': .*\)\]\n\[TextBlock\(",
    "agent.py": r"1 think .*\d+ tool_call .*\d+ observation .*\d+ response .*\d+ done .*succeeded",
    "live_socket.py": r'\{\s*"first": "Understudy.*drey.*",\s*"second": "Understudy.*lives.*"\s*\}',
}
EXAMPLES = sorted(path for path in (ROOT / "examples").iterdir() if path.suffix in (".py", ".sh"))


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_an_example_does_what_it_shows(file: Path, platform: Platform) -> None:
    command = [sys.executable, str(file)] if file.suffix == ".py" else [str(file)]
    environment = os.environ | {"DREY_URL": platform.url, "DREY_KEY": platform.key}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(SAID[file.name], done.stdout.strip(), re.DOTALL), done.stdout


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_an_example_is_short(file: Path) -> None:
    assert 10 <= len(file.read_text().splitlines()) <= 40
