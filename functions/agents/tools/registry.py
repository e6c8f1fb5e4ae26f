"""All tools there are: ours, and those of packages that name theirs under the entry point group `drey.tools`."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from importlib.metadata import entry_points

from agents.tools.calculator import calculator
from agents.tools.classify import classify
from agents.tools.extract import extract
from agents.tools.http_request import http_request
from agents.tools.search import search
from agents.tools.summarize import summarize
from agents.tools.tool import Tool
from llm_core.errors import Misconfigured
from llm_core.settings import settings

GROUP = "drey.tools"

OURS = (search, summarize, extract, classify, calculator, http_request)


@cache
def tools() -> dict[str, Tool]:
    """By name, ours first. Raises Misconfigured for a plugin that is none, or has the name of another tool."""
    found = {tool.name: tool for tool in OURS}
    if not settings().agent_http_hosts:
        del found[http_request.name]
    for point in entry_points(group=GROUP):
        plugin = point.load()
        if not isinstance(plugin, Tool):
            raise Misconfigured(f"The entry point {point.value} of {GROUP} is no tool: decorate it with tool().")
        if plugin.name in found or plugin.name == http_request.name:
            raise Misconfigured(f"Two tools are called {plugin.name!r}; the second comes from {point.value}.")
        found[plugin.name] = replace(plugin, plugin=True)
    return found
