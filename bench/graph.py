"""Graphs for docs/benchmarks as SVG, readable on a light page and on a dark one."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

_WIDTH, _LABEL, _BAR, _GAP = 640, 150, 22, 10
_STYLE = "text { font: 13px system-ui, sans-serif; fill: #57606a } .bar { fill: #1f8a8a }"


def bars(title: str, unit: str, values: Mapping[str, float]) -> str:
    """A bar for each value, as long as it is large."""
    most = max([*values.values(), 1e-9])
    room = _WIDTH - _LABEL - 90
    rows = []
    for number, (label, value) in enumerate(values.items()):
        y = 40 + number * (_BAR + _GAP)
        length = max(1, round(room * max(value, 0) / most))
        rows.append(
            f'<text x="{_LABEL - 8}" y="{y + 16}" text-anchor="end">{escape(label)}</text>'
            f'<rect class="bar" x="{_LABEL}" y="{y}" width="{length}" height="{_BAR}" rx="3"/>'
            f'<text x="{_LABEL + length + 8}" y="{y + 16}">{value:.2f} {escape(unit)}</text>'
        )
    height = 48 + len(values) * (_BAR + _GAP)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">'
        f'<style>{_STYLE}</style><text x="0" y="20" font-weight="600">{escape(title)}</text>{"".join(rows)}</svg>\n'
    )
