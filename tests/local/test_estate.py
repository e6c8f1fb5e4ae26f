"""What the shell says to `make run` about alerts: webhooks become secrets, names of older settings parameters."""

from __future__ import annotations

import pytest

from local.estate import WEBHOOKS, Estate
from local.project import Project
from local.screen import Screen
from local.template import Template

NAMES = ("DISCORD_WEBHOOK_URL", "SLACK_WEBHOOK_URL", "ALERT_EMAIL", "BUDGET_ALERTS_ENABLED")


@pytest.fixture
def estate(monkeypatch: pytest.MonkeyPatch) -> Estate:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    return Estate(Project(), "http://127.0.0.1:9", Screen(quiet=True))


def values(estate: Estate) -> dict[str, str]:
    """The template's parameters as they would be deployed now."""
    return Template(estate.project.template, estate._parameters()).parameters


def test_nobody_is_told_unless_the_shell_says_so(estate: Estate) -> None:
    found = values(estate)
    assert [found[name] for name in ("DiscordWebhookName", "SlackWebhookName", "AlertEmail")] == ["", "", ""]
    assert found["BudgetAlertsEnabled"] == "true"


@pytest.mark.parametrize("url", WEBHOOKS)
def test_a_webhook_in_the_shell_switches_its_chat_on_and_stays_out_of_the_template(
    estate: Estate, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    parameter, name = WEBHOOKS[url]
    monkeypatch.setenv(url, "https://chat.example/secret")
    found = values(estate)
    assert found[parameter] == name
    assert "https://chat.example/secret" not in found.values()
    (other,) = {parameter for parameter, _ in WEBHOOKS.values()} - {parameter}
    assert found[other] == ""


def test_the_older_names_are_parameters(estate: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALERT_EMAIL", "ops@example.com")
    monkeypatch.setenv("BUDGET_ALERTS_ENABLED", "false")
    found = values(estate)
    assert (found["AlertEmail"], found["BudgetAlertsEnabled"]) == ("ops@example.com", "false")


def test_the_doors_do_not_inherit_an_address(estate: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    estate.template = Template(estate.project.template)
    monkeypatch.setattr(Estate, "doors_environment", {})
    shell = {"SLACK_WEBHOOK_URL": "https://chat.example/secret", "BUDGET_ALERTS_ENABLED": "false", "HOME": "/home/ada"}
    assert estate.process_environment(shell) == {"HOME": "/home/ada", "PYTHONUNBUFFERED": "1"}
