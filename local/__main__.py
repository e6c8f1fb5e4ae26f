"""The verbs of `python -m local`, as `python -m local --help` lists them."""

import sys

if sys.version_info < (3, 13):  # noqa: UP036 (this line is for older ones)
    sys.exit("Drey needs Python 3.13, this is %d.%d: use .venv/bin/python -m local" % sys.version_info[:2])  # noqa: UP031

import argparse
import os
from pathlib import Path

try:
    from local import verbs
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
    known = parser.add_subparsers(required=True, metavar="VERB")

    run = known.add_parser("run", parents=[shared], help="start everything on one port; Ctrl-C stops it")
    run.add_argument("--port", type=int, default=_port(), help="default: $PORT, else 3000")
    run.add_argument("--quiet", action="store_true", help="print errors only")
    run.add_argument("--ready-file", type=Path, help="write url, key and addresses here (JSON) once it answers")
    run.set_defaults(verb=verbs.run)

    staged = argparse.ArgumentParser(add_help=False)
    staged.add_argument("--stage", default="local", help="a stage of samconfig.toml, with your AWS credentials")

    key = known.add_parser("key", parents=[shared, staged], help="make an API key and print it")
    key.add_argument("--name", default="made on the command line")
    key.add_argument("--user", default="local", help="whose usage it counts as")
    key.add_argument("--team", default="", help="the team that the user is in, when it is seen for the first time")
    key.add_argument("--org", default="", help="the organisation above, likewise")
    key.add_argument("--budget", default="", help="USD a month")
    key.add_argument("--daily", default="", help="USD a day")
    key.add_argument("--scopes", default="", help="a,b; all by default")
    key.set_defaults(verb=verbs.key)

    budget = known.add_parser("budget", parents=[shared, staged], help="what an account may spend; shown, or set")
    budget.add_argument("account", help="org:acme, team:search, user:ada or key:sk-proj-...")
    budget.add_argument("--monthly", default="", help="USD, or none")
    budget.add_argument("--daily", default="", help="USD, or none")
    budget.add_argument("--shards", type=int, choices=range(1, 33), help="of a new account that many calls share")
    budget.set_defaults(verb=verbs.budget)

    revoke = known.add_parser("revoke", parents=[shared, staged], help="end an API key and all below it")
    revoke.add_argument("key", help="its first twenty characters: sk-proj-...")
    revoke.set_defaults(verb=verbs.revoke)

    clear = known.add_parser(
        "clear", parents=[shared, staged], help="ask a model again that cost more than its ceiling"
    )
    clear.add_argument("model", help="provider/model")
    clear.add_argument("--operation", default="chat", choices=["chat", "embeddings"])
    clear.set_defaults(verb=verbs.clear)

    user = known.add_parser("user", parents=[shared, staged], help="put a person into a group of those who sign in")
    user.add_argument("name", help="their e-mail address")
    user.add_argument("--group", default="writers", choices=["writers", "admin"])
    user.set_defaults(verb=verbs.user)

    token = known.add_parser("token", parents=[shared], help="an ID token of the checkout's own person")
    token.set_defaults(verb=verbs.token)

    usage = known.add_parser("usage", parents=[shared], help="the latest usage rows of the running platform")
    usage.add_argument("--rows", type=int, default=20)
    usage.set_defaults(verb=verbs.usage)

    seed = known.add_parser("seed", parents=[shared], help="sample users, keys and usage for the running platform")
    seed.set_defaults(verb=verbs.seed)

    rollups = known.add_parser(
        "rollups", parents=[shared, staged], help="count usage rows that the sums lack, from the rows"
    )
    rollups.set_defaults(verb=verbs.rollups)

    traces = known.add_parser(
        "traces", parents=[shared, staged], help="what each hop takes, and the slowest request's waterfall"
    )
    traces.add_argument("--minutes", type=int, default=60, help="of a stage: so far back")
    traces.add_argument("--where", default="", help="only traces with these annotations: provider=bedrock,outcome=ok")
    traces.add_argument("--last", type=int, default=0, help="so many of the latest waterfalls too")
    traces.set_defaults(verb=verbs.traces)

    forget = known.add_parser("forget", parents=[shared, staged], help="erase all that is kept of a person")
    forget.add_argument("user", help="as in user:ada; a person who signs in by their e-mail address")
    forget.set_defaults(verb=verbs.forget)

    reconcile = known.add_parser(
        "reconcile", parents=[shared, staged], help="compare the ledger with a provider's usage export"
    )
    reconcile.add_argument("file", type=Path, help="CSV from OpenAI's or Anthropic's console, by model and day")
    reconcile.set_defaults(verb=verbs.reconcile)

    site = known.add_parser("deploy-site", parents=[shared], help="the site's stack, then its files")
    site.add_argument("--stage", default="dev", help="a stage of samconfig.toml, with your AWS credentials")
    site.set_defaults(verb=verbs.deploy_site)

    invoke = known.add_parser("invoke", parents=[shared], help="send a sample event to one door")
    invoke.add_argument("door", help="gateway/chat")
    invoke.add_argument("case", help="events/gateway/chat-CASE.json")
    invoke.set_defaults(verb=verbs.invoke)
    return parser


if __name__ == "__main__":
    sys.exit(main())
