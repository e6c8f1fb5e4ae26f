"""Invoked by other programs of this account: the tool `search` alone, passages of texts by the words in them."""

from __future__ import annotations

from agents import alone
from agents.tools.search import search

handler = alone.door(search)
