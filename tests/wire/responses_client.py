"""What a user's program does with the Responses API of the official openai SDK, in whichever major it is run with.

python responses_client.py BASE_URL KEY MODEL BROKEN prints what it saw. The stream of BROKEN, a model, breaks off.
"""

import json
import sys
from typing import Any

import openai
from pydantic import BaseModel

WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather in a city.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}


class Person(BaseModel):
    name: str
    age: int


def main(base_url: str, key: str, model: str, broken: str) -> dict[str, Any]:
    client = openai.OpenAI(base_url=base_url, api_key=key, max_retries=0, timeout=20)
    return {
        "sdk": openai.__version__,
        "text": text(client, model),
        "tools": tools(client, model),
        "parsed": parsed(client, model),
        "short": short(client, model),
        "streamed": streamed(client, model),
        "streamed tools": streamed_tools(client, model),
        "streamed and parsed": streamed_and_parsed(client, model),
        "cut": cut(client, broken),
        "errors": {
            "wrong key": error(client.with_options(api_key="sk-proj-" + "0" * 55), model),
            "kept": error(client, model, previous_response_id="resp_1"),
            "web search": error(client, model, tools=[{"type": "web_search"}]),
            "too many tokens": error(client, model, max_output_tokens=10_000_000),
            "no such model": error(client, "claude-haiku-4.5"),
        },
    }


def text(client: openai.OpenAI, model: str) -> dict[str, Any]:
    raw = client.responses.with_raw_response.create(
        model=model, instructions="Answer in one sentence.", input="What is a squirrel's nest called?", store=False
    )
    response = raw.parse()
    return {"headers": dict(raw.headers), "text": response.output_text, "response": response.model_dump()}


def tools(client: openai.OpenAI, model: str) -> dict[str, Any]:
    items: list[Any] = [{"role": "user", "content": "Use get_weather for Lisbon."}]
    asked = client.responses.create(model=model, input=items, tools=[WEATHER], tool_choice="required")
    items += asked.output  # echoed back as it came, the way every tutorial does it
    for item in asked.output:
        if item.type == "function_call":
            items.append({"type": "function_call_output", "call_id": item.call_id, "output": "21 degrees, sunny"})
    told = client.responses.create(model=model, input=items, tools=[WEATHER])
    return {"asked": asked.model_dump(), "told": told.output_text}


def parsed(client: openai.OpenAI, model: str) -> dict[str, Any]:
    response = client.responses.parse(model=model, input="Ada is 36 years old.", text_format=Person)
    assert response.output_parsed
    return {"class": type(response.output_parsed).__name__, "person": response.output_parsed.model_dump()}


def short(client: openai.OpenAI, model: str) -> dict[str, Any]:
    return client.responses.create(model=model, input="Tell me a long story.", max_output_tokens=2).model_dump()


def streamed(client: openai.OpenAI, model: str) -> dict[str, Any]:
    """Event after event, without a helper."""
    events = list(client.responses.create(model=model, input="What is a squirrel's nest called?", stream=True))
    said = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    last: Any = events[-1]
    return {
        "numbers": [event.sequence_number for event in events],
        "last": last.type,
        "said": said,
        "text": last.response.output_text,
        "response": last.response.model_dump(),
    }


def streamed_tools(client: openai.OpenAI, model: str) -> list[Any]:
    with client.responses.stream(
        model=model, input="Use get_weather for Lisbon.", tools=[WEATHER], tool_choice="required"
    ) as stream:
        for _ in stream:
            pass
        return [item.model_dump() for item in stream.get_final_response().output]


def streamed_and_parsed(client: openai.OpenAI, model: str) -> dict[str, Any]:
    with client.responses.stream(model=model, input="Ada is 36 years old.", text_format=Person) as stream:
        person = stream.get_final_response().output_parsed
    assert person
    return person.model_dump()


def cut(client: openai.OpenAI, model: str) -> dict[str, Any]:
    kinds: list[str] = []
    try:
        for event in client.responses.create(model=model, input="Tell me a story.", stream=True):
            kinds.append(event.type)
    except openai.APIError as raised:
        return {"kinds": kinds, "class": type(raised).__name__, "body": raised.body}
    return {"kinds": kinds, "class": None}


def error(client: openai.OpenAI, model: str, **fields: Any) -> dict[str, Any]:
    try:
        client.responses.create(model=model, input="Hello", **fields)
    except openai.APIStatusError as raised:
        told = {"code": raised.code, "param": raised.param, "message": raised.message}
        return {"class": type(raised).__name__, **told}
    return {"class": None}


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))  # noqa: T201 - its output is its purpose
