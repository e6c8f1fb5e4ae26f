"""What a user's program does with the official openai SDK; run under each major we support, it prints what it saw.

python openai_client.py BASE_URL KEY [NARROW_KEY [MODELS]]

NARROW_KEY lacks the scope for completions; MODELS is a JSON object of models that were told to fail, by a name of ours.
"""

import json
import sys
from typing import Any

import openai
from pydantic import BaseModel

WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
FAMILIES = ("claude-haiku-4-5", "gpt-4.1")


class Person(BaseModel):
    name: str
    age: int


def main(base_url: str, key: str, narrow_key: str = "", failing: str = "{}") -> dict[str, Any]:
    client = openai.OpenAI(base_url=base_url, api_key=key, max_retries=0, timeout=20)
    cases = {
        "wrong key": error(client.with_options(api_key="sk-proj-" + "0" * 55)),
        "no such model": error(client, model="claude-haiku-4.5"),
        "wrong type": error(client, max_tokens="many"),
        "unknown field": error(client, extra_body={"turbo": True}),
        "too many tokens": error(client, max_tokens=10_000_000),
        "no logprobs at Claude": error(client, logprobs=True),
        "no such tier": error(client, model="gpt-4.1", service_tier="flex"),
        "temperature on a model that takes none": error(client, model="claude-opus-4-7", temperature=0.5),
    }
    if narrow_key:
        cases["narrow key"] = error(client.with_options(api_key=narrow_key))
    for name, model in json.loads(failing).items():
        cases[name] = error(client, model=model)
    return {
        "sdk": openai.__version__,
        "chat": chat(client),
        "tools": tools(client),
        "structured": {model: structured(client, model) for model in FAMILIES},
        "image": {model: image(client, model) for model in FAMILIES},
        "embeddings": embeddings(client),
        "models": models(client),
        "errors": cases,
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


def structured(client: openai.OpenAI, model: str) -> dict[str, Any]:
    question: Any = {"role": "user", "content": "Ada is 36 years old."}
    parsed = client.chat.completions.parse(model=model, messages=[question], response_format=Person)
    person = parsed.choices[0].message.parsed
    assert person
    return {"class": type(person).__name__, "person": person.model_dump()}


def image(client: openai.OpenAI, model: str) -> dict[str, Any]:
    parts: Any = [
        {"type": "text", "text": "What is in this picture?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
    ]
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": parts}]).model_dump()


def embeddings(client: openai.OpenAI) -> dict[str, Any]:
    texts = ["The squirrel builds a nest.", "A"]
    usual = client.embeddings.create(model="text-embedding-3-small", input=texts)
    plain = client.embeddings.create(model="text-embedding-3-small", input=texts, encoding_format="float")
    short = client.embeddings.create(model="text-embedding-3-small", input="A", dimensions=64)
    return {
        "usual": [row.embedding for row in usual.data],
        "plain": [row.embedding for row in plain.data],
        "order": [row.index for row in usual.data],
        "short": len(short.data[0].embedding),
        "usage": usual.usage.model_dump(),
    }


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
            "classes": [each.__name__ for each in type(raised).__mro__],
            "status": raised.status_code,
            "code": raised.code,
            "param": raised.param,
            "request_id": raised.request_id,
            "message": raised.message,
        }
    raise AssertionError("this request should have been refused")


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))  # noqa: T201 - its output is its purpose
