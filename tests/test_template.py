"""template.yaml: doors and routes, permissions, tables, and what every function must have."""

import ast
import fnmatch
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from gateway.openapi import ROUTES as OPERATIONS
from gateway.openapi import WITHOUT_A_KEY
from tests.estate import ACCOUNT, MANAGED, PARTITION, REGION, ROOT, Estate, listed, opened

TEXT = (ROOT / "template.yaml").read_text()
ESTATES = {
    "dev": Estate({"Stage": "dev"}),
    "prod": Estate({"Stage": "prod"}),
    "secretsmanager": Estate({"Stage": "dev", "SecretStore": "secretsmanager"}),
    "all channels": Estate(
        {"DiscordWebhookName": "chat/discord", "SlackWebhookName": "chat/slack", "AlertEmail": "a@b.c"}
    ),
    "base urls": Estate({"AnthropicBaseUrl": "https://one.example", "OpenAIBaseUrl": "https://two.example/v1"}),
}
DEV = ESTATES["dev"]
TEMPLATE = DEV.source


@pytest.fixture(params=list(ESTATES))
def estate(request: pytest.FixtureRequest) -> Estate:
    """The estate under different parameters."""
    return ESTATES[request.param]


@pytest.fixture(autouse=True)
def region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)


# ------------------------------------------------------------------------------------------------ doors
def door_files() -> dict[str, Path]:
    """{logical id: file} of every file under functions/ that has a `handler`."""
    found = {}
    for path in sorted((ROOT / "functions").rglob("*.py")):
        body = ast.parse(path.read_text()).body
        assigned = [t.id for n in body if isinstance(n, ast.Assign) for t in n.targets if isinstance(t, ast.Name)]
        assigned += [n.name for n in body if isinstance(n, ast.FunctionDef)]
        if "handler" in assigned:
            words = path.relative_to(ROOT / "functions").with_suffix("").as_posix().replace("/", "_").split("_")
            found["".join(word.capitalize() for word in words)] = path
    return found


def test_every_door_is_declared_once_and_named_like_its_path() -> None:
    declared = {name: door.handler for name, door in TEMPLATE.doors.items()}
    written = {
        name: ".".join(path.relative_to(ROOT / "functions").with_suffix("").parts) + ".handler"
        for name, path in door_files().items()
    }
    assert declared == written


@pytest.mark.parametrize("name", TEMPLATE.doors)
def test_a_door_is_described_by_the_first_line_of_its_file(name: str) -> None:
    docstring = ast.get_docstring(ast.parse(door_files()[name].read_text())) or ""
    assert TEMPLATE.resources[name]["Properties"]["Description"] == docstring.partition("\n")[0].removesuffix(".")


@pytest.mark.parametrize("name", [name for name, door in TEMPLATE.doors.items() if door.routes])
def test_a_door_answers_the_routes_it_is_given_and_no_others(name: str) -> None:
    declared = {(route.method, sample(route.path)) for route in TEMPLATE.doors[name].routes}
    answered = [*opened(TEMPLATE.doors[name])._static_routes, *opened(TEMPLATE.doors[name])._dynamic_routes]
    for method, path in declared:
        assert any(method in listed(r.method) and r.rule.match(path) for r in answered), (
            f"{name} does not answer {method} {path}"
        )
    for route in answered:
        reached = any(method in listed(route.method) and route.rule.match(path) for method, path in declared)
        assert reached, f"{name} answers {route.method} {route.path}, which the template gives to nobody"


@pytest.mark.parametrize("name", [name for name, door in TEMPLATE.doors.items() if not door.routes])
def test_a_door_without_a_route_is_no_door_of_the_api(name: str) -> None:
    assert not hasattr(opened(TEMPLATE.doors[name]), "_static_routes")


def test_no_two_doors_are_given_the_same_route() -> None:
    given = [(route.method, route.path) for route, _ in TEMPLATE.routes]
    assert len(given) == len(set(given))


def sample(path: str) -> str:
    """/v1/models/{id+} -> /v1/models/one/two"""
    return re.sub(r"\{\w+\}", "one", re.sub(r"\{\w+\+\}", "one/two", path))


