"""A notice in the shapes that Slack and Discord take. Neither can call anybody: see also notices.harmless."""

from __future__ import annotations

import re
from typing import Any

from llm_core.notices import Notice

_URGENT, _CALM = 0xC0392B, 0xD9A441
_DISCORD_MARKS = re.compile(r"([\\*_~`|>\[\]])")
_SLACK_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def slack(notice: Notice, *, stage: str, at: str) -> dict[str, Any]:
    """Blocks of plain text, in which Slack reads no mark-up; `text` is what a phone's notification shows."""
    return {
        "text": "".join(_SLACK_ENTITIES.get(letter, letter) for letter in notice.title),
        "blocks": [
            {"type": "header", "text": _plain(notice.title[:150])},
            {"type": "section", "text": _plain(notice.what)},
            {"type": "section", "text": _plain(f"What it means: {notice.means}")},
            {"type": "section", "text": _plain(f"What to do: {notice.do}")},
            {"type": "context", "elements": [_plain(f"Drey {stage}, {at}")]},
        ],
    }


def discord(notice: Notice, *, stage: str, at: str) -> dict[str, Any]:
    """One embed; `allowed_mentions` keeps Discord from calling anybody, whatever the text says."""
    embed = {
        "title": _escaped(notice.title)[:256],
        "description": _escaped(notice.what),
        "color": _URGENT if notice.urgent else _CALM,
        "fields": [
            {"name": "What it means", "value": _escaped(notice.means)},
            {"name": "What to do", "value": _escaped(notice.do)},
        ],
        "footer": {"text": f"Drey {stage}"},
        "timestamp": at,
    }
    return {"embeds": [embed], "allowed_mentions": {"parse": []}}


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}


def _escaped(text: str) -> str:
    return _DISCORD_MARKS.sub(r"\\\1", text)
