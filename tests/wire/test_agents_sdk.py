"""The OpenAI Agents SDK as a client: an agent with a tool, streamed, through both of OpenAI's dialects."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, Platform, fresh

AGENTS = ROOT / ".local/venvs/agents/bin/python"


@pytest.fixture(scope="module", params=["gpt", "claude"])
def seen(request: pytest.FixtureRequest, platform: Platform) -> dict[str, Any]:
    """What the user's program saw, of a model of each family."""
    platform.free()
    program = [str(AGENTS), str(Path(__file__).with_name("agents_client.py"))]
    program += [f"{platform.url}/v1", platform.key, fresh(request.param)]
    done = subprocess.run(program, check=False, capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.mark.parametrize("dialect", ["chat", "responses"])
def test_an_agent_calls_its_tool_and_answers(seen: dict[str, Any], dialect: str) -> None:
    told = seen[dialect]
    assert told["answer"]
    assert len(told["called"]) == 1, "once it has a result, the model is free to answer"
    assert told["kinds"] == ["tool_called", "tool_output", "message_output_created"]
    assert told["pieces"] > 3


@pytest.mark.parametrize("dialect", ["chat", "responses"])
def test_it_counts_what_all_its_turns_used(seen: dict[str, Any], dialect: str) -> None:
    told = seen[dialect]
    assert told["requests"] == 2
    assert told["input_tokens"] > 0
    assert told["output_tokens"] > 0