# ------------------------------------------------------------------------------------------------ the API
def test_there_is_one_stage_and_it_is_called_api(estate: Estate) -> None:
    stages = estate.of_type("AWS::ApiGateway::Stage")
    assert [stage["StageName"] for stage in stages.values()] == ["api"]
    assert all("StageName" not in deployment for deployment in estate.of_type("AWS::ApiGateway::Deployment").values())
    assert all(stage["TracingEnabled"] for stage in stages.values())


def test_the_api_is_described_in_openapi_3() -> None:
    (api,) = DEV.of_type("AWS::ApiGateway::RestApi").values()
    assert api["Body"]["openapi"].startswith("3.")
    assert "swagger" not in api["Body"]


def test_every_route_is_throttled_and_answers_a_preflight() -> None:
    (stage,) = DEV.of_type("AWS::ApiGateway::Stage").values()
    everywhere = [s for s in stage["MethodSettings"] if (s["ResourcePath"], s["HttpMethod"]) == ("/*", "*")]
    assert everywhere
    assert everywhere[0]["ThrottlingRateLimit"] > 0
    (api,) = DEV.of_type("AWS::ApiGateway::RestApi").values()
    assert all("options" in methods for methods in api["Body"]["paths"].values())


def test_what_is_open_to_anybody_is_throttled_harder() -> None:
    (stage,) = DEV.of_type("AWS::ApiGateway::Stage").values()
    rates = {
        (s["HttpMethod"], s["ResourcePath"]): (s["ThrottlingRateLimit"], s["ThrottlingBurstLimit"])
        for s in stage["MethodSettings"]
    }
    opened = {(method, path) for method, path, *_ in OPERATIONS if path in WITHOUT_A_KEY}
    assert rates.pop(("*", "/*")) == (50, 200)
    of_the_page = {("GET", "/sayings"), ("POST", "/feedback"), ("GET", "/sayings/stats")}
    expected = {(method.upper(), path): (5, 10) for method, path in opened} | dict.fromkeys(of_the_page, (10, 50))
    assert rates == {(method, "/" + path.replace("/", "~1")): rate for (method, path), rate in expected.items()}
    assert all(s["MetricsEnabled"] for s in stage["MethodSettings"])


def test_what_api_gateway_says_by_itself_is_read_by_both_sdks() -> None:
    (api,) = DEV.of_type("AWS::ApiGateway::RestApi").values()
    responses = api["Body"]["x-amazon-apigateway-gateway-responses"]
    assert {"DEFAULT_4XX", "DEFAULT_5XX", "THROTTLED"} <= set(responses)
    filled = {
        "$context.error.messageString": '"a \\"quoted\\" word"',
        "$context.error.responseType": "MISSING_AUTHENTICATION_TOKEN",
        "$context.requestId": "c6af9ac6",
    }
    for name, response in responses.items():
        body = response["responseTemplates"]["application/json"]
        for variable, value in filled.items():
            body = body.replace(variable, value)
        assert "$" not in body, f"{name}: a variable that API Gateway may not know"
        answer = json.loads(body)
        assert answer["error"]["message"], f"{name}: OpenAI's SDK reads error.message"
        assert {"type", "code", "param"} <= set(answer["error"])
        assert answer["type"] == "error", f"{name}: Anthropic's SDK reads type and error.type"
        assert answer["request_id"] == "c6af9ac6"
        headers = {header.lower() for header in response["responseParameters"]}
        assert "gatewayresponse.header.x-request-id" in headers
        assert "gatewayresponse.header.access-control-allow-origin" in headers


# ------------------------------------------------------------------------------------------------ functions
PATIENT = {"OperationsDrift", "LiveComplete", "LiveWatch"}  # nobody waits for them


