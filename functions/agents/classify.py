"""Invoked by other programs of this account: the tool `classify` alone, the label that fits a text."""

from __future__ import annotations

from agents import alone
from agents.asking import Asking
from agents.tools.classify import classify
from llm_core import gateway

gateway.prepare()

handler = alone.door(classify, Asking)
