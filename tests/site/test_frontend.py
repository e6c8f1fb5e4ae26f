"""stacks/frontend.yaml: the site's bucket, its CloudFront distribution, its names and mail records, its alarm."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from local.site import headers
from local.template import Template
from tests.estate import ROOT

STACK = Template(ROOT / "stacks/frontend.yaml", {"SignInUrl": "https://sign-in.example"})
RESOURCES = STACK.resources
DISTRIBUTION: dict[str, Any] = RESOURCES["Distribution"]["Properties"]["DistributionConfig"]
BEHAVIOURS = [DISTRIBUTION["DefaultCacheBehavior"], *DISTRIBUTION["CacheBehaviors"]]
ORIGINS = {origin["Id"]: origin for origin in DISTRIBUTION["Origins"]}
TO_THE_API = {behaviour["PathPattern"]: behaviour for behaviour in DISTRIBUTION["CacheBehaviors"]}
REWRITE = {"EventType": "viewer-request", "FunctionARN": {"Fn::GetAtt": ["Rewrite", "FunctionMetadata.FunctionARN"]}}


def properties(name: str) -> dict[str, Any]:
    found: dict[str, Any] = RESOURCES[name]["Properties"]
    return found


def records() -> Iterator[tuple[str, dict[str, Any]]]:
    for name in ("Names", "Mail", "NoMail"):
        yield from ((name, record) for record in properties(name)["RecordSets"])


def test_the_bucket_is_private_whatever_its_policy_would_say() -> None:
    assert set(properties("SiteBucket")["PublicAccessBlockConfiguration"].values()) == {True}
    allow, deny = properties("SiteBucketPolicy")["PolicyDocument"]["Statement"]
    assert allow["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    assert "${Distribution}" in allow["Condition"]["StringEquals"]["AWS:SourceArn"]["Fn::Sub"]
    assert (deny["Effect"], deny["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_cloudfront_signs_every_request_to_the_bucket() -> None:
    config = properties("SiteAccess")["OriginAccessControlConfig"]
    assert (config["SigningBehavior"], config["SigningProtocol"]) == ("always", "sigv4")
    assert ORIGINS["site"]["OriginAccessControlId"] == {"Ref": "SiteAccess"}


def test_nothing_is_answered_in_the_clear() -> None:
    assert {behaviour["ViewerProtocolPolicy"] for behaviour in BEHAVIOURS} == {"redirect-to-https", "https-only"}
    assert DISTRIBUTION["ViewerCertificate"]["Fn::If"][1]["MinimumProtocolVersion"] == "TLSv1.2_2021"
    for origin in ("stage", "api", "live"):
        assert ORIGINS[origin]["CustomOriginConfig"]["OriginProtocolPolicy"] == "https-only"


def test_site_api_and_socket_are_on_one_domain() -> None:
    assert {path: behaviour["TargetOriginId"] for path, behaviour in TO_THE_API.items()} == {
        "/v1/*": "api",
        "/api/*": "stage",
        "/live": "live",
    }
    assert ORIGINS["api"]["OriginPath"] == "/api"
    assert "OriginPath" not in ORIGINS["stage"]
    assert "HEAD" in DISTRIBUTION["DefaultCacheBehavior"]["AllowedMethods"]


@pytest.mark.parametrize("path", TO_THE_API)
def test_the_api_is_passed_on_untouched_and_in_time_for_a_slow_answer(path: str) -> None:
    behaviour = TO_THE_API[path]
    assert behaviour["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"  # CachingDisabled
    assert behaviour["OriginRequestPolicyId"] == "b689b0a8-53d0-40ab-baf2-68738e2966ac"  # AllViewerExceptHostHeader
    assert behaviour["Compress"] is False
    assert {"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"} == set(behaviour["AllowedMethods"])
    assert behaviour["FunctionAssociations"] == [REWRITE]
    origin = ORIGINS[behaviour["TargetOriginId"]]
    assert origin["CustomOriginConfig"]["OriginReadTimeout"] == 120
    (proof,) = origin["OriginCustomHeaders"]["Fn::If"][1]
    assert proof == {"HeaderName": "x-origin-verify", "HeaderValue": {"Ref": "OriginVerify"}}


def test_no_error_of_the_api_becomes_a_page() -> None:
    assert "CustomErrorResponses" not in DISTRIBUTION


def test_every_file_has_the_headers_that_keep_a_page_to_itself() -> None:
    assert DISTRIBUTION["DefaultCacheBehavior"]["ResponseHeadersPolicyId"] == {"Ref": "Headers"}
    sent = headers(STACK)
    assert "connect-src 'self' https://sign-in.example;" in sent["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in sent["Content-Security-Policy"]
    assert (sent["X-Content-Type-Options"], sent["X-Frame-Options"]) == ("nosniff", "DENY")
    transport = properties("Headers")["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]["StrictTransportSecurity"]
    assert transport["AccessControlMaxAgeSec"] >= 31_536_000


def test_apex_and_www_lead_to_cloudfront_over_both_protocols() -> None:
    names = [(record["Name"], record["Type"]) for record in properties("Names")["RecordSets"]]
    apex, www = {"Ref": "DomainName"}, {"Fn::Sub": "www.${DomainName}"}
    assert names == [(apex, "A"), (apex, "AAAA"), (www, "A"), (www, "AAAA")]
    assert RESOURCES["Names"]["Condition"] == "HasDomain"


def test_the_certificate_covers_both_names_and_proves_them_by_dns() -> None:
    certificate = properties("Certificate")
    assert certificate["ValidationMethod"] == "DNS"
    assert certificate["SubjectAlternativeNames"] == [{"Fn::Sub": "www.${DomainName}"}]


def test_mail_in_the_domains_name_is_the_mail_servers_or_nobodys() -> None:
    def texts(group: str) -> list[Any]:
        return [record["ResourceRecords"] for name, record in records() if name == group and record["Type"] == "TXT"]

    spf, dmarc = texts("Mail")
    assert spf == [{"Fn::Sub": '"${SpfRecord}"'}]
    assert STACK.document["Parameters"]["SpfRecord"]["Default"].startswith("v=spf1 include:_spf.google.com ")
    assert all("v=DMARC1; p=quarantine" in str(word) for word in dmarc[0]["Fn::If"][1:])
    assert texts("NoMail") == [['"v=spf1 -all"'], ['"v=DMARC1; p=reject"']]
    assert [record["ResourceRecords"] for _, record in records() if record["Type"] == "MX"] == [
        {"Ref": "MailServers"},
        ["0 ."],
    ]


def test_server_errors_of_the_site_tell_somebody() -> None:
    alarm = properties("ServerErrors")
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/CloudFront", "5xxErrorRate")
    assert {"Name": "Region", "Value": "Global"} in alarm["Dimensions"]
    assert alarm["AlarmActions"] == [{"Ref": "Alarms"}]


def test_a_deployment_of_the_site_changes_nothing_of_the_platform() -> None:
    kinds = {resource["Type"].split("::")[1] for resource in RESOURCES.values()}
    assert kinds == {"S3", "CloudFront", "Route53", "CertificateManager", "SNS", "CloudWatch"}
    platform = (ROOT / "template.yaml").read_text()
    assert "frontend.yaml" not in platform


def test_the_functions_are_the_files_of_the_edge() -> None:
    functions = STACK.of_type("AWS::CloudFront::Function").values()
    codes = {function["Properties"]["FunctionCode"] for function in functions}
    assert codes == {f"edge/{file.name}" for file in (ROOT / "edge").glob("*.js")}