@pytest.mark.parametrize("name", TEMPLATE.doors)
def test_a_door_is_traced_logged_in_json_and_bounded(name: str, estate: Estate) -> None:
    function = estate.functions[name]
    assert function["Runtime"] == "python3.13"
    assert function["TracingConfig"] == {"Mode": "Active"}
    assert function["LoggingConfig"]["LogFormat"] == "JSON"
    group = function["LoggingConfig"]["LogGroup"].strip("<>")
    assert int(estate.resources[group]["Properties"]["RetentionInDays"]) > 0
    routes = TEMPLATE.doors[name].routes
    streams = [route for route in routes if route.streams]
    assert len(streams) in (0, len(routes)), "the loop that streams answers in its own form on every route"
    assert bool(streams) == ("AWS_LAMBDA_EXEC_WRAPPER" in function["Environment"]["Variables"])
    step = function["Description"].startswith("State machine step")
    most = 900 if streams or name in PATIENT else 30 if routes else 300 if step else 60
    assert 1 <= function["Timeout"] <= most, "API Gateway waits 29 s; one more lets the door say so itself"
    assert 128 <= function["MemorySize"] <= 3008
    assert function["Architectures"] == ["arm64"]
    assert function["Description"]


def test_no_log_is_kept_forever(estate: Estate) -> None:
    assert all(int(group["RetentionInDays"]) > 0 for group in estate.of_type("AWS::Logs::LogGroup").values())


def test_nothing_runs_while_nobody_asks(estate: Estate) -> None:
    kinds = {resource["Type"] for resource in estate.resources.values()}
    paid = ("AWS::EC2::", "AWS::ECS::", "AWS::RDS::", "AWS::ElastiCache::", "AWS::EKS::", "AWS::ElasticLoadBalancing")
    assert not [kind for kind in kinds if kind.startswith(paid)]
    assert not any("ProvisionedConcurrencyConfig" in r.get("Properties", {}) for r in estate.resources.values())


def test_make_learns_of_the_processor_by_where_it_stands() -> None:
    """sam tells a makefile build nothing else; without this an arm64 function could be given x86 libraries."""
    for architecture in TEMPLATE.document["Parameters"]["Architecture"]["AllowedValues"]:
        estate = Estate({"Architecture": architecture})
        layer = estate.source.resources["LlmCoreLayer"]
        folder = ROOT / estate.fill(layer["Metadata"]["WorkingDirectory"])
        assert estate.fill(layer["Metadata"]["BuildArchitecture"]) == architecture == folder.name
        (built,) = estate.of_type("AWS::Lambda::LayerVersion").values()
        assert built["CompatibleArchitectures"] == [architecture]
        machine = re.search(r"^MACHINE := (\w+)$", (folder / "machine.mk").read_text(), re.MULTILINE)
        assert machine is not None
        assert machine[1] == {"arm64": "aarch64", "x86_64": "x86_64"}[architecture]
        assert all(function["Architectures"] == [architecture] for function in estate.functions.values())


# ------------------------------------------------------------------------------------------------ permissions
LOG_DELIVERY = {f"logs:{act}LogDelivery" for act in ("Create", "Get", "Update", "Delete")} | {
    *("logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups"),
}
"""A state machine's own log: AWS knows no resources for these."""

OF_NOTHING = {"cloudwatch:GetMetricData"}
"""It reads figures, and AWS knows no resources for it either."""


def test_no_door_may_do_everything_or_reach_everything(estate: Estate) -> None:
    for statement in estate.statements():
        assert "NotAction" not in statement
        assert "NotResource" not in statement
        for action in listed(statement["Action"]):
            assert "*" not in action, f"{action} is more than one thing"
        for resource in listed(statement["Resource"]):
            knows_none = {*listed(statement["Action"])} <= LOG_DELIVERY | OF_NOTHING
            assert resource != "*" or knows_none, f"{statement['Action']} reaches everything"


def test_no_door_is_given_a_wide_managed_policy(estate: Estate) -> None:
    arns = {arn for role in estate.of_type("AWS::IAM::Role").values() for arn in role.get("ManagedPolicyArns", [])}
    ours = {f"<{name}>" for name in estate.of_type("AWS::IAM::ManagedPolicy")}
    assert {arn.partition(":policy/")[2] for arn in arns - ours} <= set(MANAGED)


def test_every_door_may_be_called_by_this_api_or_its_own_schedule_or_topic_only(estate: Estate) -> None:
    principals = {f"{service}.amazonaws.com" for service in ("apigateway", "events", "sns")}
    for permission in estate.of_type("AWS::Lambda::Permission").values():
        assert permission["Principal"] in principals
        assert permission["SourceArn"]


