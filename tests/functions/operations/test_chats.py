"""What Slack and Discord are sent keeps to their limits and obeys nothing that stands in a fact."""

from __future__ import annotations

import json

from llm_core.notices import Notice, notice
from operations import chats

AT = "2026-11-21T09:30:00.000Z"
HOSTILE = (
    "*b* _i_ `c` [click](https://evil.example) <https://evil.example|here> <!channel> @everyone ~s~ ||p|| > q & co"
)


def of(subject: str) -> Notice:
    return notice({"kind": "fallback", "subject": subject, "answered_by": "bedrock/b"})


def test_slacks_blocks_are_plain_text() -> None:
    message = chats.slack(of(HOSTILE), stage="dev", at=AT)
    texts = [block["text"] for block in message["blocks"] if "text" in block] + message["blocks"][-1]["elements"]
    assert len(texts) == 5
    assert {text["type"] for text in texts} == {"plain_text"}


def test_slacks_notification_holds_no_markup_of_slack() -> None:
    text = chats.slack(of(HOSTILE), stage="dev", at=AT)["text"]
    assert "<" not in text
    assert ">" not in text
    assert text.count("&amp;") == 1
    assert "@everyone" not in text


def test_discord_calls_nobody_and_obeys_no_markdown() -> None:
    message = chats.discord(of(HOSTILE), stage="dev", at=AT)
    assert message["allowed_mentions"] == {"parse": []}
    assert "@everyone" not in json.dumps(message, ensure_ascii=False)
    title = message["embeds"][0]["title"]
    for mark in "*_`~|[]>":
        assert f"\\{mark}" in title
        assert title.count(mark) == title.count(f"\\{mark}")


def test_both_keep_to_their_limits() -> None:
    found = of("a_" * 500)
    slack, discord = chats.slack(found, stage="dev", at=AT), chats.discord(found, stage="dev", at=AT)
    assert len(slack["blocks"][0]["text"]["text"]) <= 150
    (embed,) = discord["embeds"]
    assert len(embed["title"]) <= 256
    assert len(embed["description"]) <= 4096
    assert all(0 < len(field["value"]) <= 1024 for field in embed["fields"])


def test_what_is_urgent_looks_so() -> None:
    calm, urgent = (
        chats.discord(Notice("t", "w.", "m.", "d.", urgent=urgent), stage="dev", at=AT)["embeds"][0]["color"]
        for urgent in (False, True)
    )
    assert calm != urgent
