"""What the platform knows of itself, as texts to search: its models and their prices, from the catalog."""

from __future__ import annotations

from functools import cache

from agents.tools.tool import Document
from llm_core.aws.stage_catalog import catalog
from llm_core.catalog import Model


@cache
def platform_documents() -> tuple[Document, ...]:
    """One document per model that can be called here."""
    return tuple(Document(model.name, _told(model), "platform") for model in catalog().models)


def _told(model: Model) -> str:
    lines = [f"{model.name} is a {model.kind} model of {model.provider} that this platform can call."]
    lines.append(f"Prices in USD per million tokens: input {model.input}, output {model.output}.")
    lines.append(f"Its context window has {model.context} tokens, an answer at most {model.max_output}.")
    if model.capabilities:
        lines.append(f"It is capable of {', '.join(sorted(model.capabilities))}.")
    if model.shutdown:
        lines.append(f"Its provider shuts it down on {model.shutdown.isoformat()}.")
    return " ".join(lines)