def allows(estate: Estate, door: str, action: str, arn: str) -> bool:
    return any(
        action in listed(statement["Action"])
        and any(fnmatch.fnmatchcase(arn, r) for r in listed(statement["Resource"]))
        for statement in estate.statements(door)
    )


@pytest.mark.parametrize("name", ["ai-platform/anthropic-api-key", "api-key/anthropic", "anthropic-key"])
def test_a_door_reads_the_parameter_that_its_reference_names_and_no_other(name: str) -> None:
    """An ARN has one slash before the name, whether the name begins with one or not: parameter/api-key/anthropic."""
    estate = Estate({"AnthropicKeyName": name})
    kind, _, parameter = estate.functions["GatewayChat"]["Environment"]["Variables"]["ANTHROPIC_API_KEY_REF"].partition(
        ":"
    )
    assert (kind, parameter) == ("ssm", f"/{name}")
    root = f"arn:{PARTITION}:ssm:{REGION}:{ACCOUNT}:parameter"
    assert allows(estate, "GatewayChat", "ssm:GetParameter", f"{root}/{name}")
    for other in (f"{name}-of-another", f"another/{name}", "api-key", "else"):
        assert not allows(estate, "GatewayChat", "ssm:GetParameter", f"{root}/{other}")
    elsewhere = f"arn:{PARTITION}:ssm:{REGION}:111111111111:parameter/{name}"
    assert not allows(estate, "GatewayChat", "ssm:GetParameter", elsewhere)
    assert not allows(estate, "GatewayModels", "ssm:GetParameter", f"{root}/{name}")


def test_a_door_reads_the_secret_that_its_reference_names_and_no_other() -> None:
    estate = ESTATES["secretsmanager"]
    reference = estate.functions["GatewayChat"]["Environment"]["Variables"]["OPENAI_API_KEY_REF"]
    name = reference.removeprefix("secretsmanager:")
    root = f"arn:{PARTITION}:secretsmanager:{REGION}:{ACCOUNT}:secret"
    assert allows(estate, "GatewayChat", "secretsmanager:GetSecretValue", f"{root}:{name}-AbCdEf")
    assert not allows(estate, "GatewayChat", "secretsmanager:GetSecretValue", f"{root}:another-AbCdEf")
    assert not allows(estate, "GatewayModels", "secretsmanager:GetSecretValue", f"{root}:{name}-AbCdEf")


def test_who_sets_budgets_makes_no_keys_and_who_keeps_provider_keys_reads_none() -> None:
    tables = {
        name: f"arn:{PARTITION}:dynamodb:{REGION}:{ACCOUNT}:table/<{name}>" for name in ("KeysTable", "AuditTable")
    }
    own = f"arn:{PARTITION}:ssm:{REGION}:{ACCOUNT}:parameter/drey-test/byok/sk-proj-abcdefghijkl/openai"
    for action in ("PutItem", "UpdateItem", "DeleteItem"):
        assert allows(DEV, "AccountsKeys", f"dynamodb:{action}", tables["KeysTable"])
        assert not allows(DEV, "AccountsBudget", f"dynamodb:{action}", tables["KeysTable"])
    for door in ("AccountsKeys", "AccountsBudget"):
        assert allows(DEV, door, "dynamodb:PutItem", tables["AuditTable"])
        assert not allows(DEV, door, "dynamodb:GetItem", tables["AuditTable"])
        for action in ("UpdateItem", "DeleteItem", "BatchWriteItem"):
            assert not allows(DEV, door, f"dynamodb:{action}", tables["AuditTable"]), "acts are added, never changed"
        assert not allows(DEV, door, "ssm:GetParameter", own)
        assert allows(DEV, door, "ssm:PutParameter", own) == (door == "AccountsKeys")


def test_only_the_store_in_use_is_open() -> None:
    """Callers' own provider keys are parameters wherever the platform's are kept."""
    for name, other in (("dev", "secretsmanager:"), ("secretsmanager", "ssm:")):
        statements = [s for s in ESTATES[name].statements() if "/byok/" not in str(s["Resource"])]
        actions = [action for statement in statements for action in listed(statement["Action"])]
        assert not [action for action in actions if action.startswith(other)]


