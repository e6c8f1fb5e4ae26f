"""`make bench-starts`: each door's start and its first answer, in processes of their own, at one processor and at 0.3.

The built door sees the built layer and boto3, as on Lambda, and the platform of `make run` answers it. A start is told
as a ratio to boto3's own import and first call of DynamoDB, made in turn with it. Writes docs/benchmarks/starts.md;
fails when a door is over its budget.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3

from bench.gateway.page import machine
from bench.graph import bars
from bench.size import OF_THE_RUNTIME, SDKS, Built
from local.project import Project
from tests.conftest import Platform, started
from tests.test_door_environment import PLACEHOLDER_KEY, REPRESENTATIVE, STACK

PROJECT = Project()
FOLDER = PROJECT.root / "docs/benchmarks"
CALLS_MODELS, CALLS_NONE = 8.0, 2.0
"""Times boto3's own start and first call that a door may take."""

PERIOD_US = 100_000
_GROUPS = Path("/sys/fs/cgroup/cpu")  # version 1; version 2 has one folder for all
_UNIFIED = Path("/sys/fs/cgroup")

FIRST = """
import json, sys, time
began = time.perf_counter()
layer, door, runtime, module, event = sys.argv[1:]
sys.path[:0] = [door, layer, runtime]
if module:
    import importlib
    handler = importlib.import_module(module).handler
    ready = time.perf_counter()
    class Context:
        function_name, memory_limit_in_mb = "bench", 1024
        invoked_function_arn = "arn:aws:lambda:eu-west-1:000000000000:function:bench"
        aws_request_id = "00000000-0000-0000-0000-000000000000"
        get_remaining_time_in_millis = staticmethod(lambda: 60_000)
    answer = handler(json.loads(event), Context())
    body = answer.get("body") if isinstance(answer, dict) else None
    if body is not None and not isinstance(body, str):
        list(body)
    status = answer.get("statusCode") if isinstance(answer, dict) else None
else:
    import boto3
    client = boto3.client("dynamodb")
    ready = time.perf_counter()
    client.get_item(TableName=event, Key={"keyId": {"S": "nobody"}})
    status = None
done = time.perf_counter()
loaded = sum(1 for name in sys.modules if name.partition(".")[0] in SDKS)
print("TOLD " + json.dumps([ready - began, done - began, time.process_time(), loaded, status]))
""".replace("SDKS", repr(SDKS))


@dataclass
class Door:
    """`seconds`: of each start with its first answer, in each setting; `bare`: of boto3's beside it; `init`: of the
    start alone; `sdk`: modules of provider SDKs that were loaded."""

    name: str
    module: str
    calls_models: bool
    event: str
    environment: dict[str, str]
    seconds: dict[str, list[float]] = field(default_factory=dict)
    init: dict[str, list[float]] = field(default_factory=dict)
    bare: dict[str, list[float]] = field(default_factory=dict)
    sdk: int = 0
    status: int | None = None

    @property
    def budget(self) -> float:
        return CALLS_MODELS if self.calls_models else CALLS_NONE

    def ratio(self, setting: str) -> float:
        pairs = zip(self.seconds[setting], self.bare[setting], strict=True)
        return statistics.median(own / bare for own, bare in pairs)


@contextmanager
def limited(share: float) -> Iterator[Path | None]:
    """A control group that gets this share of one processor; None where nobody may make one."""
    for root, quota in ((_GROUPS, "cpu.cfs_quota_us"), (_UNIFIED, "cpu.max")):
        group = root / f"bench-{os.getpid()}-{int(share * 100)}"
        with suppress(OSError):
            group.mkdir()
            if (group / quota).exists():  # else this is a folder like any other
                break
            group.rmdir()
    else:
        yield None
        return
    told = int(share * PERIOD_US)
    (group / quota).write_text(str(told) if quota != "cpu.max" else f"{told} {PERIOD_US}")
    try:
        yield group
    finally:
        group.rmdir()


def measure(doors: list[Door], rounds: int, setting: str, group: Path | None, runtime: Path) -> None:
    built = Built(PROJECT, "ci")
    for _ in range(rounds):
        for door in doors:
            bare = _start(
                built, runtime, built.folder, "", door.environment["KEYS_TABLE_NAME"], door.environment, group
            )
            told = _start(built, runtime, built.folder / door.name, door.module, door.event, door.environment, group)
            door.bare.setdefault(setting, []).append(bare[1])
            door.init.setdefault(setting, []).append(told[0])
            door.seconds.setdefault(setting, []).append(told[1])
            door.sdk, door.status = told[3], told[4]


