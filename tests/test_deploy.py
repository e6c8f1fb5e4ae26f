"""The whole template in the emulator: up, changed, unchanged, gone; and what a change of code, prompt or price touches.

`make deploys` does it for every stage of samconfig.toml, also by `sam deploy`; the suite for prod with everything
switched on that there is.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from local.deployment import deploy, known
from local.emulator import CREDENTIALS, REGION, Emulator
from local.project import Project
from local.template import Template, read_yaml
from tests.estate import ROOT, Estate

PROJECT = Project()
EVERYTHING = {
    **PROJECT.stage_parameters("prod"),
    "SecretStore": "secretsmanager",
    "DiscordWebhookName": "chat/discord",
    "AlertEmail": "ops@example.com",
    "PagerTopicArn": "arn:aws:sns:us-east-1:000000000000:pager",
    "Detailed": "true",
    "FirewallEnabled": "true",
    "ProvisionedConcurrency": "2",
    "ReservedConcurrency": "5",
    "KeepWarm": "true",
    "DomainName": "api.example.com",
    "CertificateArn": "arn:aws:acm:us-east-1:000000000000:certificate/00000000-0000-0000-0000-000000000000",
    "DriftCheckEnabled": "true",
}
STAGES = {"everything": EVERYTHING}
if os.environ.get("DREY_DEPLOYS") == "all":
    STAGES |= {stage: PROJECT.stage_parameters(stage) for stage in ("dev", "staging", "prod", "ci", "local")}

OF_CODE = {"AWS::Lambda::Function", "AWS::Lambda::LayerVersion", "AWS::Lambda::Version", "AWS::Lambda::Alias"}
KEEPERS = tuple(
    f"AWS::{each}::" for each in ("DynamoDB", "S3", "Cognito", "KMS", "CloudFront", "CloudFormation", "SQS")
)
BUCKET = "local-deployment"
NOWHERE = "http://127.0.0.1:9"  # nothing is invoked


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    running = Emulator.open(Project(state=tmp_path_factory.mktemp("deploys")))
    yield running
    running.stop()


class Stack:
    """One stack of the emulator, as CloudFormation tells of it."""

    def __init__(self, emulator: Emulator, name: str) -> None:
        self.name, self.emulator = name, emulator
        self.aws = emulator.client("cloudformation")

    def preview(self, template: Template, text: str) -> list[dict[str, Any]]:
        """What CloudFormation would change, as `sam deploy` asks before it does: a change set."""
        key = f"{uuid4().hex}.json"  # a body may have 51,200 bytes only
        self.emulator.client("s3").put_object(Bucket=BUCKET, Key=key, Body=text.encode())
        made = self.aws.create_change_set(
            StackName=self.name,
            ChangeSetName=f"preview-{uuid4().hex[:8]}",
            TemplateURL=f"{self.emulator.url}/{BUCKET}/{key}",
            Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in template.parameters.items()],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        until = time.monotonic() + 60
        while (told := self.aws.describe_change_set(ChangeSetName=made["Id"]))["Status"].endswith("_IN_PROGRESS"):
            assert time.monotonic() < until, told
            time.sleep(0.05)
        if told["Status"] == "FAILED":
            assert "didn't contain changes" in told["StatusReason"], told
        return [change["ResourceChange"] for change in told["Changes"]]

    def resources(self) -> dict[str, str]:
        """{logical id: physical id}"""
        pages = self.aws.get_paginator("list_stack_resources").paginate(StackName=self.name)
        summaries = [summary for page in pages for summary in page["StackResourceSummaries"]]
        return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in summaries}

    def delete(self) -> None:
        told = self.aws.describe_stacks(StackName=self.name)["Stacks"][0]["StackId"]
        self.aws.delete_stack(StackName=self.name)
        self.wait(told, "DELETE_COMPLETE")

    def wait(self, stack: str, status: str) -> None:
        until = time.monotonic() + 60
        while (now := self.aws.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]) != status:
            assert "FAILED" not in now, now
            assert time.monotonic() < until, now
            time.sleep(0.05)


def there(emulator: Emulator, prefix: str) -> dict[str, set[str]]:
    """What an account still holds of a stack, by kind."""
    functions = emulator.client("lambda").get_paginator("list_functions").paginate()
    found = {
        "tables": emulator.client("dynamodb").list_tables()["TableNames"],
        "buckets": [each["Name"] for each in emulator.client("s3").list_buckets()["Buckets"]],
        "functions": [each["FunctionName"] for page in functions for each in page["Functions"]],
        "queues": [each.rpartition("/")[2] for each in emulator.client("sqs").list_queues().get("QueueUrls", [])],
        "topics": [each["TopicArn"].rpartition(":")[2] for each in emulator.client("sns").list_topics()["Topics"]],
        "roles": [each["RoleName"] for each in emulator.client("iam").list_roles()["Roles"]],
        "alarms": [each["AlarmName"] for each in emulator.client("cloudwatch").describe_alarms()["MetricAlarms"]],
        "apis": [each["name"] for each in emulator.client("apigateway").get_rest_apis()["items"]],
        "machines": [each["name"] for each in emulator.client("stepfunctions").list_state_machines()["stateMachines"]],
        "logs": [each["logGroupName"] for each in emulator.client("logs").describe_log_groups()["logGroups"]],
        "rules": [each["Name"] for each in emulator.client("events").list_rules()["Rules"]],
    }
    return {kind: {name for name in names if prefix in name} for kind, names in found.items()}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_comes_up_is_changed_and_leaves_nothing_but_what_is_kept(emulator: Emulator, stage: str) -> None:
    given, name = STAGES[stage], f"try-{stage}"
    template, stack = Template(ROOT / "template.yaml", given), Stack(emulator, name)

    # When it is deployed, everything is there.
    deployed = deploy(template, emulator, name, NOWHERE)
    assert set(deployed.doors) == set(template.doors)
    assert {"APIEndpoint", "WebSocketEndpoint", "StateMachineArn", "SummarizeFunctionArn"} <= set(deployed.outputs)
    assert (deployed.outputs["APIEndpoint"] == "https://api.example.com/v1") == (stage == "everything")
    first = stack.resources()

    # When it would be deployed again as it is, nothing would happen.
    text = emulator.client("s3").get_object(Bucket=BUCKET, Key="template.json")["Body"].read().decode()
    assert stack.preview(template, text) == []

    # When only its code were another, functions and layer would change, and nothing that keeps anything.
    newer = stack.preview(template, text.replace("stub.zip", "newer.zip"))
    certain = [each for each in newer if each["Action"] != "Modify" or "Static" in str(each["Details"])]
    assert {each["ResourceType"] for each in certain} == OF_CODE - {"AWS::Lambda::Alias"}, (
        "that one follows the version"
    )
    assert not [each for each in newer if each["ResourceType"].startswith(KEEPERS)], "not even perhaps"

    # When a setting of the doors changes, every table, bucket, pool and key is the one it was.
    deploy(Template(template.path, {**given, "LogLevel": "ERROR"}), emulator, name, NOWHERE)
    versions = {logical for logical in first if logical.startswith("GatewayChatVersion")}
    assert {logical: physical for logical, physical in first.items() if logical not in versions}.items() <= (
        stack.resources().items()
    )

    # When it is deleted, what cannot be had again is still there, and nothing else is.
    stack.delete()
    kept = {logical for logical, each in template.resources.items() if each.get("DeletionPolicy", "").startswith("Ret")}
    left = there(emulator, name)
    assert left.pop("tables") | left.pop("buckets") == {physical for each, physical in first.items() if each in kept}
    assert not any(left.values()), left


def test_alarms_of_each_function_are_made_by_a_loop(emulator: Emulator) -> None:
    """The emulator expands loops in a stack of its own only, so this one is tried alone."""
    stack = Stack(emulator, "loop")
    values = {"AlertsTopicArn": "arn:aws:sns:us-east-1:000000000000:t", "Doors": "drey-A-1x2:240000,drey-B-3y4:8000"}
    stack.aws.create_stack(
        StackName=stack.name,
        TemplateBody=json.dumps(read_yaml(ROOT / "stacks/doors.yaml")),
        Capabilities=["CAPABILITY_AUTO_EXPAND"],
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()],
    )
    stack.wait(stack.name, "CREATE_COMPLETE")
    alarms = emulator.client("cloudwatch").describe_alarms(AlarmNamePrefix="drey-")["MetricAlarms"]
    told = {(each["AlarmName"], each["MetricName"], each["Threshold"]) for each in alarms}
    assert told == {
        (f"{door}-{metric.lower()}", metric, threshold)
        for door, most in (("drey-A-1x2", 240_000.0), ("drey-B-3y4", 8_000.0))
        for metric, threshold in (("Errors", 1.0), ("Throttles", 1.0), ("Duration", most))
    }


# ------------------------------------------------------------------------------------------------ what a change touches
def test_another_code_prompt_or_price_touches_functions_and_layer_and_nothing_that_keeps_anything() -> None:
    """Code is in the functions' package; prompts, models and prices are files of the layer's."""
    before = Estate({"Stage": "prod"}, revision="before").transformed["Resources"]
    after = Estate({"Stage": "prod"}, revision="after").transformed["Resources"]

    touched = {name for name in before | after if before.get(name) != after.get(name)}

    assert {(before | after)[name]["Type"] for name in touched} == OF_CODE
    functions: dict[str, Any] = {n: r for n, r in after.items() if r["Type"] == "AWS::Lambda::Function"}
    assert set(functions) <= touched, "each has the new code"
    assert {name for name in touched if name in before and name in after} == {*functions, "GatewayChatAliaslive"}


# ------------------------------------------------------------------------------------------------ by sam itself
@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The template as `sam deploy` meets it, without what the emulator refuses and with a stub for code."""
    for name in ("template.yaml", "stacks/identity.yaml", "stacks/monitoring.yaml"):
        document = read_yaml(ROOT / name)
        document["Resources"] = known(document, ROOT)
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(json.dumps(document))
    shutil.copytree(ROOT / "statemachine", tmp_path / "statemachine")
    shutil.copy(ROOT / "samconfig.toml", tmp_path)
    for folder in ("functions", "layers/llm_core"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "README").write_text("The doors run elsewhere.\n")
    return tmp_path


@pytest.mark.skipif(os.environ.get("DREY_DEPLOYS") != "all", reason="takes its time: make deploys")
@pytest.mark.parametrize("stage", ["dev", "staging", "prod", "ci", "local"])
def test_sam_deploys_a_stage_as_its_table_says_and_then_finds_nothing_to_do(
    emulator: Emulator, checkout: Path, stage: str
) -> None:
    here = {**CREDENTIALS, "AWS_ENDPOINT_URL": emulator.url, "AWS_DEFAULT_REGION": REGION, "SAM_CLI_TELEMETRY": "0"}

    def sam_deploy() -> str:
        command = [str(ROOT / ".local/venvs/sam/bin/sam"), "deploy", "--config-env", stage]
        command += ["--template-file", "template.yaml", "--no-confirm-changeset", "--no-fail-on-empty-changeset"]
        done = subprocess.run(command, cwd=checkout, env=os.environ | here, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2_000:]
        return done.stdout

    assert f"Successfully created/updated stack - drey-{stage}" in sam_deploy()
    assert "No changes to deploy" in sam_deploy()
    (checkout / "functions/README").write_text("Other code.\n")
    assert f"Successfully created/updated stack - drey-{stage}" in sam_deploy()
