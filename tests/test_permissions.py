"""What each door may do in AWS: all that it does in tests/test_door_environment.py, and nothing of this table.

Asked of the transformed template, so of what CloudFormation is given, in prod and with everything switched on.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from typing import Any

import pytest

from tests.estate import Estate, listed
from tests.test_deploy import EVERYTHING

ESTATES = {"prod": Estate({"Stage": "prod"}), "everything": Estate(EVERYTHING)}
PROD = ESTATES["prod"]

CALL_MODELS = {
    *("GatewayChat", "DemoAnswer", "AgentsTurn", "AgentsTool", "AgentsSummarize", "AgentsExtract", "AgentsClassify"),
    *("LiveComplete", "OperationsDrift"),
}
OPEN_TO_ANYBODY = {"DemoAnswer", "SayingsGetSaying", "SayingsProcessFeedback", "SayingsStats", "ContentRead"}

NOBODY = [
    # who may do what, and in whose name
    *("scheduler:*Group", "iam:[!P]*", "iam:P[!a]*", "sts:*", "organizations:*", "cognito-idp:*", "cloudformation:*"),
    # what keeps things, and for how long
    *("dynamodb:DeleteTable", "dynamodb:UpdateTable", "dynamodb:CreateTable", "dynamodb:UpdateTimeToLive"),
    *("dynamodb:*Backup*", "dynamodb:Restore*", "dynamodb:Export*", "dynamodb:PartiQL*"),
    *("s3:DeleteBucket*", "s3:PutBucket*", "s3:PutLifecycle*", "s3:PutEncryption*", "s3:*Acl", "s3:*Policy"),
    *("s3:DeleteObjectVersion", "logs:Delete*", "logs:PutRetention*", "kms:Schedule*", "kms:Disable*", "kms:Put*"),
    *("kms:CreateGrant", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:PurgeQueue", "sqs:DeleteQueue", "sqs:Set*"),
    # what runs, and who is told
    *("lambda:Update*", "lambda:Add*", "lambda:Create*", "lambda:Delete*", "lambda:Put*", "lambda:Publish*"),
    *("states:Create*", "states:Update*", "states:Delete*", "apigateway:*", "execute-api:Invoke", "wafv2:*"),
    *("sns:Subscribe", "sns:Set*", "sns:Delete*", "sns:AddPermission", "cloudwatch:[!G]*", "events:*"),
    # secrets: one by its name, never a list, never another value
    *("ssm:GetParametersByPath", "ssm:GetParameters", "ssm:Describe*", "ssm:GetParameterHistory"),
    *("secretsmanager:[!G]*", "secretsmanager:GetResource*", "secretsmanager:GetRandom*"),
    # networks and machines, of which there are none
    *("ec2:*", "ecs:*", "bedrock:Create*", "bedrock:Put*", "bedrock:Delete*"),
]
"""Patterns of actions that no door has, whatever it is for."""

ONLY: dict[str, set[str]] = {
    "bedrock:InvokeModel": CALL_MODELS,
    "bedrock:InvokeModelWithResponseStream": CALL_MODELS,
    "iam:PassRole": {"ContentAgent"},
    "ssm:PutParameter": {"AccountsKeys"},
    "ssm:DeleteParameter": {"AccountsKeys", "AccountsAdmin"},
    "cloudwatch:GetMetricData": {"OperationsDashboard"},
    "scheduler:CreateSchedule": {"ContentAgent"},
    "scheduler:UpdateSchedule": {"ContentAgent"},
    "scheduler:DeleteSchedule": {"ContentAgent"},
    "lambda:InvokeFunction": {"SayingsGetSaying", "LiveMessage", "LiveWatch"},
    "states:StartExecution": {"AgentsRuns", "AgentsStream", "ContentAgent"},
    "states:StopExecution": {"AgentsRuns", "LiveMessage"},
    "execute-api:ManageConnections": {"LiveMessage", "LiveComplete", "LiveWatch"},
    "kms:Decrypt": {"ContentRead", "ContentWrite", "ContentAgent"},
    "kms:GenerateDataKey": {"ContentWrite", "ContentAgent"},
    "s3:DeleteObject": {"ContentWrite", "ContentAgent", "ContentSweep"},
    "s3:ListBucket": {"ContentSweep"},
    "dynamodb:GetRecords": {"AccountsRollUp", "AccountsBudgetEvents"},
}
"""Actions that just these doors have."""

WRITES = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem")
READS = ("GetItem", "Query", "Scan", "BatchGetItem")

WRITERS: dict[str, set[str]] = {
    "KeysTable": {"AccountsKeys", "AccountsAdmin", "ContentAgent"},
    "AuditTable": {"AccountsKeys", "AccountsBudget", "AccountsAdmin", "ContentAgent", "OperationsDashboard"},
    "RollUpsTable": {"AccountsRollUp"},
    "ContentTable": {"ContentWrite", "ContentAgent", "ContentPublish"},
    "RunsTable": {
        *("AgentsRuns", "AgentsStream", "AgentsTurn", "AgentsTool", "AgentsState"),
        *("ContentAgent", "LiveMessage", "LiveWatch"),
    },
    "MainHumorTable": {"SayingsGetSaying", "SayingsBuildCache", "SayingsProcessFeedback"},
    "SayingFeedbackTable": {"SayingsProcessFeedback"},
    "SayingSumsTable": {"SayingsProcessFeedback"},
    "LiveTable": {"LiveTicket", "LiveConnect", "LiveDisconnect", "LiveMessage", "LiveComplete", "LiveWatch"},
}
"""Who may change a table, and nobody else. Usage, budgets and health belong to every call."""


@pytest.fixture(params=list(ESTATES))
def estate(request: pytest.FixtureRequest) -> Estate:
    return ESTATES[request.param]


def granted(estate: Estate, door: str) -> Iterator[tuple[str, str]]:
    """(action, resource) of all that a door is allowed."""
    for statement in estate.statements(door):
        assert statement["Effect"] == "Allow"
        for action in listed(statement["Action"]):
            for resource in listed(statement["Resource"]):
                yield action, str(resource)


def who(estate: Estate, actions: tuple[str, ...], resource: str = "") -> set[str]:
    """Doors that have one of these actions, on a resource of this name."""
    return {
        door
        for door in estate.functions
        if any(action in actions and resource in arn for action, arn in granted(estate, door))
    }


def test_no_door_has_what_nobody_needs(estate: Estate) -> None:
    for door in estate.functions:
        found = {action for action, _ in granted(estate, door) for no in NOBODY if fnmatch.fnmatchcase(action, no)}
        assert not found, f"{door} may {sorted(found)}"


@pytest.mark.parametrize("action", ONLY)
def test_what_few_doors_need_few_doors_have(estate: Estate, action: str) -> None:
    assert who(estate, (action,)) == ONLY[action]


@pytest.mark.parametrize("table", WRITERS)
def test_a_table_is_changed_by_those_whose_it_is(estate: Estate, table: str) -> None:
    assert who(estate, tuple(f"dynamodb:{write}" for write in WRITES), table) == WRITERS[table]


def test_what_was_done_is_never_undone_in_the_audit_table(estate: Estate) -> None:
    for door in estate.functions:
        assert {a for a, arn in granted(estate, door) if "AuditTable" in arn} <= {"dynamodb:PutItem"}, door


@pytest.mark.parametrize("door", sorted(OPEN_TO_ANYBODY))
def test_whoever_needs_no_key_reaches_none_and_nobodys_runs(estate: Estate, door: str) -> None:
    for action, arn in granted(estate, door):
        assert not any(name in arn for name in ("KeysTable", "RunsTable", "RunsBucket", "AuditTable", "byok")), action


def test_a_role_is_passed_to_the_scheduler_and_it_may_only_publish(estate: Estate) -> None:
    (passed,) = (s for s in estate.statements("ContentAgent") if "iam:PassRole" in listed(s["Action"]))
    assert "PublishRole" in str(passed["Resource"])
    assert list(passed["Condition"]["StringEquals"]) == ["iam:PassedToService"]
    role = estate.of_type("AWS::IAM::Role")["PublishRole"]
    allowed = {s["Action"] for policy in role["Policies"] for s in policy["PolicyDocument"]["Statement"]}
    assert allowed == {"lambda:InvokeFunction", "sqs:SendMessage"}


# ------------------------------------------------------------------------------------------------ encryption, TLS, logs
def test_whatever_keeps_or_carries_something_is_encrypted(estate: Estate) -> None:
    key = {"Fn::GetAtt": ["Identity", "Outputs.ContentKeyArn"]}
    assert all(each["SSESpecification"]["SSEEnabled"] for each in estate.of_type("AWS::DynamoDB::Table").values())
    assert all(each["SqsManagedSseEnabled"] for each in estate.of_type("AWS::SQS::Queue").values())
    assert all(each["KmsMasterKeyId"] == key for each in estate.of_type("AWS::SNS::Topic").values())
    assert all(each["KmsKeyId"] == key for each in estate.of_type("AWS::Logs::LogGroup").values())
    for bucket in estate.of_type("AWS::S3::Bucket").values():
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}


@pytest.mark.parametrize(
    ("kind", "policy", "names"),
    [
        ("AWS::S3::Bucket", "AWS::S3::BucketPolicy", "Bucket"),
        ("AWS::SQS::Queue", "AWS::SQS::QueuePolicy", "Queues"),
        ("AWS::SNS::Topic", "AWS::SNS::TopicPolicy", "Topics"),
    ],
)
def test_nothing_is_spoken_to_without_tls(estate: Estate, kind: str, policy: str, names: str) -> None:
    denied: set[str] = set()
    for each in estate.of_type(policy).values():
        for statement in each["PolicyDocument"]["Statement"]:
            if statement["Effect"] == "Deny" and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}:
                assert statement["Principal"] == "*"
                denied |= {name.strip("<>") for name in listed(each[names])}
    assert denied == set(estate.of_type(kind))


def test_a_domain_of_ones_own_speaks_tls_of_today() -> None:
    (domain,) = ESTATES["everything"].of_type("AWS::ApiGateway::DomainName").values()
    assert domain["SecurityPolicy"] == "TLS_1_2"


# ------------------------------------------------------------------------------------------------ what doors do
def permitted(estate: Estate, door: str, call: dict[str, Any]) -> bool:
    """Whether a door may make a call that it made (`{service, operation, parameters}`, as boto3 names them)."""
    grants = list(granted(estate, door))
    return all(any(have == action and resource in arn for have, arn in grants) for action, resource in needed(call))


def needed(call: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(action, logical id of a table or bucket, or "") that a call needs of IAM."""
    service, operation, given = call["service"], call["operation"], call["parameters"]
    match service, operation:
        case "dynamodb", "TransactWriteItems" | "TransactGetItems":
            names = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "Get": "GetItem"}
            for item in given["TransactItems"]:
                for kind, inner in item.items():
                    yield f"dynamodb:{names.get(kind, 'ConditionCheckItem')}", _logical(inner["TableName"])
        case "dynamodb", "BatchGetItem" | "BatchWriteItem":
            yield from ((f"dynamodb:{operation}", _logical(name)) for name in given["RequestItems"])
        case "dynamodb", _:
            yield f"dynamodb:{operation}", _logical(given["TableName"])
        case "s3", _:
            names = {"DeleteObjects": "DeleteObject", "ListObjectsV2": "ListBucket"}
            yield f"s3:{names.get(operation, operation)}", _logical(given["Bucket"])
        case "lambda", "Invoke":
            yield "lambda:InvokeFunction", ""
        case "stepfunctions", _:
            yield f"states:{operation}", ""
        case "apigatewaymanagementapi", _:
            yield "execute-api:ManageConnections", ""
        case _:
            yield f"{service}:{operation}", ""


def _logical(physical: str) -> str:
    """drey-dev-KeysTable-1A2B -> KeysTable; of a bucket, whose name is small, RunsBucket."""
    (found,) = (
        name
        for kind in ("AWS::DynamoDB::Table", "AWS::S3::Bucket")
        for name in PROD.of_type(kind)
        if f"-{name.lower()}-" in physical.lower()
    )
    return found


def test_a_call_is_not_permitted_on_another_table() -> None:
    """So that the check in tests/test_door_environment.py proves something."""
    read = {"service": "dynamodb", "operation": "GetItem", "parameters": {"TableName": "drey-dev-KeysTable-1A2B"}}
    assert permitted(PROD, "GatewayModels", read)
    assert not permitted(PROD, "SayingsStats", read)
    write = {**read, "operation": "PutItem"}
    assert not permitted(PROD, "GatewayModels", write)
    many = {
        "TransactItems": [{"Put": {"TableName": "drey-dev-AuditTable-1"}}, {"Update": {"TableName": "x-auditTable-1"}}]
    }
    together = {"service": "dynamodb", "operation": "TransactWriteItems", "parameters": many}
    assert not permitted(PROD, "AccountsKeys", together), "acts are added, never changed"
