"""`make evals` as CI runs it: green as it is, red for whatever was changed without being evaluated, and it says why."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable

from llm_core.prompts.library import prompt
from tests.conftest import ROOT
from tests.evals.conftest import Copy

Edit = Callable[[str, str, str], None]
CLASSIFY = "layers/llm_core/llm_core/prompts/classify.toml"
OLD, NEW = "You sort texts.", "You sort texts by their meaning."


def said(text: str) -> str:
    """Without the terminal's line ends."""
    return re.sub(r"\s+", " ", text)


def test_as_it_is_it_passes_in_less_than_a_minute(copy: Copy) -> None:
    started = time.monotonic()
    done = copy.run(CI="true")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "fit to be merged" in done.stdout
    assert time.monotonic() - started < 60


def test_it_is_part_of_what_ci_runs() -> None:
    assert " evals " in (ROOT / "Makefile").read_text().split("\ncheck:")[1].split("##")[0]
    assert "make evals" in (ROOT / ".ci/run").read_text()


def test_a_deleted_recording_turns_it_red_and_its_key_is_told(copy: Copy) -> None:
    (lost,) = copy.recordings.glob("classify/lost-parcel.anthropic.*.json")
    key = json.loads(lost.read_text())["key"]
    lost.unlink()
    done = copy.run("--suite", "classify")
    assert done.returncode == 1
    expected = f"classify/lost-parcel by anthropic/claude-haiku-4-5: no recording has the key {key}: "
    assert f"{expected}`make evals LIVE=1 SUITE=classify` records it" in said(done.stdout)


def test_a_prompt_edited_without_a_new_version_turns_it_red(copy: Copy, edited: Edit) -> None:
    edited(CLASSIFY, OLD, NEW)
    done = copy.run("--suite", "classify")
    assert done.returncode == 1
    assert "classify: its text changed without a new version: raise it, and add" in said(done.stdout)
    assert done.stdout.count("fails ") == 2, "what to do is not lost among the recordings that this takes with it"


def test_a_new_version_that_nobody_has_evaluated_turns_it_red(copy: Copy, edited: Edit) -> None:
    edited(CLASSIFY, OLD, NEW)
    _raised(copy, edited)
    done = copy.run("--suite", "classify")
    assert done.returncode == 1
    assert "classify: version 2 has not been evaluated: `make evals LIVE=1 SUITE=classify`" in said(done.stdout)
    assert "without a new version" not in done.stdout
    assert done.stdout.count("fails ") == 1


def _raised(copy: Copy, edited: Edit) -> None:
    """As the message says: the version goes up, and versions.json gets the fingerprint."""
    edited(CLASSIFY, "version = 1", "version = 2")
    told = said(copy.run("--suite", "classify").stdout)
    (print_now,) = re.findall(r"version 2 is not in versions.json: add '(\w{16})'", told)
    versions = json.loads((copy.prompts / "versions.json").read_text())
    versions["classify"]["2"] = print_now
    (copy.prompts / "versions.json").write_text(json.dumps(versions))


def test_once_recorded_it_is_green_again_and_both_versions_can_be_compared(copy: Copy, edited: Edit) -> None:
    """The whole way of a prompt change, with the understudy in the models' place."""
    edited(CLASSIFY, OLD, NEW)
    _raised(copy, edited)
    recorded = copy.run("--live", "--understudy", "--suite", "classify")
    assert recorded.returncode == 0, recorded.stdout + recorded.stderr
    assert "To record: 16 answers, at most" in recorded.stdout
    assert "Recorded 16 answers" in recorded.stdout
    assert "by the understudy: people wrote these answers, no model said them" in said(recorded.stdout)
    assert {json.loads(f.read_text())["by"] for f in copy.recordings.glob("classify/*.json")} == {"understudy"}

    assert copy.run("--suite", "classify").returncode == 0
    compared = copy.run("--compare", "classify@1", "classify@2")
    assert compared.returncode == 0, compared.stdout
    rows = [line for line in compared.stdout.splitlines() if "gpt-5.4-mini" in line]
    assert len(rows) == 1
    assert rows[0].count("8/8") == 2


def test_two_models_are_compared_side_by_side(copy: Copy) -> None:
    done = copy.run("--compare", "claude-haiku-4-5", "gpt-5.4-mini")
    assert done.returncode == 0, done.stdout
    assert all(f"{name} A" in done.stdout and f"{name} B" in done.stdout for name in ("passed", "USD", "ms"))
    assert "summarize v" in done.stdout


def test_a_comparison_with_what_was_never_run_says_what_was(copy: Copy) -> None:
    done = copy.run("--compare", "classify@1", "classify@7")
    assert done.returncode == 2
    told = said(done.stdout)
    assert "has no classify@7, only " in told
    assert "classify@1" in told.partition("only ")[2]


