"""Runs a command that ends when its parent does, however the parent ends: `leash.py PARENT SIGNAL COMMAND...`

On Linux the kernel sends SIGNAL (a number) to the command when PARENT (a process id) dies, even by `kill -9`. The wish
survives exec, so the command itself need not know. Elsewhere the command just runs.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Put on the leash, then become the command."""
    parent, signal, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal)
        if os.getppid() != parent:  # it died before the wish was made
            sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 (no shell is the point)


if __name__ == "__main__":
    main()
