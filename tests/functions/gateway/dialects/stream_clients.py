"""What a user's program sees of streams with the official SDKs' helpers, in whichever majors it is run with.

python stream_clients.py BASE_URL NAME... prints, by name, what became of the stream that BASE_URL/NAME sends.
"""

import json
import sys
from functools import cache
from typing import Any

import anthropic
import openai

HELLO: Any = {"role": "user", "content": "Hello"}


@cache
def _gpts() -> openai.OpenAI:
    return openai.OpenAI(api_key="none", base_url="http://127.0.0.1", max_retries=0, timeout=20)


@cache
def _claudes() -> anthropic.Anthropic:
    return anthropic.Anthropic(api_key="none", base_url="http://127.0.0.1", max_retries=0, timeout=20)


def openais(url: str) -> dict[str, Any]:
    """The completion that the helper puts together, the kinds of events it told, or the error it raised."""
    seen: dict[str, Any] = {"kinds": [], "completion": None, "error": None}
    chat = _gpts().with_options(base_url=url).chat.completions
    try:
        with chat.stream(model="m", messages=[HELLO], stream_options={"include_usage": True}) as stream:
            for event in stream:
                seen["kinds"].append(event.type)
            seen["completion"] = stream.get_final_completion().model_dump()
    except openai.LengthFinishReasonError as error:  # the helper's way to say so
        seen["completion"] = error.completion.model_dump()
    except openai.APIError as error:
        seen["error"] = {"class": type(error).__name__, "message": error.message, "body": error.body}
    return seen


def responses(url: str) -> dict[str, Any]:
    """The response that the helper ends with, the kinds of events it told, or the error it raised."""
    seen: dict[str, Any] = {"kinds": [], "response": None, "error": None}
    try:
        with _gpts().with_options(base_url=url).responses.stream(model="m", input="Hello") as stream:
            for event in stream:
                seen["kinds"].append(event.type)
                if event.type in ("response.completed", "response.incomplete"):
                    seen["response"] = event.response.model_dump()
    except openai.APIError as error:
        seen["error"] = {"class": type(error).__name__, "message": error.message, "body": error.body}
    return seen


def anthropics(url: str) -> dict[str, Any]:
    """The message that the helper puts together, the kinds of events it told, or the error it raised."""
    seen: dict[str, Any] = {"kinds": [], "usage": None, "message": None, "error": None}
    messages = _claudes().with_options(base_url=url).messages
    try:
        with messages.stream(model="m", max_tokens=9, messages=[HELLO]) as stream:
            for event in stream:
                seen["kinds"].append(event.type)
                if event.type == "message_delta":
                    seen["usage"] = event.usage.model_dump()
            seen["message"] = stream.get_final_message().model_dump()
    except anthropic.APIStatusError as error:
        seen["error"] = {"class": type(error).__name__, "message": error.message, "body": error.body}
    return seen


def main(url: str, *names: str) -> dict[str, Any]:
    read = {"openai": openais, "anthropic": anthropics, "responses": responses}
    told = {name: read[name.partition(".")[0]](f"{url}/{name}") for name in names}
    return {"sdks": [openai.__version__, anthropic.__version__], **told}


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))  # noqa: T201 - its output is its purpose
