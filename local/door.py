"""A Lambda function run in process: its handler imported, its context object, one invocation on one thread."""

import importlib
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from local.event import ACCOUNT
from local.template import Door

REGION = "us-east-1"
_OURS = ("local.", "importlib.", "asyncio.")  # frames that say nothing to a door's author


@dataclass
class Context:
    """Lambda's context object. The time that remains is real: it counts down from the function's Timeout."""

    function_name: str
    memory_limit_in_mb: int
    deadline: float  # of time.monotonic()
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    function_version: str = "$LATEST"
    client_context: None = None
    identity: None = None

    @property
    def invoked_function_arn(self) -> str:
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.function_name}"

    @property
    def log_group_name(self) -> str:
        return f"/aws/lambda/{self.function_name}"

    @property
    def log_stream_name(self) -> str:
        return f"local/[{self.function_version}]{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self.deadline - time.monotonic()) * 1000))


class LoadedDoor:
    """A door whose module was imported, or, with `broken`, could not be: then each call raises that error."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.broken: BaseException | None = None
        self._handler: Callable[[Any, Any], Any]
        try:
            self._handler = getattr(importlib.import_module(door.module), door.function)
        except (Exception, SystemExit) as error:  # noqa: BLE001 (the next change may mend it; the other doors work)
            self.broken = error
        self._where = self.broken.__traceback__ if self.broken else None

    def context(self, request_id: str | None = None) -> Context:
        """A context whose time starts to run now."""
        context = Context(self.door.name, self.door.memory, time.monotonic() + self.door.timeout)
        if request_id:
            context.aws_request_id = request_id
        return context

    def __call__(self, event: Any, context: Context) -> Any:
        """Invoke the handler. Raises whatever it raises."""
        if self.broken:
            raise self.broken.with_traceback(self._where)
        return self._handler(event, context)


def thread(run: Callable[[], None], name: str) -> threading.Thread:
    """Start one invocation's own thread: what it does while answering (spans, connections) stays on it to the end."""
    started = threading.Thread(target=run, name=name, daemon=True)
    started.start()
    return started


def carried(error: BaseException) -> Exception:
    """The error in a shape that a future can carry to another thread."""
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    wrapped = RuntimeError(f"The handler raised {error!r}")
    wrapped.__cause__ = error
    return wrapped


def is_stream(body: Any) -> bool:
    """Whether an answer's body is to be sent piece by piece."""
    return isinstance(body, Iterator) or (hasattr(body, "__iter__") and not isinstance(body, str | bytes | list | dict))


def close(body: Any) -> None:
    """Tell a streamed body that nobody reads on. Generators run their `finally` now; others may have no close."""
    getattr(body, "close", lambda: None)()


def trace(error: BaseException) -> str:
    """The traceback from the door's code on."""
    frames = error.__traceback__
    while frames and frames.tb_frame.f_globals.get("__name__", "").startswith(_OURS):
        frames = frames.tb_next
    if not isinstance(error, SyntaxError):  # which says itself where it is
        frames = frames or error.__traceback__
    return "".join(traceback.format_exception(type(error), error, frames)).rstrip()
