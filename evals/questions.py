"""From a case to the request that the product itself would send: by its own code wherever it has some."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from gateway import classification
from llm_core.messages import Message, Output, Request, Text
from llm_core.prompts.library import prompt
from operations import judge
from sayings import writer
from sayings.services import Service, services

Given = Mapping[str, Any]


def question(use_case: str, model: str, given: Given) -> Request:
    """What is asked of this model for this case."""
    return _ASK.get(use_case, _of_text)(use_case, model, given)


def _classify(use_case: str, model: str, given: Given) -> Request:  # noqa: ARG001 - one face for all
    body = {"model": model, "input": given["text"], "labels": given["labels"]}
    return classification.read(json.dumps(body).encode())[0]


def _judge(use_case: str, model: str, given: Given) -> Request:  # noqa: ARG001 - one face for all
    return judge.request(given["task"], given["answer"], given["rubric"], model)


def _of_text(use_case: str, model: str, given: Given) -> Request:
    """A text under our prompt, and a schema where there is one."""
    shown = json.dumps({"schema": given["schema"], "text": given["text"]}) if "schema" in given else given["text"]
    return Request(
        model=model,
        messages=(Message("user", (Text(shown),)),),
        system=prompt(use_case),
        max_tokens=1_000,
        output=Output(use_case, given["schema"]) if "schema" in given else None,
    )


def _sayings(use_case: str, model: str, given: Given) -> Request:  # noqa: ARG001 - one face for all
    wanted = [services()[each] if isinstance(each, str) else Service(**each, said=()) for each in given["services"]]
    return writer.request(model, wanted)


_ASK: dict[str, Callable[[str, str, Given], Request]] = {"classify": _classify, "judge": _judge, "sayings": _sayings}
