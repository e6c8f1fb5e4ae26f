"""`python -m local invoke gateway/chat hello`: a sample event to one door, in Lambda's container or here."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from local.door import LoadedDoor, is_stream, trace
from local.key import environment
from local.project import CannotStart, Project
from local.screen import complain
from local.template import Door, Template

_SAMPLE_KEY = re.compile(r"sk-proj-0{12}A{43}")
"""What stands for a key in events/: it opens nothing anywhere."""

_SAMPLE_CLIENT = "0" * 26
"""What stands there for the site's client in the user pool."""


def invoke(project: Project, path: str, case: str) -> int:
    """Send events/<subject>/<door>-<case>.json to the door named `subject/door`; print its answer as JSON.

    Returns the exit code: 1 when the handler failed. Raises CannotStart for an unknown door or case.
    """
    template = Template(project.template, project.stage_parameters("local"))
    door = next((door for door in template.doors.values() if door.path == path), None)
    if door is None:
        raise CannotStart(f"There is no door {path}; there are: {', '.join(d.path for d in template.doors.values())}")
    file = project.root / "events" / f"{path}-{case}.json"
    if not file.exists():
        name = Path(path).name
        cases = sorted(found.stem.removeprefix(f"{name}-") for found in file.parent.glob(f"{name}-*.json"))
        raise CannotStart(
            f"There is no {file.relative_to(project.root)}; cases of {path}: {', '.join(cases) or 'none'}"
        )
    if sam := _sam(project):
        return subprocess.call(  # noqa: S603 (our own command line)
            [sam, "local", "invoke", door.name, "--event", str(file), "--config-env", "local"], cwd=project.root
        )
    complain("Docker or the sam CLI is missing: the same event, in process, with the key of this checkout.")
    running = project.now_running()
    os.environ.update(environment(running["environment"]))
    text = _SAMPLE_KEY.sub(running["key"], file.read_text())
    text = text.replace(_SAMPLE_CLIENT, running["outputs"].get("UserPoolClientId", _SAMPLE_CLIENT))
    return _in_process(project, door, json.loads(text))


def _in_process(project: Project, door: Door, event: object) -> int:
    sys.path[:0] = map(str, project.sources)
    loaded = LoadedDoor(door)
    try:
        answer = loaded(event, loaded.context())
        if isinstance(answer, dict) and is_stream(answer.get("body")):
            # As where nothing can be streamed: the same bytes at once.
            answer = {**answer, "body": b"".join(answer["body"]).decode()}
        sys.stdout.write(json.dumps(answer, indent=2) + "\n")
    except Exception as error:  # noqa: BLE001 (a failed handler is what was asked for)
        complain(trace(error))
        sys.stdout.write(json.dumps({"errorMessage": str(error), "errorType": type(error).__name__}) + "\n")
        return 1
    return 0


def _sam(project: Project) -> str | None:
    """The sam CLI, when it and a Docker daemon are there."""
    own = project.home / ".local" / "venvs" / "sam" / "bin" / "sam"
    sam = str(own) if own.exists() else shutil.which("sam")
    if not (sam and shutil.which("docker")):
        return None
    asked = subprocess.run(["docker", "info"], capture_output=True, check=False)  # noqa: S607
    return sam if asked.returncode == 0 else None
