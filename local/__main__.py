"""The verbs of `python -m local`: run, key, usage, seed, rollups, invoke."""

import sys

if sys.version_info < (3, 13):  # noqa: UP036 (this line is for older ones)
    sys.exit("Drey needs Python 3.13, this is %d.%d: use .venv/bin/python -m local" % sys.version_info[:2])  # noqa: UP031

import argparse
import os
from pathlib import Path

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
    from local.key import create

    scopes = [scope for scope in arguments.scopes.split(",") if scope]
    made = create(project, arguments.stage, arguments.name, arguments.user, scopes or None)
    complain(f"{made.key_id} for {arguments.user} in stage {arguments.stage}; the key is shown this once:")
    sys.stdout.write(f"{made.api_key}\n")


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

    key = verbs.add_parser("key", parents=[shared], help="make an API key and print it")
    key.add_argument("--stage", default="local", help="a stage of samconfig.toml, with your AWS credentials")
    key.add_argument("--name", default="made on the command line")
    key.add_argument("--user", default="local", help="whose usage it counts as")
    key.add_argument("--scopes", default="", help="a,b; all by default")
    key.set_defaults(verb=_key)

    usage = verbs.add_parser("usage", parents=[shared], help="the latest usage rows of the running platform")
    usage.add_argument("--rows", type=int, default=20)
    usage.set_defaults(verb=_usage)

    seed = verbs.add_parser("seed", parents=[shared], help="sample users, keys and usage for the running platform")
    seed.set_defaults(verb=_seed)

    rollups = verbs.add_parser("rollups", parents=[shared], help="count usage rows that the sums lack, from the rows")
    rollups.add_argument("--stage", default="local", help="a stage of samconfig.toml, with your AWS credentials")
    rollups.set_defaults(verb=_rollups)

    invoke = verbs.add_parser("invoke", parents=[shared], help="send a sample event to one door")
    invoke.add_argument("door", help="gateway/chat")
    invoke.add_argument("case", help="events/gateway/chat-CASE.json")
    invoke.set_defaults(verb=_invoke)
    return parser


if __name__ == "__main__":
    sys.exit(main())
