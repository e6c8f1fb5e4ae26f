"""`make evals`: the recorded answers against the cases, without a network. LIVE=1 records, COMPARE="a b" compares."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Sequence

from rich.console import Console

from evals import agreement, cases, drift, live, offline, results, table
from evals.cases import NotASuite, Suite
from evals.play import Outcome, play
from evals.recordings import UNDERSTUDY, Archive, Asked
from gates import prompts
from llm_core.errors import DreyError
from llm_core.money import plain
from llm_core.prompts import library

CONSOLE = Console(highlight=False, soft_wrap=True)

Played = tuple[Suite, Sequence[Outcome]]


def replay(names: Sequence[str]) -> int:
    """Everything from recordings; 0 when all that must hold does."""
    offline.refuse_sockets()
    archive = Archive()
    played = [(suite, [*play(suite, archive.find)]) for suite in map(cases.load, names)]
    known = results.read()
    unversioned = prompts.unrecorded(library.FOLDER)
    unevaluated = [each for each in prompts.unevaluated(library.FOLDER, known) if each.split(":")[0] in names]
    wrong = [f"layers/llm_core/llm_core/prompts/{each}" for each in unversioned] + unevaluated
    anew = {each.split(":")[0] for each in (*unversioned, *unevaluated)}
    for suite, outcomes in played:
        wrong += results.complaints(known, library.prompt(suite.use_case), outcomes)
    wrong += drift.complaints(played)
    left = [file for suite, _ in played if suite.use_case not in anew for file in archive.unused(suite.use_case)]
    wrong += [
        f"{file.relative_to(archive.folder.parent)}: no case asks for this recording any more: delete it"
        for file in left
    ]
    return _told(played, wrong, anew)


def record(names: Sequence[str], understudy: bool, agreed: bool) -> int:
    """What has no recording is asked, after the price was told; then as `replay`, and results.json is written."""
    archive = Archive()
    suites = [cases.load(name) for name in names]
    with live.stage(understudy, archive) as source:
        requests = [ours for suite in suites for ours in live.unanswered(suite, archive)]
        _priced(requests, understudy, agreed)
        known = results.read()
        played = [(suite, [*play(suite, source)]) for suite in suites]
        for suite, outcomes in played:
            results.noted(known, library.prompt(suite.use_case), outcomes)
            for file in archive.unused(suite.use_case):
                file.unlink()
        results.write(known)
        drift.write(played)
    what = "as the understudy counts it, for nothing" if understudy else "was paid"
    CONSOLE.print(f"Recorded {source.asked} answers: {plain(source.spent)} USD, {what}.")
    return _told(played, [], set())


def _priced(requests: Sequence[Asked], understudy: bool, agreed: bool) -> None:
    """Raises NotLive where a key is missing or a person says no."""
    most = sum(ours.ceiling for ours in requests)
    CONSOLE.print(f"To record: {len(requests)} answers, at most {plain(most)} USD.")
    if understudy or not requests:
        return
    if missing := live.keys_missing(list(requests)):
        raise live.NotLive(f"Set {' and '.join(missing)}; or UNDERSTUDY=1, which says what people wrote, not a model.")
    if most > live.ASKS_ABOVE and not agreed:
        if not sys.stdin.isatty():
            raise live.NotLive("That may be more than 1 USD, and nobody is here to be asked: YES=1 agrees beforehand.")
        if input("Go on? [y/N] ").strip().lower() != "y":
            raise live.NotLive("Nothing was asked.")


def _told(played: Sequence[Played], wrong: Sequence[str], anew: Collection[str]) -> int:
    """The table and all that is wrong; 1 if anything is. What suites lack that are recorded anew is not told."""
    rows = [(suite.use_case, library.prompt(suite.use_case).version, outcomes) for suite, outcomes in played]
    CONSOLE.print(table.run(rows))
    if any(UNDERSTUDY in outcome.by for _, outcomes in played for outcome in outcomes):
        CONSOLE.print(table.FOOTNOTE)
    complaints = [*wrong]
    for suite, outcomes in played:
        complaints += [] if suite.use_case in anew else _missing(suite, outcomes)
        complaints += _of_suite(suite, outcomes)
    for each in complaints:
        CONSOLE.print(f"[red]fails[/red] {each}", markup=True)
    CONSOLE.print("[red]not fit to be merged[/red]" if complaints else "[green]fit to be merged[/green]")
    return 1 if complaints else 0


def _missing(suite: Suite, outcomes: Sequence[Outcome]) -> list[str]:
    return [f"{key}: `make evals LIVE=1 SUITE={suite.use_case}` records it" for o in outcomes for key in o.missing]


def _of_suite(suite: Suite, outcomes: Sequence[Outcome]) -> list[str]:
    told = []
    answered = [outcome for outcome in outcomes if not outcome.missing]
    failed = [outcome for outcome in answered if not outcome.passed]
    if answered and 1 - len(failed) / len(answered) < suite.pass_rate:
        told += [f"{suite.use_case}/{o.case} by {o.model}: {'; '.join(o.failures)}" for o in failed]
    return told + (_of_judges(answered) if suite.agreement else [])


def _of_judges(outcomes: Sequence[Outcome]) -> list[str]:
    """Each model's agreement with people is told; the complaints about those who may not judge."""
    told = []
    for model in dict.fromkeys(outcome.model for outcome in outcomes):
        figures = agreement.figures(outcome.agreement for outcome in outcomes if outcome.model == model)
        CONSOLE.print(f"{model} as the judge agrees with people in {figures}")
        told += [f"{model} as the judge: {figures.complaint}"] if figures.complaint else []
    return told


def main() -> int:
    parser = argparse.ArgumentParser(prog="make evals")
    parser.add_argument("--suite", action="append", choices=cases.names(), help="only this one")
    parser.add_argument("--live", action="store_true", help="ask for what has no recording")
    parser.add_argument("--understudy", action="store_true", help="with --live: answers that people wrote")
    parser.add_argument("--yes", action="store_true", help="with --live: more than 1 USD is fine")
    parser.add_argument("--compare", nargs=2, metavar=("A", "B"), help="classify@1 classify@2, or two models")
    asked = parser.parse_args()
    names = asked.suite or cases.names()
    try:
        if asked.compare:
            CONSOLE.print(table.compared(results.read(), *asked.compare))
            CONSOLE.print(table.FOOTNOTE)
            return 0
        return record(names, asked.understudy, asked.yes) if asked.live else replay(names)
    except (live.NotLive, NotASuite, table.NothingToCompare) as error:
        CONSOLE.print(f"[red]fails[/red] {error}")
    except DreyError as error:
        CONSOLE.print(f"[red]fails[/red] {error.message}")
    return 2


if __name__ == "__main__":
    sys.exit(main())
