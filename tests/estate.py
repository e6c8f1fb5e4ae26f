"""The estate as CloudFormation gets it: template.yaml after SAM's transform, every value that is known filled in."""

import copy
import importlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from local.template import Door, Template

ROOT = Path(__file__).parents[1]
PARTITION, REGION, ACCOUNT = "aws-cn", "cn-north-1", "210987654321"  # nothing may rely on the usual ones
PSEUDO = {
    "AWS::Partition": PARTITION,
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "AWS::StackName": "drey-test",
    "AWS::URLSuffix": "amazonaws.com.cn",
}
# Logs and traces; the second has another name where SAM knows the region for China's.
MANAGED = ("service-role/AWSLambdaBasicExecutionRole", "AWSXrayWriteOnlyAccess", "AWSXRayDaemonWriteAccess")
NOTHING = object()


@dataclass
class Estate:
    """The transformed template, its parameters and conditions filled in; `revision` is of the code."""

    given: dict[str, str]
    revision: str = "code"

    @cached_property
    def source(self) -> Template:
        return Template(ROOT / "template.yaml", self.given)

    @cached_property
    def transformed(self) -> dict[str, Any]:
        document = copy.deepcopy(self.source.document)
        document["Globals"]["Function"]["CodeUri"] = f"s3://bucket/{self.revision}"
        for layer in self.source.of_type("AWS::Serverless::LayerVersion"):
            document["Resources"][layer]["Properties"]["ContentUri"] = f"s3://bucket/layer-{self.revision}"
        for machine in self.source.of_type("AWS::Serverless::StateMachine"):
            properties = document["Resources"][machine]["Properties"]
            properties["Definition"] = json.loads((ROOT / properties.pop("DefinitionUri")).read_text())
        managed = {name.rpartition("/")[2]: f"arn:aws:iam::aws:policy/{name}" for name in MANAGED}
        translator = Translator(managed, Parser(), boto_session=boto3.Session(region_name=REGION))
        translated: dict[str, Any] = translator.translate(document, self.source.parameters)
        return translated

    @cached_property
    def resources(self) -> dict[str, dict[str, Any]]:
        filled: dict[str, dict[str, Any]] = self.fill(self.transformed["Resources"])
        return filled

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        return {name: r.get("Properties", {}) for name, r in self.resources.items() if r["Type"] == kind}

    @property
    def functions(self) -> dict[str, dict[str, Any]]:
        return self.of_type("AWS::Lambda::Function")

    def statements(self, door: str | None = None) -> Iterator[dict[str, Any]]:
        """Every statement that some door, or this one, is allowed."""
        managed = self.of_type("AWS::IAM::ManagedPolicy")
        for name, role in self.of_type("AWS::IAM::Role").items():
            if door is None or name == f"{door}Role":
                documents = [policy["PolicyDocument"] for policy in role.get("Policies", [])]
                ours = [arn.strip("<>") for arn in role.get("ManagedPolicyArns", []) if arn.startswith("<")]
                documents += [managed[policy]["PolicyDocument"] for policy in ours]
                for document in documents:
                    yield from listed(document["Statement"])

    def fill(self, value: Any) -> Any:
        match value:
            case {"Ref": "AWS::NoValue"}:
                return NOTHING
            case {"Ref": str(name)}:
                return PSEUDO.get(name, self.source.parameters.get(name, f"<{name}>"))
            case {"Fn::Sub": str(text)}:
                return self._substituted(text, {})
            case {"Fn::Sub": [str(text), dict(names)]}:
                return self._substituted(text, {name: self.fill(inner) for name, inner in names.items()})
            case {"Fn::If": [str(condition), then, otherwise]}:
                return self.fill(then if self._holds({"Condition": condition}) else otherwise)
            case dict():
                filled = {key: self.fill(inner) for key, inner in value.items()}
                return {key: inner for key, inner in filled.items() if inner is not NOTHING}
            case list():
                return [filled for inner in value if (filled := self.fill(inner)) is not NOTHING]
            case _:
                return value

    def _substituted(self, text: str, names: dict[str, str]) -> str:
        known = {**PSEUDO, **self.source.parameters, **names}
        return re.sub(r"\$\{([\w:.]+)\}", lambda found: str(known.get(found[1], f"<{found[1]}>")), text)

    def _holds(self, condition: Any) -> bool:
        match condition:
            case {"Condition": str(name)}:
                return self._holds(self.source.document["Conditions"][name])
            case {"Fn::Equals": [left, right]}:
                return str(self.fill(left)) == str(self.fill(right))
            case {"Fn::Not": [inner]}:
                return not self._holds(inner)
            case {"Fn::And": list(inner)}:
                return all(map(self._holds, inner))
            case {"Fn::Or": list(inner)}:
                return any(map(self._holds, inner))
            case _:
                raise ValueError(f"a condition that this reader does not know: {condition}")


def opened(door: Door) -> Any:
    """The door itself: its module's `handler`."""
    return getattr(importlib.import_module(door.module), door.function)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
