"""GET /_traces of the front door: the latest requests of this machine, each with its waterfall."""

import asyncio
from collections.abc import Callable
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from local.front import LOOPBACK
from local.traces import Trace
from local.waterfall import heading, place

SHOWN = 40
_FINE = 1000  # units of a bar over the whole time
_STYLE = """
:root { color-scheme: light dark; font: 14px/1.5 system-ui, sans-serif }
body { margin: 2rem auto; max-width: 90rem; padding: 0 1rem }
summary { cursor: pointer; font-variant-numeric: tabular-nums }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1.5rem }
td { padding: 1px .6rem 1px 0; white-space: nowrap; vertical-align: top }
td.ms { text-align: right; font-variant-numeric: tabular-nums }
td.bar { width: 40% } td.facts { opacity: .7; font-size: .9em }
i { display: block; height: .8em; margin-top: .35em; border-radius: 2px; background: #2e7d32 }
i.door { background: #1565c0 } i.failed { background: #c62828 }
"""


def route(traces: Callable[[], list[Trace]]) -> Route:
    """The page; `traces` gives the latest ones, oldest first. `?provider=bedrock` and the like choose among them."""

    async def page(request: Request) -> Response:
        if request.headers.get("host", "").rpartition(":")[0] not in LOOPBACK:  # a page that gave itself our address
            return PlainTextResponse("Only for this machine.\n", 403)
        found = await asyncio.to_thread(traces)
        wanted = dict(request.query_params)
        requests = [trace for trace in found if trace.requested and trace.has(wanted)][-SHOWN:]
        return HTMLResponse(_page(requests[::-1]))

    return Route("/_traces", page)


def _page(traces: list[Trace]) -> str:
    shown = "\n".join(map(_trace, traces)) or "<p>No request yet.</p>"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Traces</title><style>{_STYLE}</style>'
        "</head><body><h1>Traces</h1><p>The latest requests, newest first. Choose by annotations: ?provider=bedrock</p>"
        f"{shown}</body></html>"
    )


def _trace(trace: Trace) -> str:
    rows = []
    for depth, span in trace.walk():
        left, width = place(trace, span.began, span.ended, _FINE)
        kind = "failed" if span.failed else "door" if span.door else ""
        where = f"margin-left:{left / _FINE:.1%};width:{width / _FINE:.1%}"
        rows.append(
            f'<tr><td style="padding-left:{depth}em">{escape(span.hop)}</td>'
            f'<td class="ms">{span.seconds * 1000:.1f} ms</td>'
            f'<td class="bar"><i class="{kind}" style="{where}"></i></td>'
            f'<td class="facts">{escape(span.facts)}</td></tr>'
        )
    return f"<details><summary>{escape(heading(trace))}</summary><table>{''.join(rows)}</table></details>"
