"""Everything behind the doors: the emulator, the template deployed into it, the understudy, the providers' keys."""

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from local import people
from local.collector import Collector
from local.deployment import Deployment, deploy, put_secret
from local.emulator import Emulator, free_port
from local.key import environment
from local.process import Child
from local.project import CannotStart, Project
from local.screen import Screen
from local.template import Template

_PATIENCE_S = 20.0

# provider: (the shell's variables for its key and its address, the template's parameters for its address and its
# secret's name)
PROVIDERS = {
    "Anthropic": ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "AnthropicBaseUrl", "AnthropicKeyName"),
    "OpenAI": ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OpenAIBaseUrl", "OpenAIKeyName"),
}
_BEDROCK = ("ANTHROPIC_BEDROCK_BASE_URL", "BedrockBaseUrl")  # IAM is its key, and no AWS account is used from here
# the shell's variable with a webhook's address: (the template's parameter for its secret's name, that name)
WEBHOOKS = {
    "DISCORD_WEBHOOK_URL": ("DiscordWebhookName", "ai-platform/discord-webhook"),
    "SLACK_WEBHOOK_URL": ("SlackWebhookName", "ai-platform/slack-webhook"),
}
# the shell's other variables: the template's parameters
_SETTINGS = {"ALERT_EMAIL": "AlertEmail", "BUDGET_ALERTS_ENABLED": "BudgetAlertsEnabled"}
_ROOTS = {"OPENAI_BASE_URL": "/v1"}  # the openai SDK's base URL includes the version, the anthropic SDK's does not