@pytest.mark.parametrize("door", ["GatewayChat", "GatewayEmbeddings", "AgentsTurn", "AgentsTool"])
def test_callers_own_keys_can_be_read_where_models_are_called_and_nothing_beside_them(
    estate: Estate, door: str
) -> None:
    path = estate.functions[door]["Environment"]["Variables"]["BYOK_PATH"]
    root = f"arn:{PARTITION}:ssm:{REGION}:{ACCOUNT}:parameter"
    own = f"{root}{path}/sk-proj-AbCdEf123456/anthropic"
    assert allows(estate, door, "ssm:GetParameter", own)
    assert not allows(estate, door, "ssm:PutParameter", own)
    assert not allows(estate, door, "ssm:GetParameter", f"{root}/another-stack/byok/sk-proj-AbCdEf123456/anthropic")
    assert not allows(estate, "GatewayModels", "ssm:GetParameter", own)


def test_models_are_asked_by_a_schedule_only_where_an_operator_says_so() -> None:
    states = [
        rule["State"]
        for given in ({}, {"DriftCheckEnabled": "true"})
        for name, rule in Estate(given).of_type("AWS::Events::Rule").items()
        if name.startswith("OperationsDrift")
    ]
    assert states == ["DISABLED", "ENABLED"]


# ------------------------------------------------------------------------------------------------ secrets
def test_no_key_stands_in_the_template_or_in_an_environment(estate: Estate) -> None:
    keys = re.compile(r"sk-[A-Za-z0-9_-]{8,}|AKIA[A-Z0-9]{12,}|-----BEGIN")
    assert not keys.search(TEXT)
    for name, function in estate.functions.items():
        for variable, value in function["Environment"]["Variables"].items():
            assert not variable.endswith(("KEY", "SECRET", "TOKEN", "PASSWORD")), (
                f"{name}: {variable} would hold a secret"
            )
            if variable.endswith("_REF"):
                assert re.match(r"ssm:/|secretsmanager:", value), f"{name}: {variable} is no reference"


def test_a_base_url_that_is_not_given_is_not_set() -> None:
    names = {"ANTHROPIC_BASE_URL", "OPENAI_BASE_URL"}
    assert not names & set(DEV.functions["GatewayChat"]["Environment"]["Variables"])
    given = ESTATES["base urls"].functions["GatewayChat"]["Environment"]["Variables"]
    assert (given["ANTHROPIC_BASE_URL"], given["OPENAI_BASE_URL"]) == ("https://one.example", "https://two.example/v1")


# ------------------------------------------------------------------------------------------------ tables
def test_the_usage_table_is_keyed_by_user_and_time() -> None:
    table = DEV.resources["UsageTable"]["Properties"]
    types = {a["AttributeName"]: a["AttributeType"] for a in table["AttributeDefinitions"]}
    keys = {k["KeyType"]: k["AttributeName"] for k in table["KeySchema"]}
    assert types == {"userId": "S", "timestamp": "N"}
    assert keys == {"HASH": "userId", "RANGE": "timestamp"}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}


MAY_BE_LOST = {"HealthTable", "RollUpsTable", "ReuseTable", "LiveTable"}  # found out, summed, asked, opened again


@pytest.mark.parametrize("name", DEV.of_type("AWS::DynamoDB::Table"))
def test_a_table_costs_by_use_and_is_encrypted(name: str) -> None:
    table = DEV.resources[name]["Properties"]
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["SSESpecification"]["SSEEnabled"] is True


@pytest.mark.parametrize("name", sorted(DEV.of_type("AWS::DynamoDB::Table").keys() - MAY_BE_LOST))
def test_a_table_can_be_restored_and_outlives_its_stack(name: str) -> None:
    for stage, protected in (("dev", False), ("prod", True)):
        resource = ESTATES[stage].resources[name]
        table = resource["Properties"]
        assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
        assert table["DeletionProtectionEnabled"] is protected
        assert resource["DeletionPolicy"] in ("Retain", "RetainExceptOnCreate")
        assert resource["UpdateReplacePolicy"] == "Retain"


# ------------------------------------------------------------------------------------------------ streams
MAPPINGS = DEV.of_type("AWS::Lambda::EventSourceMapping")


