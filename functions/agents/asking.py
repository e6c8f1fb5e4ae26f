"""A model that a tool asks: on the account of the run it works for, and every such call is remembered with its cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from agents.tools.tool import ToolError
from llm_core import gateway
from llm_core.callers import Caller
from llm_core.deadline import Deadline
from llm_core.errors import DreyError
from llm_core.gateway import Wishes
from llm_core.messages import Request, Text
from llm_core.money import nano


def cost_of(error: DreyError) -> int:
    """What a call that failed was charged all the same, nano-USD."""
    return nano(str(error.details.get("cost", 0)))


@dataclass(slots=True)
class Asking:
    """`charged` is nano-USD; tokens are those of all answers."""

    caller: Caller
    deadline: Deadline
    metadata: Mapping[str, str] = field(default_factory=dict)
    charged: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    def __call__(self, request: Request, /) -> str:
        """What the model said. Raises ToolError for nothing, and as gateway.answer does."""
        try:
            answer = gateway.answer(request, self.caller, self.deadline, Wishes(metadata=self.metadata))
        except DreyError as error:
            self.charged += cost_of(error)
            raise
        self.charged += answer.call.charged
        self.input_tokens += answer.reply.usage.prompt
        self.output_tokens += answer.reply.usage.output
        said = "".join(part.text for part in answer.reply.parts if isinstance(part, Text)).strip()
        if not said or answer.reply.finish != "stop":
            raise ToolError(f"The model gave no whole answer ({answer.reply.finish}).")
        return said
