"""A function's process as Lambda starts it, under the platform's own loop."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import ROOT
from tests.runtime_api import Heard, RuntimeApi, running

SCRIPT = ROOT / "layers/llm_core/streaming"
COMMAND = [str(SCRIPT), sys.executable, "/var/runtime/bootstrap.py"]
"""The wrapper script, and what Lambda hands to it: the command that would start the managed loop."""

TASK = Path(__file__).parent / "task"


def environment(**variables: str) -> dict[str, str]:
    """What a function finds."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "layers/llm_core"),  # on Lambda the layer is at /opt/python
        "LAMBDA_TASK_ROOT": str(TASK),
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "AWS_LAMBDA_FUNCTION_NAME": "doors",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
        "_HANDLER": "doors.handler",
        "POWERTOOLS_TRACE_DISABLED": "true",  # there is no X-Ray daemon here
        **variables,
    }


@dataclass
class Loop:
    """A function's process, and the Runtime API it asks."""

    api: RuntimeApi
    process: subprocess.Popen[bytes]
    output: Path

    def __call__(self, act: str, **event: Any) -> list[Heard]:
        return self.api.invoke({"act": act, **event}).all()

    @property
    def log(self) -> str:
        return self.output.read_text()

    def is_well(self) -> bool:
        """Whether the same process serves its next invocation."""
        return self("whole", answer={"statusCode": 200, "body": "well"})[1:] == [Heard("piece", b"well"), Heard("end")]


@contextmanager
def looping(folder: Path, handler: str = "doors.handler", **variables: str) -> Iterator[Loop]:
    output = folder / "output.txt"
    with running() as api, output.open("wb") as sink:
        told = environment(AWS_LAMBDA_RUNTIME_API=api.address, _HANDLER=handler, **variables)
        process = subprocess.Popen(COMMAND, cwd=folder, env=told, stdout=sink, stderr=subprocess.STDOUT)
        try:
            yield Loop(api, process, output)
        finally:
            process.kill()
            process.wait()
