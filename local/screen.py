"""What a person sees while it starts, and once it runs. Plain lines when nobody watches."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

MODEL = "claude-haiku-4-5"


class Screen:
    """The terminal. `quiet` leaves errors only."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._console = Console(quiet=quiet, highlight=False)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """One step of the start: named while it lasts, with its time when it is done."""
        began = time.monotonic()
        if self._console.is_terminal:
            with self._console.status(f"{name} ..."):
                yield
        else:
            yield
        self._console.print(f"  [green]ok[/green] {name} [dim]{time.monotonic() - began:.1f} s[/dim]")

    def say(self, line: str) -> None:
        self._console.print(line, markup=False)

    def welcome(
        self, *, url: str, key: str | None, person: str, providers: str, usage: str, logs: Path, seconds: float
    ) -> None:
        """The panel with everything to start with, and a request that works as it is printed."""
        lines = (
            ("URL", url),
            ("base_url", f"{url}/v1"),
            ("key", key or "none yet: see above"),
            *([("sign in", person)] if person else []),
            ("models", providers),
            ("usage", usage),
            ("traces", f"{url}/_traces"),
            ("logs", str(logs)),
        )
        if self._console.is_terminal:
            facts = Table.grid(padding=(0, 2))
            for name, value in lines:
                facts.add_row(f"[bold]{name}[/bold]", value)
            self._console.print(Panel(facts, title=f"Drey is running, after {seconds:.1f} s", expand=False))
        else:
            for name, value in lines:
                self._console.print(f"  {name:8}  {value}", markup=False, soft_wrap=True)
        self._console.print("\nTry it:\n", style="bold")
        # Outside the panel and unwrapped, so that it can be copied.
        self._console.print(curl(url, key or "$KEY"), markup=False, soft_wrap=True)
        self._console.print("\nEdit functions/ or layers/ and ask again. Ctrl-C stops.\n")


def curl(url: str, key: str) -> str:
    """A first request, ready to be pasted into a shell."""
    return (
        f"curl {url}/v1/chat/completions \\\n"
        f"  -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' \\\n"
        f'  -d \'{{"model": "{MODEL}", "messages": [{{"role": "user", "content": "Hello!"}}]}}\''
    )


def complain(message: str) -> None:
    """One line for a person, on stderr."""
    sys.stderr.write(f"{message}\n")
