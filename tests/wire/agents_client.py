"""What a user's program does with the OpenAI Agents SDK: an agent with a tool, its answer read while it is written.

python agents_client.py BASE_URL KEY MODEL prints what it saw.
"""

# mypy: ignore-errors
# Its packages are in a venv of their own.

import asyncio
import json
import sys
from typing import Any

import openai
from agents.version import __version__

import agents

called: list[str] = []


@agents.function_tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    called.append(city)
    return "Snow, two degrees below zero."


async def run(model: agents.Model) -> dict[str, Any]:
    called.clear()
    settings = agents.ModelSettings(include_usage=True, tool_choice="required", parallel_tool_calls=True)
    agent = agents.Agent(
        name="weather",
        instructions="Say what the weather is like.",
        model=model,
        tools=[get_weather],
        model_settings=settings,
    )
    running = agents.Runner.run_streamed(agent, "What is the weather like in Oslo?", max_turns=4)
    kinds: list[str] = []
    pieces = 0
    async for event in running.stream_events():
        if event.type == "raw_response_event":
            pieces += event.data.type in ("response.output_text.delta", "response.function_call_arguments.delta")
        elif event.type == "run_item_stream_event":
            kinds.append(event.name)
    usage = running.context_wrapper.usage
    return {
        "answer": running.final_output,
        "called": list(called),
        "kinds": kinds,
        "pieces": pieces,
        "requests": usage.requests,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
    }


async def main(base_url: str, key: str, model: str) -> dict[str, Any]:
    agents.set_tracing_disabled(True)
    client = openai.AsyncOpenAI(base_url=base_url, api_key=key, max_retries=0, timeout=30)
    return {
        "sdk": __version__,
        "chat": await run(agents.OpenAIChatCompletionsModel(model, client)),
        "responses": await run(agents.OpenAIResponsesModel(model, client)),
    }


if __name__ == "__main__":
    json.dump(asyncio.run(main(*sys.argv[1:])), sys.stdout)
