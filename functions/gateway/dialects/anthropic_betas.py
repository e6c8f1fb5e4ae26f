"""Features in their beta, which Anthropic's clients switch on by the header `anthropic-beta`."""

from __future__ import annotations

from collections.abc import Iterable

from llm_core.aws.stage_catalog import catalog
from llm_core.errors import ParameterNotPriced


def read(headers: Iterable[str]) -> list[str]:
    """What the values of this header switch on, each once. Raises ParameterNotPriced for what is not in the catalog.

    That is refused and not left out: it may change prices, and whoever asked for it would wait for its effect.
    """
    asked = dict.fromkeys(name for header in headers for part in header.split(",") if (name := part.strip()))
    for name in asked:
        if name not in catalog().betas:
            words = f"What {name[:80]!r} does to prices is not known here. Leave it out of anthropic-beta"
            raise ParameterNotPriced(f"{words}, or have the operator add it.", param="anthropic-beta")
    return list(asked)
