"""template.yaml -> a stack in the emulator, without building anything: the doors run in process."""

import copy
import hashlib
import io
import json
import time
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from botocore.exceptions import ClientError

from local.emulator import Emulator
from local.project import CannotStart
from local.template import Template, read_yaml

_BUCKET = "local-deployment"
_PROXY = "MINISTACK_LAMBDA_PROXY_URL"
_PATIENCE_S = 60.0
_REFUSED = ("AWS::Logs::QueryDefinition", "AWS::WAFv2::WebACLAssociation", "AWS::CloudWatch::Dashboard")
"""The emulator has none of the first two, and none of the alarms that the third shows; nothing here asks for one."""
_GOOD = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
_STUCK = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED", "UPDATE_ROLLBACK_FAILED")


@dataclass(frozen=True)
class Deployment:
    """A deployed stack: its doors, its outputs, and the environment that the doors share (both {name: value})."""

    stack: str
    doors: list[str]
    outputs: dict[str, str]
    environment: dict[str, str]


def deploy(template: Template, emulator: Emulator, stack: str, proxy: str) -> Deployment:
    """Create or update the stack. Every invocation in the emulator is sent to `{proxy}/{logical id}`.

    Raises CannotStart with the emulator's reason when the stack fails, and when two doors disagree about a variable.
    """
    document = _adapted(template, emulator, proxy)
    cloudformation = emulator.client("cloudformation")
    wanted = {
        "StackName": stack,
        "TemplateURL": _upload(emulator, "template.json", json.dumps(document).encode()),
        "Parameters": [{"ParameterKey": k, "ParameterValue": v} for k, v in template.parameters.items()],
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    }
    status = _status(cloudformation, stack)
    if status in _STUCK:
        cloudformation.delete_stack(StackName=stack)
        _settled(cloudformation, stack)
        status = _status(cloudformation, stack)
    try:
        if status is None:
            cloudformation.create_stack(**wanted)
        else:
            cloudformation.update_stack(**wanted)
    except ClientError as error:
        if "No updates" not in str(error):
            raise CannotStart(f"template.yaml was refused: {error.response['Error']['Message']}") from None
    status = _settled(cloudformation, stack)
    if status not in _GOOD:
        raise CannotStart(f"template.yaml could not be deployed ({status}): {_reason(cloudformation, stack)}")
    environments = _environments(template, emulator, stack)
    described = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    return Deployment(
        stack=stack,
        doors=list(environments),
        outputs={output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])},
        environment=union(environments),
    )


