"""`make reconcile`: the ledger beside what OpenAI's and Anthropic's consoles export."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from local import reconcile
from local.project import CannotStart

ANTHROPIC = (
    "usage_date_utc,model_version,api_key,workspace,usage_type,context_window,usage_input_tokens_no_cache,"
    "usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,"
    "usage_output_tokens,web_search_count,inference_geo,speed\n"
    "2026-11-20,claude-haiku-4-5-20251001,drey,Default,standard,<= 200k,100,20,0,300,40,0,,\n"
    "2026-11-20,claude-haiku-4-5-20251001,drey,Default,standard,> 200k,10,0,0,0,4,0,,\n"
    "2026-11-21,claude-sonnet-4-6,drey,Default,standard,<= 200k,7,0,0,0,5,0,,\n"
)
NOVEMBER_20 = int(datetime(2026, 11, 20, tzinfo=UTC).timestamp())
OPENAI = (
    "start_time,end_time,start_time_iso,end_time_iso,project_id,num_model_requests,user_id,api_key_id,model,batch,"
    "service_tier,input_tokens,output_tokens,input_cached_tokens\n"
    f"{NOVEMBER_20},{NOVEMBER_20 + 86_400},2026-11-20T00:00:00+00:00,,proj,3,,,gpt-4.1-2025-04-14,False,,150,40,50\n"
    f"{NOVEMBER_20 + 86_400},{NOVEMBER_20 + 172_800},2026-11-21T00:00:00+00:00,,proj,0,,,,,,,,\n"
)


def row(provider: str, model: str, day: int = 20, hour: int = 12, **more: Any) -> dict[str, Any]:
    buckets = ("input", "cache_write_5m", "cache_write_1h", "cache_read", "output", "reasoning")
    made = datetime(2026, 11, day, hour, tzinfo=UTC).timestamp()
    tokens = {bucket: more.pop(bucket, 0) for bucket in buckets}
    facts = {"byok": False, "cached": False, "estimated": False} | more
    return {"provider": provider, "model": model, "timestamp": Decimal(made * 1000), "tokens": tokens, **facts}


def compared(text: str, rows: list[dict[str, Any]], folder: Path) -> int:
    file = folder / "usage.csv"
    file.write_text(text)
    account, form = reconcile.read(file)
    return reconcile.compare(account, reconcile.booked(rows, form, account.days), form)


def test_a_ledger_that_agrees_with_anthropic_has_no_difference(tmp_path: Path, capsys: Any) -> None:
    """Given two lines of a day, our own rows of it, and rows that are not of this account: nothing differs."""
    rows = [
        row("anthropic", "claude-haiku-4-5", input=60, cache_write_5m=20, output=30),
        row("anthropic", "claude-haiku-4-5", hour=23, input=50, cache_read=300, output=14),
        row("anthropic", "claude-sonnet-4-6", day=21, hour=0, input=7, output=5),
        row("anthropic", "claude-sonnet-4-6", day=22, input=9, output=9),  # not in the export
        row("anthropic", "claude-haiku-4-5", byok=True, input=1, output=1),
        row("cache", "claude-haiku-4-5", cached=True),
        row("bedrock", "claude-haiku-4-5", input=1, output=1),
    ]
    assert compared(ANTHROPIC, rows, tmp_path) == 0
    assert "input 117, cache_write_5m 20" in capsys.readouterr().out


def test_what_differs_is_shown_with_the_rows_that_may_explain_it(tmp_path: Path, capsys: Any) -> None:
    rows = [
        row("anthropic", "claude-haiku-4-5", input=110, cache_write_5m=20, cache_read=300, output=99, estimated=True)
    ]
    assert compared(ANTHROPIC, rows, tmp_path) == 3
    shown = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["2026-11-20", "claude-haiku-4-5", "output", "44", "99", "55", "1"] in shown
    assert ["2026-11-21", "claude-sonnet-4-6", "input", "7", "0", "-7", "0"] in shown


def test_openais_input_includes_what_was_cached(tmp_path: Path) -> None:
    rows = [row("openai", "gpt-4.1", input=90, cache_write_5m=10, cache_read=50, output=40, reasoning=12)]
    assert compared(OPENAI, rows, tmp_path) == 0
    assert compared(OPENAI, [], tmp_path) == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no usage export"),
        ("a,b\n1,2\n", "no usage export"),
        (ANTHROPIC.splitlines()[0] + "\n", "no usage export"),
        (ANTHROPIC.replace(",100,20,", ",many,20,"), "line 2.*many"),
        ("\n".join(OPENAI.splitlines()[::2]) + "\n", "nothing was used"),
    ],
)
def test_a_file_that_cannot_be_read_says_what_is_wrong_with_it(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match=words):
        compared(text, [], tmp_path)
    with pytest.raises(CannotStart, match="cannot be read"):
        reconcile.read(tmp_path / "none.csv")


def test_a_file_from_a_spreadsheet_is_read_too(tmp_path: Path) -> None:
    (tmp_path / "usage.csv").write_bytes(b"\xef\xbb\xbf" + ANTHROPIC.replace("\n", "\r\n").encode())
    account, _ = reconcile.read(tmp_path / "usage.csv")
    assert account.used["2026-11-21", "claude-sonnet-4-6"] == Counter({"input": 7, "output": 5})
