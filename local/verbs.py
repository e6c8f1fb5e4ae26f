"""What each verb of `python -m local` does; whatever a verb needs is imported when it is said."""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from local.project import CannotStart, Project


def run(project: Project, arguments: argparse.Namespace) -> None:
    from local.supervisor import Supervisor

    Supervisor(project, arguments.port, quiet=arguments.quiet, ready=arguments.ready_file).run()


def key(project: Project, arguments: argparse.Namespace) -> None:
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


def budget(project: Project, arguments: argparse.Namespace) -> None:
    with _administration(project, arguments) as administer:
        limits = {"month": arguments.monthly, "day": arguments.daily}
        named = {kind: administer.amount(text) for kind, text in limits.items() if text}
        administer.set_budget(arguments.account, named, arguments.shards)


def revoke(project: Project, arguments: argparse.Namespace) -> None:
    with _administration(project, arguments) as administer:
        administer.revoke(arguments.key)


def clear(project: Project, arguments: argparse.Namespace) -> None:
    with _administration(project, arguments) as administer:
        administer.clear(arguments.model, arguments.operation)


def user(project: Project, arguments: argparse.Namespace) -> None:
    with _administration(project, arguments) as administer:
        administer.add_person(arguments.name, arguments.group, mail=arguments.stage != "local")


def token(project: Project, _arguments: argparse.Namespace) -> None:
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


def usage(project: Project, arguments: argparse.Namespace) -> None:
    from local.usage import show

    show(project, arguments.rows)


def seed(project: Project, _arguments: argparse.Namespace) -> None:
    sys.path[:0] = map(str, project.sources)  # it speaks to llm_core
    from local.seed import sow

    sow(project)


def rollups(project: Project, arguments: argparse.Namespace) -> None:
    sys.path[:0] = map(str, project.sources)  # it speaks to llm_core
    from local.rollups import recount

    recount(project, arguments.stage)


def traces(project: Project, arguments: argparse.Namespace) -> None:
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


def forget(project: Project, arguments: argparse.Namespace) -> None:
    with _administration(project, arguments):
        from local import forget

        if arguments.stage != "local":
            os.environ.update(forget.stores(project.stack_name(arguments.stage)))
        forget.forget(arguments.user)


def reconcile(project: Project, arguments: argparse.Namespace) -> int:
    with _administration(project, arguments):
        from local import reconcile
        from local.rollups import rows

        account, form = reconcile.read(arguments.file)
        return min(1, reconcile.compare(account, reconcile.booked(rows(), form, account.days), form))


def deploy_site(project: Project, arguments: argparse.Namespace) -> None:
    from local.site_deployment import deploy

    sys.stdout.write(f"{deploy(project, arguments.stage)}\n")


def invoke(project: Project, arguments: argparse.Namespace) -> int:
    from local.invoke import invoke

    return invoke(project, arguments.door, arguments.case)
