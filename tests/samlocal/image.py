"""A stand-in for Amazon's image of the Python runtime, made of this machine's own Python, where no registry is reached.

It has what `sam local` and our doors look for: Python in /var/lang, the managed loop in /var/runtime, a shell, and the
two commands that sam's Dockerfile runs. `python -m tests.samlocal.image` makes it and prints its name.
"""

import io
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterable
from pathlib import Path

from local.project import HERE

NAME = f"sam-local-python{sys.version_info.major}.{sys.version_info.minor}:stand-in"
RUNTIME = HERE / f".local/venvs/lambda/lib/python{sysconfig.get_python_version()}/site-packages"
_VERSION = f"python{sysconfig.get_python_version()}"
_COMMANDS = ("sh", "mv", "chmod")
_LEFT_OUT = re.compile(r"/(test|idlelib|tkinter|turtledemo|ensurepip|site-packages|config-[^/]*|__pycache__)(/|$)")
_OF_WHEELS = ("libdl.so.2", "libgcc_s.so.1", "libpthread.so.0", "librt.so.1", "libutil.so.1")
"""Of every manylinux machine; compiled packages may count on them."""
_BOOTSTRAP = """#!/bin/sh
export AWS_EXECUTION_ENV=AWS_Lambda_{version}
exec ${{AWS_LAMBDA_EXEC_WRAPPER:-}} /var/lang/bin/{version} /var/runtime/bootstrap.py
"""
_LOOP = """import os, sys
sys.path[:0] = [os.environ["LAMBDA_TASK_ROOT"], "/opt/python"]
from awslambdaric.__main__ import main
main([sys.argv[0], os.environ["_HANDLER"]])
"""
_ENVIRONMENT = {
    "PATH": "/var/lang/bin:/usr/bin:/bin",
    "LD_LIBRARY_PATH": "/var/lang/lib",
    "LAMBDA_TASK_ROOT": "/var/task",
    "LAMBDA_RUNTIME_DIR": "/var/runtime",
    "LANG": "en_US.UTF-8",
    "PYTHONPATH": "/var/runtime",
}


def made() -> str:
    """The name of the image, which the Docker engine has from here on."""
    changes = [f"ENV {name}={value}" for name, value in _ENVIRONMENT.items()]
    changes += ["WORKDIR /var/task", 'ENTRYPOINT ["/var/rapid/aws-lambda-rie"]']
    options = [part for change in changes for part in ("--change", change)]
    command = ["docker", "import", *options, "-", NAME]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as docker:
        assert docker.stdin
        with tarfile.open(fileobj=docker.stdin, mode="w|", dereference=True) as archive:
            _fill(archive)
        docker.stdin.close()
    if docker.returncode:
        raise RuntimeError("docker import failed")
    return NAME


def _fill(archive: tarfile.TarFile) -> None:
    python = Path(sys.base_prefix, "bin", _VERSION)
    library = Path(sysconfig.get_path("stdlib"))
    archive.add(python, f"var/lang/bin/{_VERSION}")
    archive.add(library, f"var/lang/lib/{_VERSION}", filter=_needed)
    modules = sorted(Path(library, "lib-dynload").glob("*.so")) + sorted(RUNTIME.glob("*.so"))
    commands = [Path(shutil.which(name) or name) for name in _COMMANDS]
    for command in commands:
        archive.add(command.resolve(), f"bin/{command.name}")
    found = _libraries([python, *modules, *commands])
    glibc = next(path.parent for path in found if path.name == "libc.so.6")
    for path in [*found, *(glibc / name for name in _OF_WHEELS if (glibc / name) not in found)]:
        inside = f"var/lang/lib/{path.name}" if path.is_relative_to(sys.base_prefix) else str(path).lstrip("/")
        archive.add(path, inside)
    archive.add(RUNTIME, "var/runtime", filter=_needed)
    _write(archive, "var/runtime/bootstrap", _BOOTSTRAP.format(version=_VERSION), 0o755)
    _write(archive, "var/runtime/bootstrap.py", _LOOP, 0o644)
    for folder in ("tmp", "var/task", "opt", "var/rapid"):
        entry = tarfile.TarInfo(folder)
        entry.type, entry.mode = tarfile.DIRTYPE, 0o1777
        archive.addfile(entry)


def _needed(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    name = f"/{entry.name}"
    return None if _LEFT_OUT.search(name) and not name.startswith("/var/runtime/botocore") else entry


def _libraries(programs: Iterable[Path]) -> list[Path]:
    """All shared libraries that they load, by the paths that they look for."""
    told = subprocess.run(["ldd", *map(str, programs)], capture_output=True, text=True, check=False).stdout
    return sorted({Path(found) for found in re.findall(r"(/\S+\.so\S*) \(0x", told)})


def _write(archive: tarfile.TarFile, name: str, text: str, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(text), mode
    archive.addfile(entry, io.BytesIO(text.encode()))


if __name__ == "__main__":
    print(made())  # noqa: T201 - its output is its purpose
