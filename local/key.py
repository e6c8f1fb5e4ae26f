"""The API key that a checkout keeps for itself, and how a program finds the tables: the emulator's or a stage's."""

import importlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from local.emulator import CREDENTIALS, REGION
from local.project import CannotStart, Project

USER = "local"


def ensure(path: Path) -> str:
    """The key in the file at `path`, if the keys table still knows it, else a new one with every scope.

    The environment must name the table (KEYS_TABLE_NAME). Raises whatever llm_core raises.
    """
    callers, keys = _room("callers"), _room("keys")
    kept = path.read_text().strip() if path.exists() else ""
    if kept:
        try:
            callers.identify(kept)
        except _room("errors").Unauthorized:
            pass  # by a table that was thrown away in the meantime, for example
        else:
            return kept
    made = str(keys.create("make run", user_id=USER, terms=keys.Terms(callers.SCOPES)).api_key)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(f"{made}\n")
    return made


def environment(doors: Mapping[str, str]) -> dict[str, str]:
    """What a program needs besides the doors' own variables to talk to the emulator instead of AWS."""
    return {**CREDENTIALS, "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION, **doors}


def of_stage(project: Project, stage: str) -> dict[str, str]:
    """The environment for acting on a stage's tables: on the running platform's, or with the operator's credentials.

    Raises CannotStart when there is no such place.
    """
    if stage == "local":
        running = project.now_running()
        return environment({**running["environment"], "USER_POOL_ID": running["outputs"].get("UserPoolId", "")})
    return {**_tables(project.stack_name(stage)), "STAGE": stage}


def _tables(stack: str) -> dict[str, str]:
    """The tables of a stack, as the doors' variables name them: its output KeysTableName is KEYS_TABLE_NAME."""
    try:
        stacks = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    except (ClientError, BotoCoreError) as error:
        raise CannotStart(f"Stack {stack} cannot be read: {error}") from None
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stacks[0].get("Outputs", [])}
    named = ("TableName", "ByokPath", "UserPoolId")
    tables = {name: str(value) for name, value in outputs.items() if name.endswith(named)}
    if "KeysTableName" not in tables:
        raise CannotStart(f"Stack {stack} has no output KeysTableName")
    return {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper(): value for name, value in tables.items()}


def _room(name: str) -> Any:
    # By name, because a checkout may be started before its layer can be imported.
    return importlib.import_module(f"llm_core.{name}")
