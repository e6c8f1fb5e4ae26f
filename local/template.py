"""Reads template.yaml: the only list of doors and routes, for the front door, the tests and the docs alike."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import yaml

from local.project import CannotStart

INTEGRATION_TIMEOUT_S = 29.0  # what API Gateway grants a method that says nothing about it


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms: `!Ref A` is read as {"Ref": "A"}."""


def _short_form(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    match node:
        case yaml.ScalarNode():
            value = loader.construct_scalar(node)
        case yaml.SequenceNode():
            value = loader.construct_sequence(node, deep=True)
        case yaml.MappingNode():
            value = loader.construct_mapping(node, deep=True)
        case _:
            raise TypeError(node)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short_form)
# CloudFormation dates its format 2010-09-09: a word there, a date in plain YAML.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in _Loader.yaml_implicit_resolvers.items()
}


def read_yaml(path: Path) -> dict[str, Any]:
    """A CloudFormation document with its short forms spelled out. Raises yaml.YAMLError."""
    document: dict[str, Any] = yaml.load(path.read_text(), Loader=_Loader)  # noqa: S506 (a SafeLoader)
    return document


@dataclass(frozen=True)
class Route:
    """One method of one path of the REST API. `timeout` in seconds; `streams`: ResponseTransferMode says so;
    `authorizer`: the name of the one that must let a request pass, "" for none."""

    method: str
    path: str
    timeout: float = INTEGRATION_TIMEOUT_S
    streams: bool = False
    authorizer: str = ""

    def match(self, path: str) -> dict[str, str] | None:
        """The path's parameters as they stand in it, still percent-encoded (as REST APIs pass them), or None."""
        found = self._pattern.fullmatch(path)
        return found.groupdict() if found else None

    @property
    def rank(self) -> tuple[tuple[int, str], ...]:
        """Sorts the more specific path first: a word before {one}, {one} before {rest+}."""
        return tuple((2 if "+}" in s else 1 if s.startswith("{") else 0, s) for s in self.path.split("/"))

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        def of(segment: str) -> str:
            if segment.startswith("{") and segment.endswith("}"):
                name = segment.strip("{}")
                return f"(?P<{name[:-1]}>.+)" if name.endswith("+") else f"(?P<{name}>[^/]+)"
            return re.escape(segment)

        return re.compile("/".join(of(segment) for segment in self.path.split("/")), re.DOTALL)


@dataclass(frozen=True)
class Door:
    """One Lambda function of the template. `memory` in MB, `timeout` in seconds."""

    name: str
    handler: str
    memory: int
    timeout: float
    routes: tuple[Route, ...]

    @property
    def module(self) -> str:
        return self.handler.rpartition(".")[0]

    @property
    def function(self) -> str:
        return self.handler.rpartition(".")[2]

    @property
    def path(self) -> str:
        """How a person names it: gateway/chat."""
        return self.module.replace(".", "/")


@dataclass(frozen=True)
class Opened:
    """A request that found its door: the route, and the path's parameters."""

    door: Door
    route: Route
    parameters: dict[str, str]


