"""`make size`: what the built layer weighs, and how long each door takes to start, next to a bare boto3 client.

A start is the import of the built door in a fresh process that sees only the door, the built layer and boto3, as on
Lambda. Times of one machine mean little, so each is also told as a ratio to a DynamoDB client made in the same run.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from local.project import Project
from local.template import Template

MEBIBYTE = 1024 * 1024
ZIPPED_LIMIT = 50 * MEBIBYTE
UNZIPPED_LIMIT = 250 * MEBIBYTE
SDKS = ("anthropic", "openai", "httpx2")
OF_THE_RUNTIME = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six.py", "urllib3")
ELF_MACHINES = {"arm64": 183, "x86_64": 62}
UNCHECKED_HASH = 0b01

# Runs in the fresh process: argv is the layer, then the import path and the module; without a module, a bare client.
START = """
import importlib, json, sys, time
layer, door, runtime, module = sys.argv[1:]
sys.path[:0] = [door, layer, runtime]
began = time.perf_counter()
if module:
    importlib.import_module(module)
else:
    import boto3
    boto3.client("dynamodb")
took = time.perf_counter() - began
import os
specs = [m.__spec__ for m in list(sys.modules.values()) if getattr(m, "__spec__", None)]
ours = [s for s in specs if (s.origin or "").startswith(layer) and s.origin.endswith(".py")]
print(json.dumps({
    "seconds": took,
    "roots": sorted({name.partition(".")[0] for name in sys.modules}),
    "uncompiled": [s.name for s in ours if not os.path.exists(s.cached)],
}))
"""


@dataclass
class Start:
    """The starts of one door, and what the last of them had loaded."""

    name: str
    module: str
    calls_models: bool
    seconds: list[float]
    loaded: list[str]
    uncompiled: list[str]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


class Built:
    """What `sam build --config-env` left."""

    def __init__(self, project: Project, config: str) -> None:
        table = tomllib.loads((project.root / "samconfig.toml").read_text()).get(config, {})
        folder = table.get("build", {}).get("parameters", {}).get("build_dir", ".aws-sam/build")
        self.folder = project.root / folder
        self.template = Template(project.template, project.stage_parameters(config))
        self.layer = self.folder / "LlmCoreLayer" / "python"
        self.processor = self.template.parameters["Architecture"]

    def unzipped(self, folder: Path) -> int:
        return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())

    def zipped(self) -> int:
        with tempfile.TemporaryFile() as kept:
            with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
                for file in sorted(f for f in self.layer.rglob("*") if f.is_file()):
                    archive.write(file, file.relative_to(self.layer.parent))
            return kept.tell()

    def packages(self) -> list[tuple[str, int]]:
        """The heaviest first."""
        sizes = [(p.name, self.unzipped(p) if p.is_dir() else p.stat().st_size) for p in self.layer.iterdir()]
        return sorted(sizes, key=lambda pair: -pair[1])

    def wrong(self) -> list[str]:
        """What would fail or crawl on Lambda."""
        found = []
        for library in self.layer.rglob("*.so"):
            header = library.read_bytes()[:20]
            if int.from_bytes(header[18:20], "little") != ELF_MACHINES[self.processor]:
                found.append(f"{library.relative_to(self.layer)} is not for {self.processor}, which the stage runs on")
        for source in self.layer.rglob("*.py"):
            compiled = source.parent / "__pycache__" / f"{source.stem}.cpython-313.pyc"
            if not compiled.exists() or compiled.read_bytes()[4] != UNCHECKED_HASH:
                found.append(
                    f"{source.relative_to(self.layer)} is not compiled, with an unchecked hash, by Python 3.13"
                )
        return found

    def calls_models(self, logical_id: str) -> bool:
        """Whether a door is given the key of any provider."""
        groups = (self.template.document["Globals"]["Function"], self.template.resources[logical_id]["Properties"])
        names = [n for g in groups for n in g.get("Environment", {}).get("Variables", {})]
        return any(name.endswith("_API_KEY_REF") for name in names)


def starts(built: Built, rounds: int) -> tuple[list[float], list[Start]]:
    """Seconds of the bare client, and of each door: taken in turns, so that a busy moment hits all alike."""
    doors = [Start(n, d.module, built.calls_models(n), [], [], []) for n, d in built.template.doors.items()]
    bare: list[float] = []
    with tempfile.TemporaryDirectory() as runtime:
        import boto3

        for name in OF_THE_RUNTIME:
            (Path(runtime) / name).symlink_to(Path(boto3.__file__).parents[1] / name)
        for number in range(rounds + (rounds > 1)):
            alone = _start(built, runtime, built.folder, "")["seconds"]
            counts = number > 0 or rounds == 1  # the first of several only warms the disk
            bare += [alone] * counts
            for door in doors:
                seen = _start(built, runtime, built.folder / door.name, door.module)
                door.seconds += [seen["seconds"]] * counts
                door.loaded, door.uncompiled = [s for s in SDKS if s in seen["roots"]], seen["uncompiled"]
    return bare, doors


def _start(built: Built, runtime: str, door: Path, module: str) -> dict[str, Any]:
    command = [sys.executable, "-I", "-S", "-B", "-c", START, str(built.layer), str(door), runtime, module]
    environment = {"PATH": os.environ["PATH"], "AWS_DEFAULT_REGION": "eu-central-1", "AWS_LAMBDA_FUNCTION_NAME": "size"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        sys.exit(f"{module or 'boto3'} does not start from the built layer:\n{done.stderr}")
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def weigh(built: Built, console: Console) -> list[str]:
    """Print what the layer weighs; the reasons why it must not be deployed."""
    unzipped, zipped = built.unzipped(built.layer), built.zipped()
    table = Table(title=f"The layer, for {built.processor}", title_justify="left", caption_justify="left")
    for name, justify in (("", "left"), ("MiB", "right"), ("limit", "right")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for what, size, limit in (("zipped", zipped, ZIPPED_LIMIT), ("unzipped", unzipped, UNZIPPED_LIMIT)):
        colour = "green" if size < limit else "red"
        table.add_row(f"[bold]{what}[/bold]", f"[{colour}]{size / MEBIBYTE:.1f}[/]", f"{limit // MEBIBYTE}")
    table.add_section()
    heaviest = built.packages()[:8]
    for name, size in heaviest:
        table.add_row(name, f"{size / MEBIBYTE:.1f}", "")
    table.add_row("the rest", f"{(unzipped - sum(s for _, s in heaviest)) / MEBIBYTE:.1f}", "")
    console.print(table)
    over = [
        f"The layer is over {limit // MEBIBYTE} MiB {what}"
        for what, size, limit in (("zipped", zipped, ZIPPED_LIMIT), ("unzipped", unzipped, UNZIPPED_LIMIT))
        if size >= limit
    ]
    return over + built.wrong()


def clock(built: Built, console: Console, rounds: int) -> list[str]:
    """Print how long the doors take to start; the reasons why they must not be deployed."""
    bare, doors = starts(built, rounds)
    base = statistics.median(bare)
    table = Table(title=f"Starts, medians of {rounds}", title_justify="left")
    for name, justify in (("", "left"), ("ms", "right"), ("x bare client", "right"), ("provider SDKs", "left")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    table.add_row("a bare boto3 DynamoDB client", f"{base * 1000:.0f}", "1.0", "")
    wrong = []
    for door in sorted(doors, key=lambda d: d.median):
        needless = [] if door.calls_models else door.loaded
        shown = ", ".join(door.loaded) or "none"
        table.add_row(
            f"[bold]{door.name}[/bold]",
            f"{door.median * 1000:.0f}",
            f"{door.median / base:.1f}",
            f"[red]{shown}[/red]" if needless else shown,
        )
        wrong += [f"{door.name} calls no model, but loads {', '.join(needless)}"] if needless else []
        wrong += [f"{door.name} compiles {name} of the layer when it starts" for name in door.uncompiled]
    console.print(table)
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.size", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--config-env", default="ci", help="the table of samconfig.toml that was built")
    parser.add_argument("--rounds", type=int, default=1, help="starts of each door; one shows what it loads")
    parser.add_argument("--layer-only", action="store_true", help="no starts")
    arguments = parser.parse_args()
    console = Console(highlight=False)
    built = Built(Project(), arguments.config_env)
    if not built.layer.is_dir():
        sys.exit(f"Nothing is built: make build CONFIG={arguments.config_env}")
    wrong = weigh(built, console)
    machine = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
    if machine != built.processor:
        console.print(f"Starts are measured on {built.processor} only; this machine is {machine}.")
    elif not arguments.layer_only and not wrong:
        wrong += clock(built, console, arguments.rounds)
    for reason in wrong[:20]:
        console.print(f"[red]{reason}[/red]")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
