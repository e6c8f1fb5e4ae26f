"""`make gates`: checkov over the templates, parliament over each door's policy, bandit over the code.

Each tool runs in an environment of its own; what it finds is held against tests/audit/reviewed.py.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console

from tests.audit.reviewed import BANDIT, CHECKOV, PARLIAMENT, Reviewed
from tests.estate import ROOT, Estate, listed

TOOLS = ROOT / ".local/venvs/gates/bin"
TEMPLATES = ["template.yaml", *(f"stacks/{name}.yaml" for name in ("identity", "monitoring", "frontend"))]
CODE = ["functions", "layers/llm_core/llm_core", "local", "gates", "bench"]


def run(tool: str, *arguments: str) -> Any:
    """The JSON that it prints. They end with 1 when they find something."""
    done = subprocess.run([TOOLS / tool, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    try:
        return json.loads(done.stdout)
    except ValueError:
        raise SystemExit(f"{tool} did not work ({done.returncode}): {done.stderr[-500:]}") from None


def checkov() -> set[tuple[str, str]]:
    """{(check, logical id)}"""
    files = [argument for name in TEMPLATES for argument in ("-f", name)]
    found = run(
        "checkov", "--quiet", "--compact", "--skip-download", "--framework", "cloudformation", *files, "-o", "json"
    )
    failed = [check for each in listed(found) for check in each["results"]["failed_checks"]]
    return {(check["check_id"], check["resource"].rpartition(".")[2]) for check in failed}


def bandit() -> set[tuple[str, str]]:
    """{(test, file)}"""
    found = run("bandit", "-q", "-r", *CODE, "-f", "json")
    return {(result["test_id"], result["filename"]) for result in found["results"]}


def parliament() -> Iterator[tuple[str, str]]:
    """(issue with its first action, door) over the policies as CloudFormation is given them, names for things."""
    estate = Estate({"Stage": "prod"})
    with tempfile.TemporaryDirectory() as folder:
        for door in estate.functions:
            statements = [
                {**s, "Resource": [_arn(r, estate) for r in listed(s["Resource"])]} for s in estate.statements(door)
            ]
            policy = {"Version": "2012-10-17", "Statement": statements}
            (Path(folder) / f"{door}.json").write_text(json.dumps(policy))
        done = subprocess.run(
            [TOOLS / "parliament", "--directory", folder, "--json"], capture_output=True, text=True, check=False
        )
        if "Traceback" in done.stderr:
            raise SystemExit(f"parliament did not work: {done.stderr[-500:]}")
        for line in done.stdout.splitlines():
            issue = json.loads(line)
            actions = sorted({each["action"] for each in issue["detail"] or [] if "action" in each})
            yield " ".join([issue["issue"], *actions[:1]]), Path(issue["location"]["filepath"]).stem


def _arn(resource: Any, estate: Estate) -> str:
    """As AWS would have it: `!GetAtt KeysTable.Arn` is a table's."""
    account = "us-east-1:123456789012"
    services = {
        "AWS::DynamoDB::Table": f"dynamodb:{account}:table/%s",
        "AWS::Lambda::Function": f"lambda:{account}:function:%s",
        "AWS::SQS::Queue": f"sqs:{account}:%s",
        "AWS::SNS::Topic": f"sns:{account}:%s",
        "AWS::S3::Bucket": "s3:::%s",
        "AWS::IAM::Role": "iam::123456789012:role/%s",
        "AWS::StepFunctions::StateMachine": f"states:{account}:stateMachine:%s",
        "AWS::CloudFormation::Stack": f"kms:{account}:key/%s",
    }

    def of(name: str) -> str:
        return "arn:aws:" + services[estate.resources[name]["Type"]] % name.lower()

    match resource:
        case {"Fn::GetAtt": [str(name), *_]}:
            return of(name)
        case str(text):
            whole = re.fullmatch(r"<(\w+)>", text)
            if whole and whole[1] in estate.resources:
                return of(whole[1])
            text = re.sub(r"^<(\w+)\.Arn>", lambda found: of(found[1]), text)
            text = re.sub(r"\{'Fn::GetAtt': \['(\w+)', '\w+'\]\}", r"\1", text)
            text = re.sub(r"\{'Fn::Select'.*\}", "2026", text)
            return re.sub(r"[<>]", "", text).replace("aws-cn", "aws")
        case _:
            return "arn:aws:dynamodb:us-east-1:123456789012:table/x/stream/2026"


def unreviewed(tool: str, found: set[tuple[str, str]], reviewed: Reviewed) -> list[str]:
    """What is found and not reviewed, and what is reviewed and not found."""
    seen = {check for check, _ in found}
    wrong = [f"{tool} {check}: nobody finds it any more; strike it" for check in sorted(set(reviewed) - seen)]
    for check, where in sorted(found):
        _, places = reviewed.get(check, ("", {""}))
        if places and where not in places:
            wrong.append(f"{tool} {check}: {where} is not reviewed")
    return wrong


def main() -> int:
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    wrong: list[str] = []
    for name, found, reviewed in (
        ("bandit", bandit(), BANDIT),
        ("parliament", set(parliament()), PARLIAMENT),
        ("checkov", checkov(), CHECKOV),
    ):
        Console().print(f"{name}: {len(found)} findings of {len({check for check, _ in found})} kinds")
        wrong += unreviewed(name, found, reviewed)
    for line in wrong:
        Console().print(line, markup=False)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