def union(environments: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """One environment for doors that share a process, from {door: its variables}.

    Raises CannotStart when two doors give one variable different values.
    """
    merged: dict[str, str] = {}
    owner: dict[str, str] = {}
    for door, variables in environments.items():
        for name, value in variables.items():
            if merged.setdefault(name, value) != value:
                raise CannotStart(
                    f"{owner[name]} and {door} disagree about {name} ({merged[name]!r}, {value!r}); locally all doors"
                    " share one environment: use two names"
                )
            owner.setdefault(name, door)
    return merged


def _environments(template: Template, emulator: Emulator, stack: str) -> dict[str, dict[str, str]]:
    pages = emulator.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    physical = {
        summary["LogicalResourceId"]: summary["PhysicalResourceId"]
        for page in pages
        for summary in page["StackResourceSummaries"]
    }
    lambdas = emulator.client("lambda")
    found = {}
    for door in template.doors:
        if door not in physical:  # its Condition is false
            continue
        configuration = lambdas.get_function_configuration(FunctionName=physical[door])
        variables = configuration.get("Environment", {}).get("Variables", {})
        # AWS_LAMBDA_* speak to Lambda's own bootstrap, which is not here.
        found[door] = {k: v for k, v in variables.items() if not k.startswith(("MINISTACK_", "AWS_LAMBDA_"))}
    return found


def _adapted(template: Template, emulator: Emulator, proxy: str) -> dict[str, Any]:
    """The template as `sam package` would leave it, code being a stub: nothing of it runs in the emulator."""
    document = copy.deepcopy(template.document)
    stub = f"s3://{_BUCKET}/stub.zip"
    _upload(emulator, "stub.zip", _stub())
    folder = template.path.parent
    document.get("Globals", {}).get("Function", {}).pop("CodeUri", None)
    document["Resources"] = {
        f"{name}{emulator.token[:8]}" if _hears_a_table(resource) else name: resource
        for name, resource in known(document, folder).items()
    }
    for name, resource in document["Resources"].items():
        properties = resource.setdefault("Properties", {})
        match resource["Type"]:
            case "AWS::Serverless::Function":
                properties["CodeUri"] = stub
                properties.pop("InlineCode", None)
                variables = properties.setdefault("Environment", {}).setdefault("Variables", {})
                variables[_PROXY] = f"{proxy}/{name}"
            case "AWS::Serverless::LayerVersion":
                properties["ContentUri"] = stub
            case "AWS::Serverless::StateMachine" if isinstance(properties.get("DefinitionUri"), str):
                # An .asl.json is YAML too.
                properties["Definition"] = yaml.safe_load((folder / properties.pop("DefinitionUri")).read_text())
            case "AWS::CloudFormation::Stack" if isinstance(properties.get("TemplateURL"), str):
                nested = read_yaml(folder / properties["TemplateURL"])
                nested["Resources"] = known(nested, folder)
                text = json.dumps(nested).encode()
                # Its text is in its name: the same address would be no change to the stack above it.
                version = hashlib.sha256(text).hexdigest()[:12]
                properties["TemplateURL"] = _upload(emulator, f"{name}-{version}.json", text)
            case _:
                pass
    return document


def known(document: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Its resources, without those that the emulator refuses: types, alarms over an expression, nested loops."""

    def refused(resource: dict[str, Any]) -> bool:
        properties = resource.get("Properties", {})
        nested = resource["Type"] == "AWS::CloudFormation::Stack" and isinstance(properties.get("TemplateURL"), str)
        return (
            resource["Type"] in _REFUSED
            or (resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in properties)
            or (nested and "Transform" in read_yaml(folder / properties["TemplateURL"]))
        )

    return {name: resource for name, resource in document["Resources"].items() if not refused(resource)}


def _hears_a_table(resource: dict[str, Any]) -> bool:
    """Such a mapping gets a name of this start, and so CloudFormation replaces it: one that outlived a restart of the
    emulator is deaf, because the records are gone and its position in them is not.
    """
    source = resource.get("Properties", {}).get("EventSourceArn")
    return resource["Type"] == "AWS::Lambda::EventSourceMapping" and "StreamArn" in json.dumps(source)


def _stub() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("README", "The doors run in process: see local/.\n")
    return buffer.getvalue()


def _upload(emulator: Emulator, name: str, content: bytes) -> str:
    s3 = emulator.client("s3")
    with suppress(s3.exceptions.BucketAlreadyOwnedByYou, s3.exceptions.BucketAlreadyExists):
        s3.create_bucket(Bucket=_BUCKET)
    s3.put_object(Bucket=_BUCKET, Key=name, Body=content)
    return f"{emulator.url}/{_BUCKET}/{name}"


def _status(cloudformation: Any, stack: str) -> str | None:
    try:
        status = str(cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])
    except ClientError:
        return None
    return None if status == "DELETE_COMPLETE" else status


def _settled(cloudformation: Any, stack: str) -> str | None:
    deadline = time.monotonic() + _PATIENCE_S
    while (status := _status(cloudformation, stack)) and status.endswith("_IN_PROGRESS"):
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    return status


def _reason(cloudformation: Any, stack: str) -> str:
    events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    failures = [e for e in events if e["ResourceStatus"].endswith("_FAILED") and e.get("ResourceStatusReason")]
    if not failures:
        return "the emulator gives no reason"
    first = min(failures, key=lambda event: event["Timestamp"])
    return f"{first['LogicalResourceId']}: {first['ResourceStatusReason']}"


def put_secret(emulator: Emulator, name: str, value: str) -> None:
    """Keep a secret in the emulated Parameter Store, encrypted as in AWS. `name` without a leading slash."""
    emulator.client("ssm").put_parameter(Name=f"/{name}", Value=value, Type="SecureString", Overwrite=True)
