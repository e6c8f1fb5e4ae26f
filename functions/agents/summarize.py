"""Invoked by other programs of this account: the tool `summarize` alone, a text in one paragraph."""

from __future__ import annotations

from agents import alone
from agents.asking import Asking
from agents.tools.summarize import summarize
from llm_core import gateway

gateway.prepare()

handler = alone.door(summarize, Asking)
