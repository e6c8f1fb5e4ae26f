"""`make site-test`: the site in a browser, on a whole platform of its own with a month of sample usage.

Pictures of every page, light, dark and on a phone, go to .local/site/.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from local.project import Project
from tests.conftest import ROOT, started

PICTURES = ROOT / ".local/site"


def main() -> int:
    """What Node's test runner says: 0 when all of it holds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="", help="names of tests that match this")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, started(Path(place)) as platform:
        seed = [sys.executable, "-m", "local", "seed", "--state", place]
        subprocess.run(seed, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, timeout=300)
        told = {
            "DREY_URL": platform.url,
            "DREY_KEY": platform.key,
            "DREY_PERSON": Project(state=Path(place)).user.read_text().strip(),
            "DREY_UNDERSTUDY": platform.understudy,
            "DREY_SHOTS": str(PICTURES),
        }
        tests = sorted(str(file.relative_to(ROOT / "site")) for file in (ROOT / "site/tests").glob("*.test.mjs"))
        only = [f"--test-name-pattern={asked.only}"] if asked.only else []
        command = ["node", "--test", "--test-concurrency=1", *only, *tests]
        return subprocess.run(command, check=False, cwd=ROOT / "site", env=os.environ | told, timeout=1_500).returncode


if __name__ == "__main__":
    sys.exit(main())
