"""The cases as people write them: suites/<use case>.yaml."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import yaml
from pydantic import Field, ValidationError, model_validator

from operations import checks
from operations.checks import Shape, Told

FOLDER = Path(__file__).with_name("suites")


class NotASuite(ValueError):
    """A file that cannot be read as cases."""


class Checks(checks.Checks):
    """Those of operations/checks.py, and `schema_of`: the answer is JSON of this schema."""

    schema_of: Mapping[str, Any] = {}

    def failures(self, told: Told) -> Iterator[str]:
        yield from super().failures(told)
        if self.schema_of:
            wrong = next(jsonschema.Draft202012Validator(self.schema_of).iter_errors(dict(told.json)), None)
            if wrong is not None:
                yield f"its JSON is not of the schema: {wrong.message}"


class Case(Shape):
    """`given` is what the use case takes (questions.py); `why` says what an adversarial case tries."""

    name: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    given: Mapping[str, Any]
    checks: Checks = Checks()
    why: str = ""


class Suite(Shape):
    """`models` are asked all, each case's checks and those of `every` must hold for each. `pass_rate`: how much of the
    cases must pass. `agreement`: the cases are labelled verdicts, so the judge itself is held against people's."""

    use_case: str
    models: tuple[str, ...] = Field(min_length=1)
    every: Checks = Checks()
    pass_rate: float = Field(default=1.0, gt=0, le=1)
    agreement: bool = False
    drift: tuple[str, ...] = ()
    cases: tuple[Case, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_are_names(self) -> Suite:
        names = [case.name for case in self.cases]
        if len(names) != len(set(names)):
            raise ValueError("two cases have one name")
        if not set(self.drift) <= set(names):
            raise ValueError("drift names a case that is not there")
        return self

    def checks(self, case: Case) -> Checks:
        """The case's own, and where it says nothing, those of every case."""
        return self.every.model_copy(update={name: getattr(case.checks, name) for name in case.checks.model_fields_set})


def load(name: str, folder: Path = FOLDER) -> Suite:
    """Raises NotASuite, naming the place that is wrong."""
    try:
        return Suite.model_validate(yaml.safe_load((folder / f"{name}.yaml").read_text()))
    except (OSError, ValidationError, yaml.YAMLError) as error:
        raise NotASuite(f"evals/suites/{name}.yaml: {error}") from error


def names(folder: Path = FOLDER) -> list[str]:
    return sorted(file.stem for file in folder.glob("*.yaml"))