@pytest.mark.parametrize("name", MAPPINGS)
def test_what_a_stream_delivers_is_never_lost_silently(name: str) -> None:
    mapping = MAPPINGS[name]
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["BisectBatchOnFunctionError"] is True, "one bad record must not take a hundred with it"
    assert 0 < mapping["MaximumRetryAttempts"] <= 100, "without a bound it blocks its shard for a day"
    queue = mapping["DestinationConfig"]["OnFailure"]["Destination"]["Fn::GetAtt"][0]
    assert DEV.resources[queue]["Properties"]["SqsManagedSseEnabled"] is True
    assert DEV.resources[queue]["Properties"]["MessageRetentionPeriod"] == 14 * 86_400


@pytest.mark.parametrize("name", MAPPINGS)
def test_a_door_reads_its_own_stream_and_no_other(name: str) -> None:
    table, attribute = MAPPINGS[name]["EventSourceArn"]["Fn::GetAtt"]
    assert attribute == "StreamArn"
    assert DEV.resources[table]["Properties"]["StreamSpecification"]
    door = MAPPINGS[name]["FunctionName"].strip("<>")
    (read,) = (s["Resource"] for s in DEV.statements(door) if "dynamodb:GetRecords" in listed(s["Action"]))
    label = {"Fn::Select": [3, {"Fn::Split": ["/", {"Fn::GetAtt": [table, "StreamArn"]}]}]}
    assert read == f"arn:{PARTITION}:dynamodb:{REGION}:{ACCOUNT}:table/<{table}>/stream/{label}"


# ------------------------------------------------------------------------------------------------ alerts
def test_alerts_go_only_where_somebody_asked_for_them() -> None:
    for name, wanted in (("dev", set()), ("all channels", {"DISCORD_WEBHOOK_REF", "SLACK_WEBHOOK_REF"})):
        given = ESTATES[name].functions["OperationsAlert"]["Environment"]["Variables"]
        assert {variable for variable in given if variable.endswith("_REF")} == wanted
        reads = [s for s in ESTATES[name].statements("OperationsAlert") if "ssm:GetParameter" in listed(s["Action"])]
        assert len(reads) == len(wanted)
    root = f"arn:{PARTITION}:ssm:{REGION}:{ACCOUNT}:parameter"
    assert allows(ESTATES["all channels"], "OperationsAlert", "ssm:GetParameter", f"{root}/chat/slack")
    assert not allows(ESTATES["all channels"], "OperationsAlert", "ssm:GetParameter", f"{root}/chat/other")
    mail = DEV.source.resources["AlertsByEmail"]
    assert mail["Condition"] == "HasAlertEmail"
    assert DEV.source.document["Conditions"]["HasAlertEmail"] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "AlertEmail"}, ""]}]
    }


def test_an_alert_that_is_not_delivered_is_repeated_and_then_kept() -> None:
    configured = {each["FunctionName"]: each for each in DEV.of_type("AWS::Lambda::EventInvokeConfig").values()}
    repeated = configured["<OperationsAlert>"]
    assert repeated["MaximumRetryAttempts"] == 2
    queue = {"Fn::GetAtt": ["UndeliveredQueue", "Arn"]}
    assert repeated["DestinationConfig"] == {"OnFailure": {"Destination": queue}}
    sends = [s["Resource"] for s in DEV.statements("OperationsAlert") if "sqs:SendMessage" in listed(s["Action"])]
    assert sends == [queue]
    kept = DEV.resources["UndeliveredQueue"]["Properties"]
    assert kept["SqsManagedSseEnabled"] is True
    assert kept["MessageRetentionPeriod"] == 14 * 86_400


# ------------------------------------------------------------------------------------------------ sayings
def test_a_round_of_sayings_that_failed_or_is_late_is_not_repeated() -> None:
    configured = {each["FunctionName"]: each for each in DEV.of_type("AWS::Lambda::EventInvokeConfig").values()}
    assert configured["<SayingsBuildCache>"]["MaximumRetryAttempts"] == 0
    assert configured["<SayingsBuildCache>"]["MaximumEventAgeInSeconds"] == 60