def _start(
    built: Built, runtime: Path, place: Path, module: str, event: str, variables: dict[str, str], group: Path | None
) -> list[Any]:
    def enter() -> None:
        if group:
            (group / "cgroup.procs").write_text(str(os.getpid()))
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

    command = [sys.executable, "-I", "-S", "-B", "-c", FIRST, str(built.layer), str(place), str(runtime), module, event]
    environment = {"PATH": os.environ["PATH"], "AWS_LAMBDA_FUNCTION_NAME": "bench", **variables}
    done = subprocess.run(  # noqa: S603
        command, env=environment, capture_output=True, text=True, check=False, preexec_fn=enter, timeout=120
    )
    _, _, told = done.stdout.rpartition("TOLD ")
    if done.returncode or not told:
        sys.exit(f"{module or 'boto3'} does not start or answer:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    found: list[Any] = json.loads(told)
    return found


def of_the_template(platform: Platform, only: list[str]) -> list[Door]:
    built = Built(PROJECT, "ci")
    functions, stacks = boto3.client("lambda"), boto3.client("cloudformation")
    names = {
        each["LogicalResourceId"]: each["PhysicalResourceId"]
        for page in stacks.get_paginator("list_stack_resources").paginate(StackName=STACK)
        for each in page["StackResourceSummaries"]
    }
    found: dict[str, Door] = {}
    for name, case in REPRESENTATIVE:
        if name in found or name not in names or (only and name not in only):
            continue
        door = built.template.doors[name]
        text = (PROJECT.root / f"events/{door.path.partition('/')[0]}/{case}.json").read_text()
        told = functions.get_function_configuration(FunctionName=names[name])["Environment"]["Variables"]
        own = {key: value for key, value in told.items() if not key.startswith(("MINISTACK_", "AWS_LAMBDA_"))}
        aws = {key: value for key, value in os.environ.items() if key.startswith("AWS_")}
        environment = {**own, **aws, "POWERTOOLS_TRACE_DISABLED": "true"}
        event = text.replace(PLACEHOLDER_KEY, platform.key)
        found[name] = Door(name, door.module, built.calls_models(name), event, environment)
    return list(found.values())


def page(doors: list[Door], settings: dict[str, float], skipped: list[str], rounds: int) -> str:
    head = " | ".join(f"start, ms ({s}) | with first answer, ms ({s}) | x boto3 ({s})" for s in settings)
    lines = []
    for door in sorted(doors, key=lambda d: d.ratio(next(iter(settings)))):
        told = []
        for setting in settings:
            init, all_of_it = (statistics.median(each[setting]) * 1000 for each in (door.init, door.seconds))
            told.append(f"{init:.0f} | {all_of_it:.0f} | {door.ratio(setting):.1f}")
        sdk = f"{door.sdk} modules" if door.sdk else "none"
        lines.append(f"| {door.name} | {' | '.join(told)} | {door.budget:g} | {sdk} |")
    bare = {s: statistics.median(b for door in doors for b in door.bare[s]) * 1000 for s in settings}
    return "\n".join(
        [
            "# Starts, with the first answer",
            "",
            f"Written by `make bench-starts` on {datetime.now(UTC):%Y-%m-%d} ({machine()}), medians of {rounds}.",
            "",
            "The built door in a fresh process, with the built layer and boto3, its sample event answered by the",
            "platform of `make run`; in turn with a process that imports boto3, makes a DynamoDB client and asks for",
            "one item, which took " + " and ".join(f"{ms:.0f} ms at {s}" for s, ms in bare.items()) + ".",
            *skipped,
            "",
            f"| door | {head} | budget | provider SDKs |",
            f"|---|{'---:|' * (3 * len(settings) + 1)}---|",
            *lines,
            "",
            "![Times boto3's own start](starts.svg)",
            "",
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.starts", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=[], help="these doors")
    parser.add_argument("--dry", action="store_true", help="write no page")
    asked = parser.parse_args()
    settings, skipped = {"1 vCPU": 1.0, "0.3 vCPU": 0.3}, []
    with tempfile.TemporaryDirectory() as name, started(Path(name)) as platform:
        os.environ |= platform.environment
        doors = of_the_template(platform, asked.only)
        runtime = Path(name) / "runtime"
        runtime.mkdir()
        for package in OF_THE_RUNTIME:
            (runtime / package).symlink_to(Path(boto3.__file__).parents[1] / package)
        for setting, share in list(settings.items()):
            with limited(share) as group:
                if group is None and share < 1:
                    skipped.append(f"No control group may be made here, so {setting} is left out.")
                    del settings[setting]
                    continue
                measure(doors, asked.rounds, setting, group, runtime)
    text = page(doors, settings, skipped, asked.rounds)
    sys.stdout.write(text)
    over = [d for d in doors if d.ratio("1 vCPU") > d.budget or (d.sdk and not d.calls_models)]
    for door in over:
        sys.stderr.write(f"{door.name}: {door.ratio('1 vCPU'):.1f} times boto3, {door.sdk} modules of SDKs\n")
    if not asked.dry:
        (FOLDER / "starts.md").write_text(text)
        shown = {door.name: door.ratio("1 vCPU") for door in sorted(doors, key=lambda d: d.ratio("1 vCPU"))}
        (FOLDER / "starts.svg").write_text(bars("Start with first answer, times boto3's own", "x", shown))
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
