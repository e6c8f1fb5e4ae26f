"""OpenAI's SDK: an answer while it is written, what it cost, and who gave it."""

import os
from pathlib import Path

from openai import OpenAI

url = os.environ.get("DREY_URL", "http://127.0.0.1:3000")
key = os.environ.get("DREY_KEY") or Path(".local/key").read_text().strip()
client = OpenAI(base_url=f"{url}/v1", api_key=key)

stream = client.chat.completions.create(
    model="fast",  # a role: which model that is, the catalog says
    messages=[{"role": "user", "content": "What is a drey?"}],
    stream=True,
    stream_options={"include_usage": True},
)
for chunk in stream:
    for choice in chunk.choices:
        print(choice.delta.content or "", end="", flush=True)
    if chunk.usage:
        print(f"\n{chunk.model}: {chunk.usage.completion_tokens} tokens, {chunk.usage.model_dump()['cost']} USD")
