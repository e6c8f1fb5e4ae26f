"""Anthropic's SDK: a model that asks for a tool, and answers with what the tool said."""

import os
from pathlib import Path
from typing import Any

from anthropic import Anthropic
from anthropic.types import MessageParam, ToolUnionParam

url = os.environ.get("DREY_URL", "http://127.0.0.1:3000")
key = os.environ.get("DREY_KEY") or Path(".local/key").read_text().strip()
client = Anthropic(base_url=url, api_key=key)

city: dict[str, object] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
tools: list[ToolUnionParam] = [{"name": "weather", "description": "The weather in a city.", "input_schema": city}]
messages: list[MessageParam] = [{"role": "user", "content": "Do I need a coat in Oslo?"}]
first: Any = {"type": "any"}  # once, it must look

while True:
    answer = client.messages.create(
        model="claude-haiku-4-5", max_tokens=300, messages=messages, tools=tools, tool_choice=first
    )
    asked = [block for block in answer.content if block.type == "tool_use"]
    print([(block.name, block.input) for block in asked] or answer.content)
    if not asked:
        break
    snow = {"type": "tool_result", "content": "Snow, two degrees below zero."}
    told: list[Any] = [{**snow, "tool_use_id": each.id} for each in asked]
    messages += [{"role": "assistant", "content": answer.content}, {"role": "user", "content": told}]
    first = {"type": "auto"}
