"""Traces for a person in a terminal: what each hop takes, and where the time of one trace went."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from local.traces import Hop, Trace

_WIDTH = 48
"""Characters of a bar over the whole time."""


def hops(found: Sequence[Hop]) -> Table:
    """A table of all hops."""
    table = _table("hop", "count", "p50 ms", "p95 ms", "p99 ms")
    for hop in found:
        table.add_row(hop.name, str(hop.count), *(f"{seconds * 1000:.1f}" for seconds in (hop.p50, hop.p95, hop.p99)))
    return table


def waterfall(trace: Trace) -> Table:
    """Each span of a trace as a bar, below its parent's."""
    table = _table("", "ms", "")
    table.title, table.title_justify = heading(trace), "left"
    for depth, span in trace.walk():
        left, width = place(trace, span.began, span.ended, _WIDTH)
        colour = "red" if span.failed else "blue" if span.door else "green"
        bar = Text(" " * left + "━" * width, colour)
        name = Text("  " * depth + span.hop, "bold" if span.door else "")
        table.add_row(name, f"{span.seconds * 1000:.1f}", bar, Text(span.facts, "dim"))
    return table


def heading(trace: Trace) -> str:
    """What it was, when, how long, and how much of that nothing explains."""
    at = datetime.fromtimestamp(trace.began).astimezone().strftime("%H:%M:%S")
    share = trace.unexplained / trace.seconds if trace.seconds else 0.0
    return f"{trace.title}  {at}  {trace.seconds * 1000:.0f} ms, {share:.1%} unexplained  {trace.id}"


def place(trace: Trace, began: float, ended: float, width: int) -> tuple[int, int]:
    """Where a bar begins, and how long it is, in units of which the whole trace has `width`."""
    whole = trace.seconds or 1.0
    left = min(width - 1, int((began - trace.began) / whole * width))
    return left, max(1, min(width - left, round((ended - began) / whole * width)))


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right" if name.endswith(("ms", "count")) else "left", no_wrap=True)
    return table


def show(traces: Sequence[Trace], found: Sequence[Hop], *, last: int) -> None:
    """The hops, the slowest trace, and the `last` ones."""
    console = Console(highlight=False)
    console.print(hops(found))
    slowest = max(traces, key=lambda trace: trace.seconds)
    console.print("\n[bold]The slowest[/bold]", waterfall(slowest), sep="\n")
    for trace in traces[-last:] if last else ():
        console.print("", waterfall(trace), sep="\n")
