"""An agent at work: what it thinks, which tools it asks for, what they say, and what it all costs, step by step."""

import json
import os
from pathlib import Path

import httpx2

url = os.environ.get("DREY_URL", "http://127.0.0.1:3000")
key = os.environ.get("DREY_KEY") or Path(".local/key").read_text().strip()
order = {
    "type": "research",
    "input": {"topic": "How squirrels build their nests"},
    "tools": ["search", "summarize"],
    "budget": 0.10,  # USD: it never spends more
}

with httpx2.stream(
    "POST", f"{url}/v1/agents/stream", json=order, headers={"Authorization": f"Bearer {key}"}, timeout=120
) as steps:
    steps.raise_for_status()
    for line in steps.iter_lines():
        if line.startswith("data: "):
            step = json.loads(line.removeprefix("data: "))
            print(step["seq"], step["type"], json.dumps(step["data"])[:100])
