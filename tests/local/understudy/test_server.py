"""The server as a process, under many streams, and its pace."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest

HELLO: Any = [{"role": "user", "content": "What does a squirrel eat in winter?"}]
CHAT = {"model": "gpt-5.4", "messages": HELLO, "stream": True}
HEADERS = {"authorization": "Bearer k"}


def test_it_says_where_it_is_and_goes_when_told_even_while_it_is_silent(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    command = [sys.executable, "-m", "local.understudy", "--port", "0", "--ready-file", str(ready)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        url = line.removeprefix("understudy ").strip()
        until = time.monotonic() + 10
        while not ready.exists() and time.monotonic() < until:
            time.sleep(0.01)
        assert ready.read_text() == url
        httpx2.post(f"{url}/_understudy/orders", json={"fault": {"kind": "silence"}}).raise_for_status()
        with pytest.raises(httpx2.ReadTimeout):
            httpx2.post(f"{url}/v1/chat/completions", json=CHAT, headers=HEADERS, timeout=0.2)

        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=10)
    finally:
        process.kill()
    assert (process.returncode, output, errors) == (0, "", "")


def test_three_hundred_streams_at_once_all_arrive_whole(address: str, desk: httpx2.Client) -> None:
    desk.post("/_understudy/pace", json={"first_token_s": 0.5, "between_tokens_s": 0.02}).raise_for_status()

    async def one(client: httpx2.AsyncClient) -> str:
        return (await client.post("/v1/chat/completions", json=CHAT, headers=HEADERS)).text

    async def all_of_them() -> list[str]:
        limits = httpx2.Limits(max_connections=None)
        async with httpx2.AsyncClient(base_url=address, limits=limits, timeout=60) as client:
            return await asyncio.gather(*(one(client) for _ in range(300)))

    answers = asyncio.run(all_of_them())
    assert all(answer.endswith("data: [DONE]\n\n") for answer in answers)
    counts = desk.get("/_understudy/sold?last=0").json()["totals"]["openai"]["gpt-5.4"]
    assert (counts["calls"], counts["unfinished"]) == (300, 0)


def test_the_pace_is_kept_for_streams_and_whole_answers(desk: httpx2.Client, order: Any) -> None:
    order(answer={"text": "one two three four five six"})
    pace = {"first_token_s": 0.1, "between_tokens_s": 0.02, "tokens_per_event": 2}
    assert desk.post("/_understudy/pace", json=pace).json() == pace

    for stream in (True, False):
        begun = time.monotonic()
        answer = desk.post("/v1/chat/completions", json={**CHAT, "stream": stream}, headers=HEADERS)
        assert time.monotonic() - begun >= 0.1 + 2 * 0.04
        assert not stream or answer.text.count('"content":') == 1 + 3


def test_a_wrong_pace_is_refused(desk: httpx2.Client) -> None:
    answer = desk.post("/_understudy/pace", json={"first_token_s": -1})

    assert answer.status_code == 400
    assert "first_token_s" in answer.json()["error"]


def test_the_process_helper_needs_nothing_from_the_environment() -> None:
    code = "from local.understudy.server import running\nwith running() as url: print(url)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )

    assert done.stdout.startswith("http://127.0.0.1:")
    assert done.stderr == ""
