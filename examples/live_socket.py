"""The live socket: a ticket opens it once, then answers come in pieces, as many side by side as you like."""

import json
import os
from pathlib import Path

import httpx2
from websockets.sync.client import connect

url = os.environ.get("DREY_URL", "http://127.0.0.1:3000")
key = os.environ.get("DREY_KEY") or Path(".local/key").read_text().strip()
ticket = httpx2.post(f"{url}/v1/live/ticket", headers={"Authorization": f"Bearer {key}"}).raise_for_status().json()

with connect(ticket["url"]) as socket:
    for name, question in (("first", "What is a drey?"), ("second", "Who lives in one?")):
        asked = {"model": "claude-haiku-4-5", "messages": [{"role": "user", "content": question}]}
        socket.send(json.dumps({"action": "complete", "requestId": name, **asked}))
    answers, running = {"first": "", "second": ""}, 2
    while running:
        frame = json.loads(socket.recv(timeout=60))
        if frame["type"] == "delta":
            answers[frame["requestId"]] += frame["data"]["content"]
        running -= frame["type"] in ("done", "error")
print(json.dumps(answers, indent=2))
