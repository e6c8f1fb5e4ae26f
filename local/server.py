"""The doors' process: imports them and serves the front door on a socket that the supervisor opened.

Started anew after each change, with the doors' environment already set. The first one tells its supervisor on the pipe
`--tell`, as JSON, {"key": str | null, "broken": {door: reason}}; those that follow a change tell the person.
"""

import argparse
import asyncio
import json
import logging
import os
import signal
import socket
import sys
import threading
import time
import traceback
from functools import partial
from pathlib import Path
from types import FrameType

import uvicorn

from local import executions, key, site, traces, traces_page
from local.authorizer import Authorizer
from local.door import LoadedDoor, trace
from local.front import front
from local.hops import Hops
from local.log import Log
from local.project import Project
from local.sockets import MESSAGE_LIMIT
from local.template import Template
from local.traces import Trace

DRAIN_S = 30  # what a request in progress is granted when a change replaces us
STOP_S = 1  # and when the person wants to leave
_LATEST = 4 * 1024 * 1024  # bytes of the traces that a page shows


class Server(uvicorn.Server):
    """SIGTERM: take no new connection, finish the open ones. SIGINT: the same in a second."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if sig == signal.SIGINT:
            self.config.timeout_graceful_shutdown = STOP_S
        self.should_exit = True  # and not more: uvicorn would raise the signal again once it has stopped

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        # Connections that were accepted a moment ago may not have said anything yet: uvicorn would drop them.
        await asyncio.sleep(0.1)
        await super().shutdown(sockets)


def main() -> None:
    """Import the doors, find the key, say so, serve."""
    arguments = _arguments()
    began = time.monotonic()
    project = Project(arguments.root, arguments.state)
    sys.path[:0] = map(str, project.sources)
    sys.stdout = Log(project.logs / "doors.jsonl")
    hops = Hops()
    hops.watch()
    template = Template(project.template, json.loads(arguments.parameters))
    doors = {name: LoadedDoor(door) for name, door in template.doors.items() if name in arguments.doors}
    broken = {name: door.broken for name, door in doors.items() if door.broken}
    for text in dict.fromkeys(trace(error) for error in broken.values()):
        sys.stderr.write(f"{text}\n")
    made = _key(project)
    if not arguments.because:
        threading.Thread(target=_posts, args=(project,), daemon=True).start()  # nobody waits for them
    reasons = {name: f"{type(error).__name__}: {error}" for name, error in broken.items()}
    if arguments.because:
        said = f"{', '.join(doors[name].door.path for name in broken)} broken" if broken else "ready"
        sys.stderr.write(f"{arguments.because}: {said} after {time.monotonic() - began:.1f} s\n")
    else:
        with os.fdopen(arguments.tell, "w") as pipe:
            pipe.write(json.dumps({"key": made, "broken": reasons}) + "\n")
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL + 1)  # a cut stream is our wish, told by ourselves
    config = uvicorn.Config(
        front(
            template,
            doors,
            _authorizer(arguments.pool),
            hops,
            site.of_this_machine(project.root),
            quiet=arguments.quiet,
            pages=[traces_page.route(partial(_traces, project))],
        ),
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws_max_size=MESSAGE_LIMIT,
        timeout_graceful_shutdown=DRAIN_S,
    )
    Server(config).run(sockets=[socket.socket(fileno=arguments.socket)])


def _traces(project: Project) -> list[Trace]:
    return executions.complete(traces.read(project.traces, _LATEST), os.environ["AWS_ENDPOINT_URL"])


def _posts(project: Project) -> None:
    """The blog of a fresh checkout has its first posts."""
    if "CONTENT_TABLE_NAME" not in os.environ:
        return
    try:
        from local import posts  # it speaks to llm_core

        posts.plant(project.root / "posts")
    except Exception:  # noqa: BLE001 (a blog that is being worked on must not end the run)
        sys.stderr.write(f"The first posts could not be published:\n{traceback.format_exc()}")


def _authorizer(pool: str) -> Authorizer | None:
    return Authorizer(os.environ["AWS_ENDPOINT_URL"], pool) if pool else None


def _key(project: Project) -> str | None:
    if "KEYS_TABLE_NAME" not in os.environ:
        return None
    try:
        return key.ensure(project.key)
    except Exception:  # noqa: BLE001 (a layer that is being worked on must not end the run)
        sys.stderr.write(f"There is no API key yet, because llm_core could not make one:\n{traceback.format_exc()}")
        return None


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--state", type=Path)
    parser.add_argument("--socket", type=int, required=True)
    parser.add_argument("--tell", type=int, required=True)
    parser.add_argument("--parameters", required=True)
    parser.add_argument("--pool", default="")
    parser.add_argument("--because", default="")
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--doors", nargs="*", default=[])
    return parser.parse_args()


if __name__ == "__main__":
    main()
