"""What a fault is, before any of them: data that says to which calls it can happen."""

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

type Seconds = Annotated[float, Field(ge=0)]
type Count = Annotated[int, Field(ge=0)]
type Provider = Literal["anthropic", "openai", "bedrock"]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Fault(Strict):
    """A fault lets calls pass, and is not used up by them, to which it cannot happen."""

    streams_only: ClassVar[bool] = False
    talk_only: ClassVar[bool] = False
    only_provider: ClassVar[Provider | None] = None


class After(Fault):
    """Strikes after `after_events` events with content (0: after the opening events, before any content)."""

    after_events: Count = 1
