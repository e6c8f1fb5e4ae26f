"""Which room answers to which provider's name: three of our own, and those an operator added."""

from __future__ import annotations

from functools import cache

from llm_core.aws.stage_catalog import catalog
from llm_core.errors import Misconfigured
from llm_core.providers.anthropic import Anthropic
from llm_core.providers.bedrock import Bedrock
from llm_core.providers.openai import OpenAI
from llm_core.providers.streaming import Streaming
from llm_core.settings import settings

OWN = ("anthropic", "openai", "bedrock")


@cache
def provider(name: str) -> Streaming:
    """The provider of this name. Raises Misconfigured for a name without a room."""
    told = settings()
    match name:
        case "anthropic":
            return Anthropic(name, secret=told.anthropic_api_key_ref, base_url=told.anthropic_base_url)
        case "openai":
            secret, address = told.openai_api_key_ref, told.openai_base_url
            return OpenAI(name, secret=secret, base_url=address, limit="max_completion_tokens")
        case "bedrock":
            return Bedrock(name, base_url=told.anthropic_bedrock_base_url)
    endpoint = catalog().endpoints.get(name)
    if endpoint is None:
        raise Misconfigured(f"The catalog has models of {name!r}, and no provider of that name.")
    return OpenAI(name, secret=endpoint.secret, base_url=endpoint.base_url)


def with_keys() -> tuple[str, ...]:
    """The providers that are asked with a key, so that a caller may bring one: Bedrock knows the door by its role."""
    return tuple(sorted({model.provider for model in catalog().models} - {"bedrock"}))


def check() -> None:
    """Every model of the catalog has a provider, and each that an operator added may stand. Raises Misconfigured."""
    for name, endpoint in catalog().endpoints.items():
        if name in OWN:
            raise Misconfigured(f"providers.{name}: that name is one of the platform's own. Choose another.")
        if endpoint.secret.startswith("env:") and settings().is_prod:
            raise Misconfigured(f"providers.{name}.secret: in prod a secret is kept in ssm or secretsmanager.")
    for name in {model.provider for model in catalog().models}:
        provider(name)
