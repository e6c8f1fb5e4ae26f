"""stacks/identity.yaml, and how template.yaml uses it: who may sign in, and that nobody is locked out by a mistake."""

from __future__ import annotations

import json
import os
from typing import Any
from uuid import uuid4

import boto3
import pytest

from local.template import Template
from tests.conftest import Platform
from tests.estate import ROOT, Estate

STACK = Template(ROOT / "stacks/identity.yaml").document
ESTATE = Estate({"Stage": "dev"})


def properties(name: str) -> dict[str, Any]:
    found: dict[str, Any] = STACK["Resources"][name]["Properties"]
    return found


@pytest.mark.parametrize("name", ["UserPool", "SiteClient", "ContentKey"])
def test_people_and_keys_outlive_the_stack(name: str) -> None:
    assert STACK["Resources"][name]["DeletionPolicy"] == "RetainExceptOnCreate"
    assert STACK["Resources"][name]["UpdateReplacePolicy"] == "Retain"


def test_in_prod_the_pool_cannot_be_deleted() -> None:
    assert properties("UserPool")["DeletionProtection"] == {"Fn::If": ["IsProd", "ACTIVE", "INACTIVE"]}


def test_a_second_start_finds_the_same_people(inside: Platform) -> None:
    """The local AWS listens elsewhere at each start, so that the nested stack has another address and is updated."""
    shop, stacks = boto3.client("s3"), boto3.client("cloudformation")
    bucket = f"identity-{uuid4().hex}"
    shop.create_bucket(Bucket=bucket)
    outputs = []
    for number, change in enumerate((stacks.create_stack, stacks.update_stack)):
        shop.put_object(Bucket=bucket, Key=f"{number}.json", Body=json.dumps(STACK).encode())
        parameters = dict.fromkeys(STACK["Parameters"], "") | {"Stage": "dev", "SiteUrl": f"http://127.0.0.1:{number}"}
        own = {"TemplateURL": f"{os.environ['AWS_ENDPOINT_URL']}/{bucket}/{number}.json", "Parameters": parameters}
        told = {name: {"Value": {"Fn::GetAtt": ["Identity", f"Outputs.{name}"]}} for name in STACK["Outputs"]}
        above = {"Resources": {"Identity": {"Type": "AWS::CloudFormation::Stack", "Properties": own}}, "Outputs": told}
        change(StackName=bucket, TemplateBody=json.dumps(above), Capabilities=["CAPABILITY_IAM"])
        (found,) = stacks.describe_stacks(StackName=bucket)["Stacks"]
        while found["StackStatus"].endswith("IN_PROGRESS"):
            (found,) = stacks.describe_stacks(StackName=bucket)["Stacks"]
        assert found["StackStatus"] == ("CREATE_COMPLETE", "UPDATE_COMPLETE")[number]
        outputs.append({each["OutputKey"]: each["OutputValue"] for each in found["Outputs"]})
    assert outputs[0] == outputs[1]
    pool = boto3.client("cognito-idp").describe_user_pool(UserPoolId=outputs[0]["UserPoolId"])["UserPool"]
    assert outputs[0]["UserPoolArn"] == pool["Arn"]
    key = boto3.client("kms").describe_key(KeyId=outputs[0]["ContentKeyArn"])["KeyMetadata"]
    assert outputs[0]["ContentKeyArn"] == key["Arn"]
    stacks.delete_stack(StackName=bucket)


def test_nobody_signs_up_by_themselves() -> None:
    assert properties("UserPool")["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] is True
    assert properties("SiteClient")["PreventUserExistenceErrors"] == "ENABLED"


def test_the_site_signs_in_by_pkce_without_a_secret_and_without_passing_passwords() -> None:
    client = properties("SiteClient")
    assert client["GenerateSecret"] is False
    assert client["AllowedOAuthFlows"] == ["code"]
    assert "ALLOW_USER_PASSWORD_AUTH" not in client["ExplicitAuthFlows"]
    assert client["EnableTokenRevocation"] is True


def test_a_company_signs_its_people_in_only_where_it_was_named() -> None:
    for name, condition in (("OidcProvider", "HasOidc"), ("SamlProvider", "HasSaml")):
        assert STACK["Resources"][name]["Condition"] == condition
        assert {"Fn::If": [condition, {"Ref": name}, {"Ref": "AWS::NoValue"}]} in (
            properties("SiteClient")["SupportedIdentityProviders"]
        )
    secret = properties("OidcProvider")["ProviderDetails"]["client_secret"]
    assert secret == {"Fn::Sub": "{{resolve:secretsmanager:${OidcSecretName}}}"}, "a reference, never the secret"


def test_the_groups_are_those_that_doors_ask_for() -> None:
    from llm_core.people import ADMIN, WRITERS

    groups = {r["Properties"]["GroupName"] for r in STACK["Resources"].values() if r["Type"].endswith("UserPoolGroup")}
    assert groups == {WRITERS, ADMIN}


def test_the_stack_is_given_all_it_asks_for_by_parameters_of_the_template() -> None:
    given = ESTATE.source.resources["Identity"]["Properties"]["Parameters"]
    assert set(given) == set(STACK["Parameters"])
    assert all(value == {"Ref": name} for name, value in given.items())


def test_the_api_believes_the_tokens_of_this_pool() -> None:
    (api,) = ESTATE.of_type("AWS::ApiGateway::RestApi").values()
    (scheme,) = (s for s in api["Body"]["components"]["securitySchemes"].values() if s["name"] == "Authorization")
    authorizer = scheme["x-amazon-apigateway-authorizer"]
    assert authorizer["type"] == "cognito_user_pools"
    assert authorizer["providerARNs"] == [{"Fn::GetAtt": ["Identity", "Outputs.UserPoolArn"]}]
