"""No network, for the rest of this process: whoever asks for a socket is refused."""

from __future__ import annotations

import sys


class NetworkRefused(RuntimeError):
    """A replay that reaches for the network is no replay."""


def refuse_sockets() -> None:
    """By an audit hook, which sees every socket that Python opens, in C code too, and cannot be taken away again."""
    sys.addaudithook(_refuse)


def _refuse(event: str, _: object) -> None:
    if event.startswith("socket."):
        raise NetworkRefused(f"{event} while evaluations are replayed: everything comes from evals/recordings/.")
