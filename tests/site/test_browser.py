"""One page in a real browser, quickly; `make site-test` does the rest."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest

from tests.conftest import ROOT, Platform

LOOK = """
import { chromium } from "playwright-core";
const flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: flags });
const page = await browser.newPage();
const complaints = [];
page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
page.on("pageerror", (error) => complaints.push(error.message));
await page.goto(process.env.DREY_URL);
await page.getByRole("button", { name: "Ask", exact: true }).click();
await page.locator(".answer").waitFor();
console.log(JSON.stringify({ complaints, answer: await page.locator(".answer").innerText() }));
await browser.close();
"""


def test_the_home_page_answers_a_question_and_complains_of_nothing(platform: Platform) -> None:
    if (chromium := shutil.which("chromium")) is None or shutil.which("node") is None:
        needs("needs Node and Chromium")
    if not (ROOT / "site/out/index.html").exists():
        needs("needs the site: make site")
    told = os.environ | {"DREY_URL": platform.url, "CHROMIUM": str(chromium)}
    command = ["node", "--input-type=module", "-e", LOOK]
    run = subprocess.run(command, check=False, cwd=ROOT / "site", env=told, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    seen = json.loads(run.stdout)
    assert (seen["complaints"], bool(seen["answer"])) == ([], True)


def needs(what: str) -> None:
    """Skip, or fail where a browser is required."""
    if "browser" in os.environ.get("DREY_REQUIRE", ""):
        pytest.fail(what)
    pytest.skip(what)
