"""Invoked by other programs of this account: the tool `classify` alone, the label that fits a text."""

from __future__ import annotations

from agents import alone
from agents.tools.classify import classify

handler = alone.door(classify)