def test_the_doors_of_sayings_may_do_what_they_do_and_no_more() -> None:
    humor, feedback, sums = ({"Fn::GetAtt": [name, "Arn"]} for name in SAYINGS)
    allowed = {
        "SayingsGetSaying": {("Query", str(humor)), ("PutItem", str(humor))},
        "SayingsBuildCache": {("PutItem", str(humor))},
        "SayingsProcessFeedback": {
            *(("GetItem", str(humor)), ("UpdateItem", str(humor))),
            *(("PutItem", str(feedback)), ("UpdateItem", str(sums))),
        },
        "SayingsStats": {("Query", str(sums))},
    }
    for door, expected in allowed.items():
        found = {
            (action.removeprefix("dynamodb:"), str(resource))
            for statement in DEV.statements(door)
            for action in listed(statement["Action"])
            for resource in listed(statement["Resource"])
            if any(name in str(resource) for name in SAYINGS) and "/index/" not in str(resource)
        }
        assert found == expected, door
    invoked = [s["Resource"] for s in DEV.statements() if "lambda:InvokeFunction" in listed(s["Action"])]
    assert {"Fn::GetAtt": ["SayingsBuildCache", "Arn"]} in invoked


SAYINGS = ("MainHumorTable", "SayingFeedbackTable", "SayingSumsTable")


# ------------------------------------------------------------------------------------------------ the text
def test_no_region_account_or_partition_is_written_down() -> None:
    """us-gov and China have other partitions, and an estate may stand in any region."""
    services = ("apigateway", "cloudfront", "cloudwatch")  # so called in every partition
    everywhere = [f"{name}.amazonaws.com" for name in services]
    written = r"arn:aws[:-]|\b(us|eu|ap|sa|ca|me|af|il|cn|mx)-[a-z]+-\d\b|\b\d{12}\b|amazonaws\.com"
    found = [
        f"{path.name}:{number}: {line.strip()}"
        for path in (ROOT / "template.yaml", *(ROOT / "stacks").glob("*.yaml"))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(written, re.sub("|".join(map(re.escape, everywhere)), "", line))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", TEMPLATE.document["Parameters"])
def test_a_parameter_says_what_it_is_for(name: str) -> None:
    parameter = TEMPLATE.document["Parameters"][name]
    assert parameter["Type"]
    assert len(parameter["Description"]) > 10
    assert "Default" in parameter, "a first deployment asks nothing"


def test_there_is_a_stage_for_every_occasion() -> None:
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    names = set()
    for stage in ("dev", "staging", "prod", "ci", "local"):
        deploy = config[stage]["deploy"]["parameters"]
        names.add(deploy["stack_name"])
        assert deploy["capabilities"] == "CAPABILITY_IAM CAPABILITY_AUTO_EXPAND", "roles without names, and one loop"
        tables = [v["parameters"].get("parameter_overrides", "") for v in config[stage].values()]
        overrides = dict(pair.split("=", 1) for pair in " ".join(tables).split())
        assert overrides["Stage"] == stage
        assert set(overrides) <= set(TEMPLATE.document["Parameters"])
    assert len(names) == 5, "each stage is a stack of its own"


def test_what_decides_the_build_is_told_to_the_build() -> None:
    """`sam build` does not read the deploy table: an Architecture there would be deployed with another's libraries."""
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    for stage, verbs in config.items():
        if isinstance(verbs, dict):
            told = verbs.get("deploy", {}).get("parameters", {}).get("parameter_overrides", "")
            assert "Architecture" not in told, f"[{stage}]: move Architecture to [{stage}.global.parameters]"


def test_every_stage_is_built_with_the_loop_that_a_stack_has() -> None:
    """Without the word `sam build` fails at stacks/doors.yaml."""
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    for stage in ("default", "dev", "staging", "prod", "ci", "local"):
        assert config[stage]["global"]["parameters"]["language_extensions"] is True, stage


def test_cfn_lint_finds_nothing() -> None:
    lint = Path(sys.executable).with_name("cfn-lint")
    templates = [ROOT / "template.yaml", *(ROOT / "stacks").glob("*.yaml")]
    regions = ("us-east-1", "eu-central-1")  # China has no Cognito groups
    done = subprocess.run(
        [lint, "--regions", *regions, "--template", *templates], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
