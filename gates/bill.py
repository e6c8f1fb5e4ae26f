"""`make sbom`: what is in the layer that is deployed, and under which licences: docs/sbom.json, in CycloneDX 1.6.

Names and versions are the layer's lock, licences what each package says of itself. One under a licence that nobody
here has agreed to fails the build.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.markers import Marker
from rich.console import Console

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "layers/llm_core/requirements.txt"
PAGE = ROOT / "docs/sbom.json"

AGREED = {"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0", "MPL-2.0", "PSF-2.0"}
"""Licences, by their SPDX names, that ask no more of who deploys than to keep the notice."""

_SPDX = {
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Apache Software License": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "BSD": "BSD-3-Clause",
    "Python Software Foundation License": "PSF-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
_LINE = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;]+)(?: ; (.*?))? \\?$", re.MULTILINE)


@dataclass(frozen=True)
class Package:
    """`licence` is an SPDX expression, as the package says it."""

    name: str
    version: str
    licence: str

    @property
    def agreed(self) -> bool:
        return set(re.findall(r"[A-Za-z0-9.-]+", self.licence)) - {"AND", "OR", "WITH"} <= AGREED

    @property
    def component(self) -> dict[str, Any]:
        where = f"pkg:pypi/{self.name}@{self.version}"
        return {
            "type": "library",
            "bom-ref": where,
            "name": self.name,
            "version": self.version,
            "purl": where,
            "licenses": [{"expression": self.licence}],
        }


def packages() -> Iterator[Package]:
    """What the lock installs on Linux. Raises PackageNotFoundError where the environment lacks what is locked."""
    for name, version, marker in _LINE.findall(LOCK.read_text()):
        if not marker or Marker(marker).evaluate({"sys_platform": "linux", "platform_system": "Linux"}):
            yield Package(name, version, _licence(importlib.metadata.metadata(name)))


def _licence(told: importlib.metadata.PackageMetadata) -> str:
    """The SPDX expression, else the word of the classifiers, else of the older field."""
    said = told.get("License-Expression", "")
    if said:
        return said
    classifiers = [
        each.rpartition(" :: ")[2] for each in told.get_all("Classifier") or [] if each.startswith("License")
    ]
    words = classifiers or [told.get("License", "unknown").strip().partition("\n")[0]]
    return " AND ".join(sorted({_SPDX.get(word, word) for word in words}))


def bill() -> str:
    """The whole file. It has no time and no serial number, so that it changes when something in it does."""
    version = re.search(r"DREY_VERSION: (\S+)", (ROOT / "template.yaml").read_text())
    root = {"type": "application", "name": "drey", "version": version[1] if version else "0", "bom-ref": "drey"}
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": root},
        "components": [package.component for package in packages()],
    }
    return json.dumps(document, indent=1) + "\n"


def main() -> int:
    refused = [package for package in packages() if not package.agreed]
    for package in refused:
        Console(stderr=True).print(f"{package.name} {package.version}: nobody has agreed to {package.licence!r}")
    PAGE.write_text(bill())
    Console().print(f"{PAGE.name}: {sum(1 for _ in packages())} packages, {len(refused)} of them under other licences.")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
