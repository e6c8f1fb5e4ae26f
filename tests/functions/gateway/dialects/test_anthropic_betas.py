"""The header `anthropic-beta`: what is known to cost nothing by itself is switched on, anything else is refused."""

from __future__ import annotations

import pytest

from gateway.dialects import anthropic_betas
from llm_core.errors import ParameterNotPriced


def test_several_headers_and_several_names_in_one_are_one_list() -> None:
    told = anthropic_betas.read(["claude-code-20250219, effort-2025-11-24", "effort-2025-11-24,,pdfs-2024-09-25"])
    assert told == ["claude-code-20250219", "effort-2025-11-24", "pdfs-2024-09-25"]


def test_no_header_switches_nothing_on() -> None:
    assert anthropic_betas.read([]) == anthropic_betas.read([""]) == []


@pytest.mark.parametrize("name", ["files-api-2025-04-14", "code-execution-2025-05-22", "mcp-client-2025-11-20", "new"])
def test_what_may_cost_or_reach_what_others_keep_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(ParameterNotPriced, match=name) as refused:
        anthropic_betas.read([f"claude-code-20250219,{name}"])
    assert refused.value.param == "anthropic-beta"
