"""A package of somebody else's, with tools for agents: what an operator would add to the layer."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from agents.tools.tool import Context, tool


@tool()
def weather(city: Annotated[str, Field(description="Its name")], days: int = 1) -> dict[str, object]:
    """Tells the weather of the next days in a city."""
    return {"city": city, "days": ["sunny"] * days}


@tool(scope="usage:read")
def my_name(context: Context) -> str:
    """Tells who asks."""
    return context.caller.user_id
