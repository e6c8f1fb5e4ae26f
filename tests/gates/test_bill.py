"""What is in the layer is known, and everybody may deploy it."""

from __future__ import annotations

import json

import pytest

from gates import bill
from gates.bill import Package


def test_the_bill_of_materials_is_that_of_the_lock() -> None:
    assert bill.PAGE.read_text() == bill.bill(), "make sbom"
    listed = {component["name"] for component in json.loads(bill.PAGE.read_text())["components"]}
    assert {"anthropic", "openai", "pydantic", "aws-lambda-powertools"} <= listed
    assert "boto3" not in listed, "Lambda's runtime has it"


@pytest.mark.parametrize("package", list(bill.packages()), ids=lambda package: package.name)
def test_a_package_of_the_layer_is_under_a_licence_that_was_agreed_to(package: Package) -> None:
    assert package.agreed, package.licence


@pytest.mark.parametrize("licence", ["GPL-3.0-only", "unknown", "MIT AND AGPL-3.0", "Proprietary"])
def test_another_licence_is_noticed(licence: str) -> None:
    assert not Package("x", "1", licence).agreed


@pytest.mark.parametrize("licence", ["MIT", "MIT OR Apache-2.0", "MPL-2.0 AND MIT", "BSD-3-Clause"])
def test_an_agreed_one_is_not(licence: str) -> None:
    assert Package("x", "1", licence).agreed