class Template:
    """template.yaml, with the values that its parameters have in this run.

    Raises CannotStart when the file cannot be read.
    """

    def __init__(self, path: Path, parameters: Mapping[str, str] | None = None) -> None:
        self.path = path
        try:
            self.document = read_yaml(path)
        except FileNotFoundError:
            raise CannotStart(f"There is no {path}") from None
        except yaml.YAMLError as error:
            raise CannotStart(f"{path.name} is not YAML: {' '.join(str(error).split())}") from None
        declared: dict[str, Any] = self.document.get("Parameters", {})
        given = parameters or {}
        self.parameters = {
            name: str(given.get(name, declaration.get("Default", ""))) for name, declaration in declared.items()
        }

    @property
    def resources(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = self.document["Resources"]
        return found

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """The resources of one type: {logical id: resource}."""
        return {name: resource for name, resource in self.resources.items() if resource["Type"] == kind}

    @cached_property
    def doors(self) -> dict[str, Door]:
        """{logical id: Door} of every function, in the template's order."""
        shared = self.document.get("Globals", {}).get("Function", {})
        return {
            name: self._door(name, {**shared, **resource.get("Properties", {})})
            for name, resource in self.of_type("AWS::Serverless::Function").items()
        }

    def _door(self, name: str, properties: dict[str, Any]) -> Door:
        events = [e["Properties"] for e in properties.get("Events", {}).values() if e["Type"] == "Api"]
        return Door(
            name=name,
            handler=properties["Handler"],
            memory=int(properties.get("MemorySize", 128)),
            timeout=float(properties.get("Timeout", 3)),
            routes=tuple(
                Route(
                    method=event["Method"].upper(),
                    path=event["Path"],
                    timeout=event["TimeoutInMillis"] / 1000 if "TimeoutInMillis" in event else INTEGRATION_TIMEOUT_S,
                    streams=event.get("ResponseTransferMode") in ("RESPONSE_STREAM", "STREAM"),
                    authorizer=event.get("Auth", {}).get("Authorizer", ""),
                )
                for event in events
            ),
        )

    @cached_property
    def routes(self) -> list[tuple[Route, Door]]:
        """Every route with its door, the most specific path first."""
        return sorted(
            ((route, door) for door in self.doors.values() for route in door.routes), key=lambda pair: pair[0].rank
        )

    def open(self, method: str, path: str) -> Opened | None:
        """The door of a request, or None. As in API Gateway the path decides first, then the method."""
        chosen = self.resource(path)
        for wanted in (method, "ANY", "X-AMAZON-APIGATEWAY-ANY-METHOD"):
            for route, door in self.routes:
                if route.path == chosen and route.method == wanted:
                    return Opened(door, route, route.match(path) or {})
        return None

    def resource(self, path: str) -> str | None:
        """The path as the template declares it (`/v1/models/{id+}`), or None when nothing is there."""
        return next((route.path for route, _ in self.routes if route.match(path) is not None), None)

    @cached_property
    def api(self) -> dict[str, Any]:
        """The properties of the REST API, its Globals included; {} without one."""
        shared = self.document.get("Globals", {}).get("Api", {})
        own: dict[str, Any] = next((r.get("Properties", {}) for r in self.of_type("AWS::Serverless::Api").values()), {})
        return {**shared, **own}

    @property
    def stage(self) -> str:
        """The REST API's stage: the first part of its public paths."""
        return str(self.resolve(self.api.get("StageName", "api")))

    @cached_property
    def socket_routes(self) -> dict[str, str]:
        """{route key: logical id of its door} of the WebSocket API; {} without one."""
        found = {}
        integrations = self.of_type("AWS::ApiGatewayV2::Integration")
        for resource in self.of_type("AWS::ApiGatewayV2::Route").values():
            route = resource["Properties"]
            integration = route["Target"]["Fn::Sub"].removeprefix("integrations/${").removesuffix("}")
            uri = integrations[integration]["Properties"]["IntegrationUri"]["Fn::Sub"]
            found[route["RouteKey"]] = re.search(r"\$\{(\w+)\.Arn\}", uri)[1]  # type: ignore[index]
        return found

    @property
    def socket_stage(self) -> str:
        """The WebSocket API's stage: its public path."""
        stages = self.of_type("AWS::ApiGatewayV2::Stage").values()
        return next((str(self.resolve(stage["Properties"]["StageName"])) for stage in stages), "live")

    @property
    def variables(self) -> set[str]:
        """Every environment variable that any function declares."""
        groups = [self.document.get("Globals", {}).get("Function", {})]
        groups += [r.get("Properties", {}) for r in self.of_type("AWS::Serverless::Function").values()]
        return {name for group in groups for name in group.get("Environment", {}).get("Variables", {})}

    def resolve(self, value: Any) -> Any:
        """A value with its Ref and Sub of parameters filled in; other functions stay as they are."""
        match value:
            case {"Ref": str(name)} if name in self.parameters:
                return self.parameters[name]
            case {"Fn::Sub": str(text)}:
                return re.sub(r"\$\{(\w+)\}", lambda m: self.parameters.get(m[1], m[0]), text)
            case dict():
                return {key: self.resolve(inner) for key, inner in value.items()}
            case list():
                return [self.resolve(inner) for inner in value]
            case _:
                return value


def readable(path: str) -> str:
    """A path for a person's eyes: percent-encoding removed, nothing that a terminal would obey left in."""
    return "".join(c if c.isprintable() else "?" for c in unquote(path))
