"""What a user's program does with the official anthropic SDK; run under each major we support, it prints what it saw.

python anthropic_client.py BASE_URL KEY NARROW_KEY [MODELS]

NARROW_KEY lacks the scope for completions; MODELS is a JSON object of models that were told to fail, by a name of ours.
"""

import json
import sys
from typing import Any

import anthropic
from pydantic import BaseModel

WEATHER: Any = {
    "name": "get_weather",
    "description": "The weather in a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


class Person(BaseModel):
    name: str
    age: int


def main(base_url: str, key: str, narrow_key: str, failing: str = "{}") -> dict[str, Any]:
    client = anthropic.Anthropic(base_url=base_url, api_key=key, max_retries=0, timeout=20)
    cases: dict[str, Any] = {
        "wrong key": error(client.with_options(api_key="sk-proj-" + "0" * 55)),
        "narrow key": error(client.with_options(api_key=narrow_key)),
        "no such model": error(client, model="claude-haiku-4.5"),
        "wrong type": error(client, max_tokens="many"),
        "unknown field": error(client, extra_body={"turbo": True}),
        "temperature on a model that takes none": error(
            client, model="claude-opus-4-7", extra_body={"temperature": 0.5}
        ),
        "search without a bound": error(client, tools=[{"type": "web_search_20250305", "name": "web_search"}]),
    }
    for name, model in json.loads(failing).items():
        cases[name] = error(client, model=model)
    return {
        "sdk": anthropic.__version__,
        "chat": chat(client),
        "tools": tools(client),
        "structured": structured(client),
        "image": image(client),
        "tokens": tokens(client),
        "models": models(client),
        "errors": cases,
    }


def chat(client: anthropic.Anthropic) -> dict[str, Any]:
    raw = client.messages.with_raw_response.create(
        model="claude-haiku-4-5",
        max_tokens=200,
        system="Answer in one sentence.",
        messages=[{"role": "user", "content": "What is a squirrel's nest called?"}],
        extra_body={"temperature": 0.2},
        extra_headers={"x-request-id": "label-of-mine"},
    )
    message = raw.parse()
    return {"headers": dict(raw.headers), "message": message.model_dump(), "request_id": message._request_id}


def tools(client: anthropic.Anthropic) -> dict[str, Any]:
    messages: list[Any] = [{"role": "user", "content": "Use get_weather for Lisbon."}]
    asked = client.messages.create(model="claude-haiku-4-5", max_tokens=500, messages=messages, tools=[WEATHER])
    results = [
        {"type": "tool_result", "tool_use_id": block.id, "content": "21 degrees, sunny"}
        for block in asked.content
        if block.type == "tool_use"
    ]
    # Echoed back as it came, the way every tutorial does it.
    messages += [{"role": "assistant", "content": asked.content}, {"role": "user", "content": results}]
    told = client.messages.create(model="claude-haiku-4-5", max_tokens=500, messages=messages, tools=[WEATHER])
    return {"asked": asked.model_dump(), "told": told.model_dump()}


def structured(client: anthropic.Anthropic) -> dict[str, Any]:
    parsed = client.messages.parse(
        model="claude-haiku-4-5",
        max_tokens=500,
        messages=[{"role": "user", "content": "Ada is 36 years old."}],
        output_format=Person,
    )
    person = parsed.parsed_output
    assert person
    return {"class": type(person).__name__, "person": person.model_dump()}


def image(client: anthropic.Anthropic) -> dict[str, Any]:
    picture: Any = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    question: Any = {"type": "text", "text": "What is in this picture?"}
    message = client.messages.create(
        model="claude-haiku-4-5", max_tokens=200, messages=[{"role": "user", "content": [picture, question]}]
    )
    return message.model_dump()


def tokens(client: anthropic.Anthropic) -> dict[str, Any]:
    prompt: Any = {
        "model": "claude-haiku-4-5",
        "messages": [{"role": "user", "content": "Use get_weather for Lisbon."}],
    }
    return {
        "plain": client.messages.count_tokens(**prompt).input_tokens,
        "with tools": client.messages.count_tokens(**prompt, tools=[WEATHER]).input_tokens,
        "charged": client.messages.create(**prompt, max_tokens=100, tools=[WEATHER]).usage.input_tokens,
    }


def models(client: anthropic.Anthropic) -> dict[str, Any]:
    try:
        client.models.retrieve("claude-haiku-4.5")
    except anthropic.NotFoundError as raised:
        missing = raised.message
    return {
        "list": [model.id for model in client.models.list()],
        "one": client.models.retrieve("claude-haiku-4-5").model_dump(mode="json"),
        "missing": missing,
    }


def error(client: anthropic.Anthropic, **changed: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": "Hello"}]
    request: dict[str, Any] = {"model": "claude-haiku-4-5", "max_tokens": 100, "messages": messages}
    try:
        client.messages.create(**(request | changed))
    except anthropic.APIStatusError as raised:
        body: Any = raised.body
        return {
            "classes": [each.__name__ for each in type(raised).__mro__],
            "status": raised.status_code,
            "type": raised.type,
            "code": body["error"]["code"],
            "param": body["error"]["param"],
            "request_id": raised.request_id,
            "request_id_in_body": body["request_id"],
            "message": body["error"]["message"],
        }
    raise AssertionError("this request should have been refused")


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))  # noqa: T201 - its output is its purpose