class Estate:
    """One checkout's estate on this machine; only one at a time (`lock`). `proxy` is where its Lambdas are invoked.

    `open` raises CannotStart; `close` may be called at any time.
    """

    def __init__(self, project: Project, proxy: str, screen: Screen) -> None:
        self.project = project
        self.proxy = proxy
        self.screen = screen
        self.emulator: Emulator | None = None
        self.understudy: Child | None = None
        self.understudy_url: str | None = None
        self.person = ""  # who may sign in: name and password
        self.played: list[str] = []  # the providers that the understudy stands in for
        self.template: Template
        self.deployment: Deployment
        self.collector: Collector | None = None

    def open(self) -> None:
        """Start the servers, deploy, put the providers' keys in place."""
        _check_overlay(self.project)
        self.collector = Collector(self.project.traces)
        declared = Template(self.project.template).parameters
        self.played = [
            name for name, (key, _, address, _) in PROVIDERS.items() if address in declared and not _own(key)
        ]
        if _BEDROCK[1] in declared and _BEDROCK[0] not in os.environ:
            self.played.append("Bedrock")
        if self.played:
            self.understudy = self._start_understudy()
        with self.screen.step("AWS emulator"):
            self.emulator = Emulator.open(self.project)
        if self.understudy:
            with self.screen.step("Understudy, playing " + " and ".join(self.played)):
                self.understudy_url = self._wait_for_understudy(self.understudy)
        with self.screen.step("template.yaml deployed"):
            self.deploy()
            outputs = self.deployment.outputs
            if "UserPoolId" in outputs:
                cognito = self.emulator.client("cognito-idp")
                pool, client = outputs["UserPoolId"], outputs["UserPoolClientId"]
                self.person = people.sample(cognito, pool, client, self.project.user)

    def deploy(self) -> None:
        """Deploy template.yaml as it is now. Raises CannotStart; the estate then stays as it was."""
        assert self.emulator  # noqa: S101 (open() came first)
        template = Template(self.project.template, self._parameters())
        for key, _, _, secret in PROVIDERS.values():
            if secret in template.parameters:
                put_secret(self.emulator, template.parameters[secret], _own(key) or "understudy")
        for url, (parameter, _) in WEBHOOKS.items():
            if _own(url) and parameter in template.parameters:
                put_secret(self.emulator, template.parameters[parameter], _own(url))
        stack = self.project.stack_name("local")
        self.deployment = deploy(template, self.emulator, stack, self.proxy)
        self.template = template

    def _parameters(self) -> dict[str, str]:
        addresses = {
            address: os.environ.get(base, "") if _own(key) else f"{self.understudy_url or ''}{_ROOTS.get(base, '')}"
            for key, base, address, _ in PROVIDERS.values()
        }
        addresses[_BEDROCK[1]] = os.environ.get(_BEDROCK[0]) or self.understudy_url or ""
        webhooks = {parameter: name for url, (parameter, name) in WEBHOOKS.items() if _own(url)}
        given = {parameter: _own(name) for name, parameter in _SETTINGS.items() if _own(name)}
        here = self.proxy.removesuffix("/_lambda")
        ours = {"SiteUrl": here, "LiveEndpoint": f"{here}/live"}
        return {**self.project.stage_parameters("local"), **addresses, **webhooks, **given, **ours, **_overlay()}

    @property
    def doors_environment(self) -> dict[str, str]:
        """The environment of the doors' process: theirs as deployed, and AWS meaning the emulator."""
        assert self.emulator  # noqa: S101
        assert self.collector  # noqa: S101
        return environment(
            {
                **self.deployment.environment,
                "AWS_ENDPOINT_URL": self.emulator.url,
                "AWS_XRAY_DAEMON_ADDRESS": self.collector.address,
            }
        )

    def process_environment(self, shell: Mapping[str, str]) -> dict[str, str]:
        """`shell` without whatever could speak to a real account or shadow the template, plus the doors' own.

        A variable that the template declares has the template's value or none; the SDKs' own variables never apply.
        """
        prefixes = ("AWS_", "MINISTACK_", "PYTHON", *(f"{name.upper()}_" for name in PROVIDERS))
        declared = self.template.variables
        kept = {k: v for k, v in shell.items() if not k.startswith(prefixes) and k not in declared | WEBHOOKS.keys()}
        return {**kept, "PYTHONUNBUFFERED": "1", **self.doors_environment}

    def dead(self) -> str | None:
        """The name of a server that has ended by itself, with its last words; None while all live."""
        for child in (self.emulator and self.emulator.child, self.understudy):
            if child and not child.alive:
                return f"The {child.name} stopped: {child.last_words()} ({child.log})"
        return None

    def close(self) -> None:
        """Stop the servers; the emulator writes its state."""
        if self.understudy:
            self.understudy.stop(patience=2)
        if self.emulator:
            self.emulator.stop()
        if self.collector:
            self.collector.close()

    def _start_understudy(self) -> Child:
        self._ready.unlink(missing_ok=True)
        self.project.logs.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "local.understudy", "--host", "127.0.0.1", "--port", str(free_port())]
        return Child(
            "understudy",
            [*command, "--ready-file", str(self._ready)],
            environment={k: v for k, v in os.environ.items() if not k.startswith("AWS_")},
            directory=self.project.home,
            log=self.project.logs / "understudy.log",
        )

    @property
    def _ready(self) -> Path:
        return self.project.kept / "understudy.url"

    def _wait_for_understudy(self, child: Child) -> str:
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            if self._ready.exists() and (url := self._ready.read_text().strip()):
                return url
            if not child.alive:
                raise CannotStart(f"The understudy stopped at once: {child.last_words()} ({child.log})")
            time.sleep(0.03)
        raise CannotStart(f"The understudy did not answer within {_PATIENCE_S:.0f} s. Its log: {child.log}")


def _check_overlay(project: Project) -> None:
    """An overlay that is wrong is told before anything starts. Raises CannotStart, naming the place in it."""
    given = os.environ.get("DREY_OVERLAY", "")
    if not given or given.startswith(("ssm:", "s3:")):
        return
    sys.path[:0] = map(str, project.sources)
    from llm_core import routing
    from llm_core.catalog import PACKAGE, Catalog
    from llm_core.errors import Misconfigured

    try:
        routing.check(Catalog(PACKAGE.read_bytes(), Path(given).read_bytes()))
    except (Misconfigured, OSError) as error:
        raise CannotStart(f"DREY_OVERLAY={given} cannot be used. {error}") from None


def _overlay() -> dict[str, str]:
    """The overlay that the shell names (a path, `ssm:/name` or `s3:bucket/key`), as the template's parameters."""
    given = os.environ.get("DREY_OVERLAY", "")
    store, _, name = given.partition(":")
    if store in ("ssm", "s3"):
        return {"OverlayStore": store, "OverlayName": name.removeprefix("/")}
    return {"OverlayStore": "file", "OverlayName": str(Path(given).resolve())} if given else {}


def _own(key: str) -> str:
    """What the shell says, "" for nothing."""
    return os.environ.get(key, "").strip()
