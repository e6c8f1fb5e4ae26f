"""Invoked by other programs of this account: the tool `summarize` alone, a text in one paragraph."""

from __future__ import annotations

from agents import alone
from agents.tools.summarize import summarize

handler = alone.door(summarize)
