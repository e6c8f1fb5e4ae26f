"""The verbs of `python -m local`: run, key, budget, revoke, clear, user, token, usage, seed, rollups, traces,
invoke."""

import sys

if sys.version_info < (3, 13):  # noqa: UP036 (this line is for older ones)
    sys.exit("Drey needs Python 3.13, this is %d.%d: use .venv/bin/python -m local" % sys.version_info[:2])  # noqa: UP031

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

try:
    from local.project import CannotStart, Project
    from local.screen import complain
except ModuleNotFoundError as missing:
    sys.exit(f"The package {missing.name} is not installed. Run: make setup, then .venv/bin/python -m local")


def main() -> int:
    """Do what the command line says; 0 when it was done, 1 with one line on stderr when it could not be."""
    arguments = _parser().parse_args()
    project = Project(root=arguments.root.resolve(), state=arguments.state and arguments.state.resolve())
    try:
        return int(arguments.verb(project, arguments) or 0)
    except CannotStart as error:
        complain(str(error))
        return 1
    except KeyboardInterrupt:
        return 130


def _run(project: Project, arguments: argparse.Namespace) -> None:
    from local.supervisor import Supervisor

    Supervisor(project, arguments.port, quiet=arguments.quiet, ready=arguments.ready_file).run()


def _key(project: Project, arguments: argparse.Namespace) -> None:
    with _administration(project, arguments) as administer:
        limits = {"month": arguments.budget, "day": arguments.daily}
        administer.make_key(
            arguments.name,
            arguments.user,
            team=arguments.team,
            org=arguments.org,
            scopes=arguments.scopes,
            limits={
                kind: limit for kind, text in limits.items() if (limit := administer.amount(text or "none")) is not None
            },
        )


def _budget(project: Project, arguments: argparse.Namespace) -> None:
    with _administration(project, arguments) as administer:
        limits = {"month": arguments.monthly, "day": arguments.daily}
        named = {kind: administer.amount(text) for kind, text in limits.items() if text}
        administer.set_budget(arguments.account, named, arguments.shards)


def _revoke(project: Project, arguments: argparse.Namespace) -> None:
    with _administration(project, arguments) as administer:
        administer.revoke(arguments.key)


def _clear(project: Project, arguments: argparse.Namespace) -> None:
    with _administration(project, arguments) as administer:
        administer.clear(arguments.model, arguments.operation)


def _user(project: Project, arguments: argparse.Namespace) -> None:
    with _administration(project, arguments) as administer:
        administer.add_person(arguments.name, arguments.group, mail=arguments.stage != "local")


def _token(project: Project, _arguments: argparse.Namespace) -> None:
    from local.emulator import client
    from local.people import token

    sys.stdout.write(f"{token(project, client('cognito-idp', project.now_running()['emulator']))}\n")


@contextmanager
def _administration(project: Project, arguments: argparse.Namespace) -> Iterator[Any]:
    """local.administer, on the tables of the stage that was asked for; what llm_core refuses is one line."""
    from local.key import of_stage

    os.environ.update(of_stage(project, arguments.stage))
    sys.path[:0] = map(str, project.sources)  # it speaks to llm_core
    from llm_core.errors import DreyError
    from local import administer

    try:
        yield administer
    except DreyError as error:
        raise CannotStart(error.message) from None


def _usage(project: Project, arguments: argparse.Namespace) -> None:
    from local.usage import show

    show(project, arguments.rows)


def _seed(project: Project, _arguments: argparse.Namespace) -> None:
    sys.path[:0] = map(str, project.sources)  # it speaks to llm_core
    from local.seed import sow

    sow(project)


def _rollups(project: Project, arguments: argparse.Namespace) -> None:
    sys.path[:0] = map(str, project.sources)  # it speaks to llm_core
    from local.rollups import recount

    recount(project, arguments.stage)


def _traces(project: Project, arguments: argparse.Namespace) -> None:
    from local import executions, traces, waterfall, xray

    wanted = dict(pair.split("=", 1) for pair in arguments.where.split(",") if "=" in pair)
    if arguments.stage == "local":
        running = project.now_running()
        kept = [trace for trace in traces.read(project.traces) if trace.requested and trace.has(wanted)]
        found = executions.complete(kept, running["emulator"])
    else:
        found = xray.traces(arguments.stage, arguments.minutes, wanted)
    if not found:
        raise CannotStart("No trace is there yet, or none with these annotations.")
    waterfall.show(found, traces.hops(found), last=arguments.last)


