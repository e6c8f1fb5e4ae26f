"""What a user's program does with the official openai SDK; run under each major we support, it prints what it saw.

python openai_client.py BASE_URL KEY
"""

import json
import sys
from typing import Any

import openai

WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def main(base_url: str, key: str) -> dict[str, Any]:
    client = openai.OpenAI(base_url=base_url, api_key=key, max_retries=0, timeout=20)
    return {
        "sdk": openai.__version__,
        "chat": chat(client),
        "tools": tools(client),
        "models": models(client),
        "errors": {
            "wrong key": error(client.with_options(api_key="sk-proj-" + "0" * 55)),
            "no such model": error(client, model="claude-haiku-4.5"),
            "wrong type": error(client, max_tokens="many"),
            "unknown field": error(client, extra_body={"turbo": True}),
            "too many tokens": error(client, max_tokens=10_000_000),
        },
    }


def chat(client: openai.OpenAI) -> dict[str, Any]:
    raw = client.chat.completions.with_raw_response.create(
        model="claude-haiku-4-5",
        messages=[
            {"role": "system", "content": "Answer in one sentence."},
            {"role": "user", "content": "What is a squirrel's nest called?"},
        ],
        max_tokens=200,
        temperature=0.2,
        extra_headers={"x-request-id": "label-of-mine"},
    )
    completion = raw.parse()
    return {"headers": dict(raw.headers), "completion": completion.model_dump(), "request_id": completion._request_id}


def tools(client: openai.OpenAI) -> dict[str, Any]:
    messages: list[Any] = [{"role": "user", "content": "Use get_weather for Lisbon."}]
    asked = client.chat.completions.create(model="claude-haiku-4-5", messages=messages, tools=[WEATHER])
    message = asked.choices[0].message
    assert message.tool_calls
    messages.append(message)  # echoed back as it came, the way every tutorial does it
    messages += [
        {"role": "tool", "tool_call_id": call.id, "content": "21 degrees, sunny"} for call in message.tool_calls
    ]
    told = client.chat.completions.create(model="claude-haiku-4-5", messages=messages, tools=[WEATHER])
    return {"asked": asked.model_dump(), "told": told.model_dump()}


def models(client: openai.OpenAI) -> dict[str, Any]:
    return {
        "list": [model.id for model in client.models.list()],
        "one": client.models.retrieve("claude-haiku-4-5").model_dump(),
    }


def error(client: openai.OpenAI, **changed: Any) -> dict[str, Any]:
    request: dict[str, Any] = {"model": "claude-haiku-4-5", "messages": [{"role": "user", "content": "Hello"}]}
    try:
        client.chat.completions.create(**(request | changed))
    except openai.APIStatusError as raised:
        return {
            "class": type(raised).__name__,
            "status": raised.status_code,
            "code": raised.code,
            "param": raised.param,
            "request_id": raised.request_id,
            "message": raised.message,
        }
    raise AssertionError("this request should have been refused")


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))  # noqa: T201 - its output is its purpose