def test_a_case_whose_answer_is_wrong_turns_it_red(copy: Copy, edited: Edit) -> None:
    edited("evals/suites/classify.yaml", "checks: {label: billing}", "checks: {label: account}")
    done = copy.run("--suite", "classify")
    assert done.returncode == 1
    assert "classify/double-charge by openai/gpt-5.4-mini: its label is 'billing', not 'account'" in said(done.stdout)


def test_results_that_the_recordings_do_not_give_turn_it_red(copy: Copy) -> None:
    file = copy.root / "evals/results.json"
    told = json.loads(file.read_text())
    told["classify"][str(prompt("classify").version)]["models"]["openai/gpt-5.4-mini"]["passed"] = 99
    file.write_text(json.dumps(told))
    done = copy.run("--suite", "classify")
    assert done.returncode == 1
    assert "evals/results.json is not what the recordings give (passed 99 there, 8 here)" in said(done.stdout)


def test_a_recording_that_no_case_asks_for_turns_it_red(copy: Copy) -> None:
    (one,) = copy.recordings.glob("classify/lost-parcel.anthropic.*.json")
    one.with_name("lost-parcel.anthropic.0123456789abcdef.json").write_text(one.read_text())
    done = copy.run("--suite", "classify")
    assert done.returncode == 1
    assert "lost-parcel.anthropic.0123456789abcdef.json: no case asks for this recording any more" in said(done.stdout)


def test_a_suite_that_cannot_be_read_is_named_with_the_place(copy: Copy, edited: Edit) -> None:
    edited("evals/suites/classify.yaml", "checks: {label: billing}", "checks: {lable: billing}")
    done = copy.run("--suite", "classify")
    assert done.returncode == 2
    assert "evals/suites/classify.yaml" in done.stdout
    assert "lable" in done.stdout


# ------------------------------------------------------------------------------------------- the judge


def test_a_judge_that_always_says_yes_is_found_out(copy: Copy) -> None:
    for file in copy.recordings.glob("judge/*.json"):
        file.write_text(file.read_text().replace('\\"passes\\": false', '\\"passes\\": true'))
    done = copy.run("--suite", "judge")
    assert done.returncode == 1
    told = said(done.stdout)
    assert "anthropic/claude-haiku-4-5 as the judge: agrees with people in 6 of 14 cases, kappa 0.00" in told
    assert "it wrongly passes 8 and wrongly fails 0, so its verdicts mean nothing" in told


def test_the_judges_agreement_with_people_is_reported(copy: Copy) -> None:
    done = copy.run("--suite", "judge")
    assert done.returncode == 0
    assert re.search(
        r"claude-haiku-4-5 as the judge agrees with people in \d+ of 14 cases, kappa \d\.\d\d", done.stdout
    )


def test_an_answer_that_the_judge_fails_turns_it_red(copy: Copy) -> None:
    for file in copy.recordings.glob("summarize/outage.judge.*.json"):
        file.write_text(file.read_text().replace('\\"passes\\": true', '\\"passes\\": false'))
    done = copy.run("--suite", "summarize")
    assert done.returncode == 1
    assert "summarize/outage by anthropic/claude-haiku-4-5: fails the rubric: It gives the time" in said(done.stdout)


# ------------------------------------------------------------------------------------------- live


def test_nothing_is_recorded_in_ci(copy: Copy) -> None:
    done = copy.run("--live", "--suite", "classify", CI="true", ANTHROPIC_API_KEY="sk-ant-x", OPENAI_API_KEY="sk-x")
    assert done.returncode == 2
    assert "Nothing is recorded in CI" in done.stdout


def _lost(copy: Copy, pattern: str) -> None:
    for file in copy.recordings.glob(pattern):
        file.unlink()


def test_without_keys_it_says_which_are_needed_and_asks_nobody(copy: Copy) -> None:
    _lost(copy, "classify/lost-parcel.*.json")
    done = copy.run("--live", "--suite", "classify", ANTHROPIC_API_KEY="sk-ant-x")
    assert done.returncode == 2
    assert "To record: 2 answers, at most" in done.stdout
    assert "Set OPENAI_API_KEY; or UNDERSTUDY=1" in said(done.stdout)


def test_above_a_dollar_somebody_is_asked_first(copy: Copy, edited: Edit) -> None:
    """With a model that is dear enough; nobody sits at this terminal, so nothing is asked."""
    edited("evals/suites/extract.yaml", "models: [fast, gpt-5.4-mini]", "models: [gpt-6-astra, claude-fable-5]")
    done = copy.run("--live", "--suite", "extract", ANTHROPIC_API_KEY="sk-ant-x", OPENAI_API_KEY="sk-x")
    assert done.returncode == 2
    assert "YES=1 agrees beforehand" in said(done.stdout)
    assert "Recorded" not in done.stdout
