"""What Drey's lane stands on: template.yaml in a local AWS, a key with a budget, and the tables' stand-in before it."""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.gateway.processes import Process
from local.deployment import deploy, put_secret
from local.emulator import Emulator
from local.key import environment
from local.project import Project
from local.template import Template

PROJECT = Project()
BUDGET = 1_000 * 10**9
"""nano-USD a month."""


@dataclass(frozen=True)
class Estate:
    """`upstream` and `tables`: ports; `doors`: the doors' environment, AWS meaning the tables' stand-in; `key`: an API
    key with a monthly budget; `folder`: for logs."""

    upstream: int
    tables: int
    doors: dict[str, str]
    key: str
    folder: Path


@contextmanager
def standing(table_ms: float) -> Iterator[Estate]:
    """Everything started, and ended afterwards. `table_ms`: what the stand-in takes for each answer."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        emulator = Emulator.open(Project(state=folder / "state"))
        upstream = _stand_in("bench.gateway.upstream")
        tables = _stand_in("bench.gateway.tables", emulator.url, f"{table_ms:g}")
        try:
            provider, aws = int(upstream.line()), int(tables.line())
            doors = _deployed(emulator, provider)
            yield Estate(
                provider,
                aws,
                {**doors, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{aws}"},
                _key({**doors, "AWS_ENDPOINT_URL": emulator.url}),
                folder,
            )
        finally:
            for process in (upstream, tables):
                process.end()
            emulator.stop()


def _stand_in(module: str, *arguments: str) -> Process:
    return Process([sys.executable, "-m", module, *arguments], os.environ, PROJECT.root)


def _deployed(emulator: Emulator, provider: int) -> dict[str, str]:
    address = f"http://127.0.0.1:{provider}"
    ours = {"AnthropicBaseUrl": address, "OpenAIBaseUrl": f"{address}/v1", "BedrockBaseUrl": address}
    template = Template(PROJECT.template, {**PROJECT.stage_parameters("local"), **ours})
    for parameter in ("AnthropicKeyName", "OpenAIKeyName"):
        put_secret(emulator, template.parameters[parameter], "bench")
    deployed = deploy(template, emulator, PROJECT.stack_name("local"), "http://127.0.0.1:9/_lambda")
    return environment({**deployed.environment, "STAGE": "prod"})  # whose log has no prompts


def _key(doors: dict[str, str]) -> str:
    os.environ |= doors
    sys.path[:0] = map(str, PROJECT.sources)
    keys: Any = importlib.import_module("llm_core.keys")
    made = keys.create("bench", user_id="bench", terms=keys.Terms({"ai:complete"}, {"month": BUDGET}))
    return str(made.api_key)
