"""Cost on the answer == the usage row == price x the understudy's own account."""

from decimal import Decimal
from typing import Any

import openai
import pytest

from llm_core import ledger, pricing
from llm_core.aws.stage_catalog import catalog
from llm_core.callers import identify
from llm_core.messages import Usage
from llm_core.money import nano, with_markup
from tests.conftest import Platform, fresh

PROMPTS = ["Hi", "Explain in detail why a budget that is checked after the call is no budget. " * 40, "Grüße, 世界! 🐿️"]


@pytest.mark.parametrize("prompt", PROMPTS, ids=["short", "long", "many bytes"])
@pytest.mark.parametrize("model", ["claude-haiku-4-5", "claude-opus-4-7", "gpt-4.1-mini"])
def test_the_three_accounts_agree_to_the_nano_dollar(inside: Platform, model: str, prompt: str) -> None:
    client = openai.OpenAI(base_url=f"{inside.url}/v1", api_key=inside.key, max_retries=0)

    raw = client.chat.completions.with_raw_response.create(
        model=model, messages=[{"role": "user", "content": prompt}], max_tokens=50
    )

    answer = raw.parse()
    sold = inside.sold()[-1]
    row = ledger.find(identify(inside.key).user_id, answer.id)
    owed = pricing.cost(_usage(sold["usage"]), catalog().model(model))
    charged = with_markup(owed, Decimal(2))
    assert row["cost"] == owed
    assert row["charged"] == charged
    assert nano(raw.headers["x-drey-cost-usd"]) == charged
    assert answer.usage is not None
    assert nano(str(Decimal(repr(answer.usage.model_dump()["cost"])))) == charged
    assert row["tokens"]["output"] == sold["usage"]["output"] == answer.usage.completion_tokens


def test_cached_tokens_are_counted_apart_and_paid_at_their_own_price(inside: Platform, understudy: Platform) -> None:
    understudy.perform({"text": "ok", "cache_read_tokens": 700, "cache_write_tokens": 300})
    client = openai.OpenAI(base_url=f"{inside.url}/v1", api_key=inside.key, max_retries=0)

    answer = client.chat.completions.create(
        model="claude-sonnet-4-6", messages=[{"role": "user", "content": "x" * 8000}]
    )

    sold = _usage(inside.sold()[-1]["usage"])
    assert (sold.cache_read, sold.cache_write_5m) == (700, 300)
    row = ledger.find(identify(inside.key).user_id, answer.id)
    assert row["cost"] == pricing.cost(sold, catalog().model("claude-sonnet-4-6"))
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == sold.prompt
    assert answer.usage.prompt_tokens_details is not None
    assert answer.usage.prompt_tokens_details.cached_tokens == 700


def test_the_tools_that_anthropic_defines_are_foreseen_at_their_documented_size(
    inside: Platform, understudy: Platform
) -> None:
    """A harmless request: two tools in 163 bytes, which the model is shown in 1,291 tokens. It must not suspend."""
    model = fresh("alone")
    understudy.perform({"text": "o", "input_tokens": 346 + 245 + 700 + 8, "output_tokens": 1}, model=model)
    tools = [
        {"type": "bash_20250124", "name": "bash"},
        {"type": "text_editor_20250728", "name": "str_replace_based_edit_tool"},
    ]
    body = {"model": model, "max_tokens": 1, "messages": [{"role": "user", "content": "hi"}], "tools": tools}
    for _ in range(2):
        answer = inside.http.post(f"{inside.url}/v1/messages", json=body, headers={"x-api-key": inside.key})
        assert answer.status_code == 200, answer.text


def _usage(sold: dict[str, Any]) -> Usage:
    buckets = ("input", "cache_write_5m", "cache_write_1h", "cache_read", "output", "reasoning")
    return Usage(**{name: sold.get(name, 0) for name in buckets})
