"""Invoked by other programs of this account: the tool `extract` alone, facts of a text in a JSON schema."""

from __future__ import annotations

from agents import alone
from agents.asking import Asking
from agents.tools.extract import extract
from llm_core import gateway

gateway.prepare()

handler = alone.door(extract, Asking)