def _invoke(project: Project, arguments: argparse.Namespace) -> int:
    from local.invoke import invoke

    return invoke(project, arguments.door, arguments.case)


def _port() -> int:
    text = os.environ.get("PORT") or "3000"
    if not text.isdigit():
        sys.exit(f"PORT must be a number, not {text!r}: PORT=3001 make run")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--root", type=Path, default=Project().root, help=argparse.SUPPRESS)
    shared.add_argument("--state", type=Path, help="where tables, key and logs are kept (default: .local/state)")
    parser = argparse.ArgumentParser(prog="python -m local", description="Drey on this machine.")
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    run = verbs.add_parser("run", parents=[shared], help="start everything on one port; Ctrl-C stops it")
    run.add_argument("--port", type=int, default=_port(), help="default: $PORT, else 3000")
    run.add_argument("--quiet", action="store_true", help="print errors only")
    run.add_argument("--ready-file", type=Path, help="write url, key and addresses here (JSON) once it answers")
    run.set_defaults(verb=_run)

    staged = argparse.ArgumentParser(add_help=False)
    staged.add_argument("--stage", default="local", help="a stage of samconfig.toml, with your AWS credentials")

    key = verbs.add_parser("key", parents=[shared, staged], help="make an API key and print it")
    key.add_argument("--name", default="made on the command line")
    key.add_argument("--user", default="local", help="whose usage it counts as")
    key.add_argument("--team", default="", help="the team that the user is in, when it is seen for the first time")
    key.add_argument("--org", default="", help="the organisation above, likewise")
    key.add_argument("--budget", default="", help="USD a month")
    key.add_argument("--daily", default="", help="USD a day")
    key.add_argument("--scopes", default="", help="a,b; all by default")
    key.set_defaults(verb=_key)

    budget = verbs.add_parser("budget", parents=[shared, staged], help="what an account may spend; shown, or set")
    budget.add_argument("account", help="org:acme, team:search, user:ada or key:sk-proj-...")
    budget.add_argument("--monthly", default="", help="USD, or none")
    budget.add_argument("--daily", default="", help="USD, or none")
    budget.add_argument("--shards", type=int, choices=range(1, 33), help="of a new account that many calls share")
    budget.set_defaults(verb=_budget)

    revoke = verbs.add_parser("revoke", parents=[shared, staged], help="end an API key and all below it")
    revoke.add_argument("key", help="its first twenty characters: sk-proj-...")
    revoke.set_defaults(verb=_revoke)

    clear = verbs.add_parser(
        "clear", parents=[shared, staged], help="ask a model again that cost more than its ceiling"
    )
    clear.add_argument("model", help="provider/model")
    clear.add_argument("--operation", default="chat", choices=["chat", "embeddings"])
    clear.set_defaults(verb=_clear)

    user = verbs.add_parser("user", parents=[shared, staged], help="put a person into a group of those who sign in")
    user.add_argument("name", help="their e-mail address")
    user.add_argument("--group", default="writers", choices=["writers", "admin"])
    user.set_defaults(verb=_user)

    token = verbs.add_parser("token", parents=[shared], help="an ID token of the checkout's own person")
    token.set_defaults(verb=_token)

    usage = verbs.add_parser("usage", parents=[shared], help="the latest usage rows of the running platform")
    usage.add_argument("--rows", type=int, default=20)
    usage.set_defaults(verb=_usage)

    seed = verbs.add_parser("seed", parents=[shared], help="sample users, keys and usage for the running platform")
    seed.set_defaults(verb=_seed)

    rollups = verbs.add_parser(
        "rollups", parents=[shared, staged], help="count usage rows that the sums lack, from the rows"
    )
    rollups.set_defaults(verb=_rollups)

    traces = verbs.add_parser(
        "traces", parents=[shared, staged], help="what each hop takes, and the slowest request's waterfall"
    )
    traces.add_argument("--minutes", type=int, default=60, help="of a stage: so far back")
    traces.add_argument("--where", default="", help="only traces with these annotations: provider=bedrock,outcome=ok")
    traces.add_argument("--last", type=int, default=0, help="so many of the latest waterfalls too")
    traces.set_defaults(verb=_traces)

    invoke = verbs.add_parser("invoke", parents=[shared], help="send a sample event to one door")
    invoke.add_argument("door", help="gateway/chat")
    invoke.add_argument("case", help="events/gateway/chat-CASE.json")
    invoke.set_defaults(verb=_invoke)
    return parser


if __name__ == "__main__":
    sys.exit(main())
