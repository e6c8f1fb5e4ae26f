"""`make deploy-site`: the stack of the site, then its files, each with how long it may be kept.

New files come before the pages that name them, and those before the end of pages that went. Scripts and styles of
earlier builds stay, for tabs that are still open.
"""

import json
import mimetypes
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from local.edge import composed
from local.project import CannotStart, Project
from local.site import cached
from local.template import read_yaml

REGION = "us-east-1"
"""Where CloudFront wants certificates and keeps its metrics."""

_NOTHING_THERE = "404/index.html"


def deploy(project: Project, stage: str) -> str:
    """The address of the site. Raises CannotStart."""
    out = project.root / "site/out"
    try:
        platform = _outputs(boto3.client("cloudformation"), project.stack_name(stage))
        stack = f"{project.stack_name(stage)}-site"
        parameters = {**_of_platform(platform, project, stage), **project.site_parameters(stage)}
        _stack(boto3.client("cloudformation", region_name=REGION), stack, body(project.root, out), parameters)
        own = _outputs(boto3.client("cloudformation", region_name=REGION), stack)
        told = {"signInUrl": platform["SignInUrl"], "clientId": platform["UserPoolClientId"]}
        upload(boto3.client("s3", region_name=REGION), own["SiteBucketName"], out, told)
    except (ClientError, BotoCoreError) as error:
        raise CannotStart(f"The site cannot be deployed: {error}") from None
    return own["SiteUrl"]


def body(root: Path, out: Path) -> str:
    """stacks/frontend.yaml as JSON, its functions with their code. Raises CannotStart."""
    document = read_yaml(root / "stacks/frontend.yaml")
    code = composed(root, out)
    for resource in document["Resources"].values():
        if resource["Type"] == "AWS::CloudFront::Function":
            resource["Properties"]["FunctionCode"] = code[resource["Properties"]["FunctionCode"]]
    return json.dumps(document, separators=(",", ":"))


def upload(s3: Any, bucket: str, out: Path, told: Mapping[str, str]) -> None:
    """The files of an export into a bucket, and /site.json; pages that are no more are deleted."""
    files = sorted((file for file in out.rglob("*") if file.is_file()), key=lambda file: (file.suffix == ".html", file))
    for file in files:
        name = file.relative_to(out).as_posix()
        shape: dict[str, Any] = {"ContentType": _media_type(name), "CacheControl": cached(name)}
        if name == _NOTHING_THERE:
            shape["Metadata"] = {"status": "404"}  # edge/status.js makes it the answer's
        s3.put_object(Bucket=bucket, Key=name, Body=file.read_bytes(), **shape)
    site = {"ContentType": "application/json", "CacheControl": "no-store"}
    s3.put_object(Bucket=bucket, Key="site.json", Body=json.dumps(dict(told)).encode(), **site)
    here = {file.relative_to(out).as_posix() for file in files}
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    for item in [item for page in pages for item in page.get("Contents", ())]:
        if item["Key"].endswith(".html") and item["Key"] not in here:
            s3.delete_object(Bucket=bucket, Key=item["Key"])


def _media_type(name: str) -> str:
    found = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return f"{found}; charset=utf-8" if found.startswith("text/") else found


def _of_platform(outputs: Mapping[str, str], project: Project, stage: str) -> dict[str, str]:
    """What the site's stack has to know of the platform's."""
    parameters = {
        "ApiHost": urlsplit(outputs["ApiUrl"]).netloc,
        "LiveHost": urlsplit(outputs["WebSocketEndpoint"]).netloc,
        "SignInUrl": outputs["SignInUrl"],
    }
    if secret := project.stage_parameters(stage).get("OriginVerifyName"):
        parameters["OriginVerify"] = boto3.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]
    return parameters


def _stack(cloudformation: Any, name: str, text: str, parameters: Mapping[str, str]) -> None:
    """Make or change the stack and wait until that is done: a distribution takes minutes."""
    asked = {
        "StackName": name,
        "TemplateBody": text,
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
    }
    try:
        cloudformation.create_stack(**asked, EnableTerminationProtection=True)
        cloudformation.get_waiter("stack_create_complete").wait(StackName=name)
    except cloudformation.exceptions.AlreadyExistsException:
        try:
            cloudformation.update_stack(**asked)
        except ClientError as error:
            if "No updates are to be performed" not in str(error):
                raise
        else:
            cloudformation.get_waiter("stack_update_complete").wait(StackName=name)


def _outputs(cloudformation: Any, stack: str) -> dict[str, str]:
    outputs = cloudformation.describe_stacks(StackName=stack)["Stacks"][0].get("Outputs", [])
    return {output["OutputKey"]: output["OutputValue"] for output in outputs}
