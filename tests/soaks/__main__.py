"""`make soak-streams`: streams by the hundred and by the thousand; what came of it goes to docs/benchmarks/streams.md.

python -m tests.soaks --streams 500 --dry     prints it only
"""

from __future__ import annotations

import argparse
import os
import platform as machine
import statistics
import sys
import tempfile
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from llm_core import keys
from llm_core.keys import NewKey, Terms
from tests.conftest import ROOT, Platform, fresh, started
from tests.soaks.soak import ENDS, Outcome, Soak, arrivals, paced

DOCUMENT = ROOT / "docs/benchmarks/streams.md"
PACE_S = 0.1

COLUMNS = (
    *("streams", "most at once", "read to the end", "left by their readers", "refused", "seconds"),
    *("sold, USD", "booked, USD", "ceilings, USD", "held after"),
)

HOW = """\
Chat Completions, Messages, Responses and the platform's own dialect, each asked of a GPT and of a Claude model, through
`make run`: front door, doors, tables and the providers' stand-in on one machine, whose words come one after the other.
Each stream has a mark by which its usage row and its sale find each other. A violation would be: a stream that ends
neither whole nor by its reader; a sale without a row, or a row of no reader's; tokens of an ended call that are not
those sold; of one that was left, anything but sold <= booked <= its ceiling; anything held in the end; a window that
spent another sum than its rows. Refused: with 503 before anybody was asked, as the local AWS did not answer in time
on a busy machine; such a stream must cost nothing, and none of the hundred at once may be one.
"""


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--streams", type=int, default=2_000)
    parser.add_argument("--dry", action="store_true", help="write no page")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as platform:
        os.environ |= platform.environment
        page = written(platform, asked.streams)
    sys.stdout.write(page)
    if not asked.dry:
        DOCUMENT.write_text(page)
    return 0 if "**0 violations**" in page else 1


def written(platform: Platform, count: int) -> str:
    soak = Soak(platform, {"gpt": fresh("gpt"), "alone": fresh("alone")})
    with paced(platform, first_token_s=2.0, between_tokens_s=0.5):
        crowd = soak.run(100, at_once=100, leaving=0, apart_s=0.03)
    soak = Soak(platform, {"gpt": fresh("gpt"), "alone": fresh("alone")}, seed=2)
    with paced(platform, first_token_s=0.02, between_tokens_s=0.01):
        crew = soak.run(count, at_once=16, leaving=0.4)
    violations = [*crowd.violations, *crew.violations]
    if crowd.refused:
        violations.append(f"{crowd.refused} of the hundred at once were refused")
    for each in violations[:20]:
        sys.stderr.write(each + "\n")
    system = f"{machine.system()} {machine.machine()}, {os.cpu_count()} cores, Python {machine.python_version()}"
    return f"""\
# Streams

Written by `make soak-streams` on {datetime.now(UTC):%Y-%m-%d} ({system}, the local AWS):
{len(crew.told) + len(crowd.told)} streams, **{len(violations)} violations**.

{HOW}
| | {" | ".join(COLUMNS)} |
|---|{"---:|" * len(COLUMNS)}
{_row("a hundred at once", crowd)}
{_row("mixed, four in ten readers leave", crew)}

Who leaves pays what was held, so booked lies between what was sold and the ceilings; booked has the markup of 2 %.

The doors' process had {_grown(crew.rss)}

## No buffering
Words that a model says {PACE_S:g} s apart: the seconds between two pieces on the reader's end of the wire.

| | pieces | median | shortest | longest |
|---|---:|---:|---:|---:|
{_paced(platform)}
"""


def _row(name: str, outcome: Outcome) -> str:
    money = (f"{amount / 10**9:.4f}" for amount in (outcome.sold, outcome.booked, outcome.ceilings))
    held = "0" if not any("are held" in each for each in outcome.violations) else "more than 0"
    told = (
        name,
        len(outcome.told),
        outcome.at_once,
        outcome.whole,
        outcome.left,
        outcome.refused,
        f"{outcome.seconds:.0f}",
        *money,
        held,
    )
    return f"| {' | '.join(map(str, told))} |"


def _grown(rss: list[float]) -> str:
    sizes = ", ".join(f"{each:.0f}" for each in rss)
    return f"these MiB after each 250 streams: {sizes}."


def _paced(platform: Platform) -> str:
    key: NewKey = keys.create("arrivals", user_id="soaker", terms=Terms({"ai:complete"}))
    lines = []
    with paced(platform, first_token_s=PACE_S, between_tokens_s=PACE_S):
        for path in ENDS:
            came = arrivals(platform, key, path, fresh("alone"))
            gaps = [later - earlier for earlier, later in pairwise(came)]
            times = (statistics.median(gaps), min(gaps), max(gaps))
            lines.append(f"| {path} | {len(came)} | " + " | ".join(f"{gap:.3f}" for gap in times) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
