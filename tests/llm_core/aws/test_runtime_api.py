"""Answers where nothing can be streamed: under `sam local`, against a strict Runtime API and against sam's own."""

from __future__ import annotations

import ast
import platform
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conftest import ROOT
from tests.llm_core.aws.looping import COMMAND, Loop, environment, looping
from tests.runtime_api import Invocation


@pytest.fixture(scope="module")
def sam_local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loop]:
    with looping(tmp_path_factory.mktemp("sam"), AWS_SAM_LOCAL="true") as started:
        yield started


def whole(invocation: Invocation) -> Any:
    (heard,) = invocation.all()
    assert heard.what == "whole"
    return heard.said


def test_where_nothing_can_be_streamed_the_same_bytes_leave_at_once(sam_local: Loop, tmp_path: Path) -> None:
    answer = whole(sam_local.api.invoke({"act": "told"}))
    assert answer["headers"] == {"Content-Type": "application/json"}
    assert (answer["statusCode"], answer["isBase64Encoded"]) == (200, False)
    assert ast.literal_eval(answer["body"])["process"] == sam_local.process.pid


def test_bytes_that_are_no_text_leave_in_base64(sam_local: Loop) -> None:
    given = {"statusCode": 200, "body": "/wA=", "isBase64Encoded": True}
    assert whole(sam_local.api.invoke({"act": "whole", "answer": given})) == given


def test_a_stream_that_breaks_is_an_error_there_and_no_beginning_of_an_answer(sam_local: Loop) -> None:
    (error,) = sam_local("raising", error="ValueError", pieces=["one", "two"])
    assert (error.what, error.type) == ("error", "ValueError")


def test_an_answer_above_six_megabytes_is_an_error_there(sam_local: Loop) -> None:
    (error,) = sam_local("large", bytes=6 * 1024 * 1024)
    assert (error.what, error.type) == ("error", "TooLarge")
    assert len(whole(sam_local.api.invoke({"act": "large", "bytes": 6_000_000}))["body"]) == 6_000_000


# ------------------------------------------------------------------------------------------------ sam's own


@pytest.fixture(scope="module")
def sams_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    """The emulator that `sam local` puts into its containers, here without a container."""
    emulator = next(
        (ROOT / ".local/venvs/sam").glob(f"lib/*/site-packages/samcli/local/rapid/aws-lambda-rie-{platform.machine()}"),
        None,
    )
    if emulator is None:
        pytest.skip("the sam CLI is not installed here: make setup")
    folder = tmp_path_factory.mktemp("emulator")
    addresses = [f"127.0.0.1:{port}" for port in _free_ports()]
    options = ["--runtime-interface-emulator-address", addresses[0], "--runtime-api-address", addresses[1]]
    with (folder / "output.txt").open("wb") as sink:
        told = environment(AWS_SAM_LOCAL="true")
        command = [str(emulator), *options, *COMMAND]
        process = subprocess.Popen(command, cwd=folder, env=told, stdout=sink, stderr=subprocess.STDOUT)
    try:
        until_it_listens = httpx2.HTTPTransport(retries=8)
        with httpx2.Client(base_url=f"http://{addresses[0]}", timeout=20, transport=until_it_listens) as client:
            yield client
    finally:
        process.terminate()
        process.wait(timeout=20)


def asked(client: httpx2.Client, **event: Any) -> Any:
    return client.post("/2015-03-31/functions/function/invocations", json=event).json()


def test_sams_own_gives_whole_answers_errors_and_the_next_answer(sams_own: httpx2.Client) -> None:
    streamed = asked(sams_own, act="told")
    assert streamed["statusCode"] == 200
    assert "'function_name': 'doors'" in streamed["body"]
    assert asked(sams_own, act="raising", error="ValueError", pieces=["one"])["errorType"] == "ValueError"
    assert asked(sams_own, act="whole", answer={"statusCode": 200, "body": "Grüße"})["body"] == "Grüße"


def _free_ports() -> list[int]:
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return [one.getsockname()[1], two.getsockname()[1]]
