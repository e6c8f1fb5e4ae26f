"""One run from its start to its end, and the changes in between."""

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.emulator import Emulator, free_port
from local.project import HERE, CannotStart, Project
from tests.local.conftest import Run, command, wait_until

DOOR = '''"""The door that tests rewrite."""


def handler(event, context):
    return {"statusCode": 200, "body": "%s"}
'''


@pytest.fixture
def changing(project: Project) -> Iterator[Run]:
    run = Run(project).start()
    yield run
    run.stop()


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except OSError:
        return False
    return state != "Z"


def test_a_change_is_answered_by_the_new_code_and_no_request_is_refused(changing: Run) -> None:
    door = changing.project.root / "functions/shop/version.py"
    seen: list[tuple[int, bytes]] = []
    refused: list[Exception] = []
    stopped = threading.Event()

    def keep_asking() -> None:
        while not stopped.is_set():
            try:
                answer = changing.ask("GET", "/v1/version")
                seen.append((answer.status, answer.body))
            except Exception as error:  # noqa: BLE001
                refused.append(error)
            stopped.wait(0.005)

    askers = [threading.Thread(target=keep_asking) for _ in range(4)]
    for asker in askers:
        asker.start()
    try:
        door.write_text(DOOR % "two")
        wait_until(lambda: (200, b"two") in seen)

        # A door that cannot be imported is 502; its neighbours answer.
        door.write_text("def handler(event, context:\n")
        wait_until(lambda: seen[-1][0] == 502)
        assert changing.ask("GET", "/v1/echo").status == 201
        assert "version.py" in changing.output.read_text()
        assert "SyntaxError" in changing.output.read_text()

        door.write_text(DOOR % "three")
        wait_until(lambda: (200, b"three") in seen)

        # So do changes of the layer, and of the template, which is deployed anew.
        words = changing.project.root / "layers/sample_core/sample_core/words.py"
        words.write_text('GREETING = "changed"\n')
        wait_until(lambda: changing.ask("GET", "/v1/echo").json["greeting"] == "changed")

        template = changing.project.template
        kept = template.read_text()
        template.write_text("Resources: [\n")
        wait_until(lambda: "not YAML" in changing.output.read_text())
        assert changing.ask("GET", "/v1/echo").status == 201
        template.write_text(kept.replace("Path: /v1/version", "Path: /v1/edition"))
        wait_until(lambda: changing.ask("GET", "/v1/edition").status == 200)
    finally:
        stopped.set()
        for asker in askers:
            asker.join()
    assert not refused
    assert {status for status, _ in seen} <= {200, 502, 403}  # 403: /v1/version is gone at the end


def test_state_and_key_outlive_a_run_and_nothing_else_does(project: Project) -> None:
    first = Run(project).start()
    key, family = first.facts["key"], first.family()
    assert stat.S_IMODE(project.key.stat().st_mode) == 0o600
    assert key == project.key.read_text().strip()
    first.note("kept")
    wait_until(lambda: first.noted("kept!"))  # by a door that listens to the table's stream
    assert len(family) >= 3
    assert first.stop() == 0
    assert not any(map(alive, family))
    assert not project.running.exists()

    # Killed without a chance to clean up, it still takes its children along, and the emulator writes its state.
    second = Run(project).start()
    assert second.noted("kept")
    assert second.facts["key"] == key
    second.note("kept too")
    wait_until(lambda: second.noted("kept too!"))  # the stream is heard again
    family = second.family()
    second.process.send_signal(signal.SIGKILL)
    second.process.wait()
    wait_until(lambda: not any(map(alive, family)), 5)
    assert "make run" in refused(key_verb(project))

    # A key that the table has forgotten is replaced.
    project.key.write_text("sk-proj-forgotten\n")
    third = Run(project).start()
    assert third.noted("kept too")
    assert third.facts["key"] not in (key, "sk-proj-forgotten")
    third.stop()


def test_a_stream_in_progress_does_not_keep_ctrl_c_waiting(project: Project) -> None:
    run = Run(project).start()
    with socket.create_connection(("127.0.0.1", run.port), timeout=10) as connection:
        connection.sendall(b"GET /v1/stream/endless HTTP/1.1\r\nHost: localhost\r\n\r\n")
        connection.recv(65536)
        assert run.stop() == 0


def key_verb(project: Project) -> list[str]:
    return [sys.executable, "-m", "local", "key", "--root", str(project.root), "--state", str(project.state)]


def refused(arguments: list[str], **environment: str) -> str:
    """Run it; it must fail with one line on stderr, which is returned."""
    ended = subprocess.run(
        arguments, cwd=HERE, env=os.environ | environment, capture_output=True, text=True, timeout=20, check=False
    )
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert ended.stderr.count("\n") == 1, ended.stderr
    return ended.stderr


def test_a_port_in_use_is_one_clear_line(project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        line = refused(command(project, port))
    assert f"Port {port}" in line
    assert f"PORT={port + 1} make run" in line


def test_a_second_run_of_a_checkout_is_one_clear_line(running: Run) -> None:
    assert f"http://127.0.0.1:{running.port}" in refused(command(running.project, free_port()))


def test_an_older_python_is_one_clear_line() -> None:
    pretend = "import sys, runpy; sys.version_info = (3, 9, 2); runpy.run_module('local', run_name='__main__')"
    assert "needs Python 3.13, this is 3.9" in refused([sys.executable, "-c", pretend])


def test_a_missing_emulator_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="make setup"):
        Emulator.start(Project(state=tmp_path, home=tmp_path))


def test_nothing_running_is_one_clear_line(project: Project) -> None:
    assert "make run" in refused(key_verb(project))


def test_a_sample_event_is_invoked_in_process_when_there_is_no_docker(running: Run) -> None:
    project = running.project
    where = ["--root", str(project.root), "--state", str(project.state)]
    verb = [sys.executable, "-m", "local", "invoke", *where]
    nothing = {"PATH": "/nonexistent"}
    done = subprocess.run(
        [*verb, "shop/echo", "note"], cwd=HERE, env=os.environ | nothing, capture_output=True, text=True, check=True
    )
    assert '"noted": "by hand"' in done.stdout
    assert "in process" in done.stderr
    assert running.noted("by hand")
    assert "cases of shop/echo: note" in refused([*verb, "shop/echo", "other"], **nothing)
    assert "there are: shop/echo" in refused([*verb, "shop/nothing", "note"], **nothing)
