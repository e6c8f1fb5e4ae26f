"""The site's way to AWS: how long each file may be kept, what stays and what goes, and a stack that fits."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from local import site_deployment
from local.emulator import client
from local.project import CannotStart, Project
from tests.conftest import Platform
from tests.estate import ROOT

TOLD = {"signInUrl": "https://sign-in.example", "clientId": "abc"}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """An export."""
    for name in ("index.html", "404/index.html", "blog/old/index.html", "_next/static/a.js", "theme.js", "icon.svg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


@pytest.fixture
def s3(platform: Platform) -> Any:
    return client("s3", platform.environment["AWS_ENDPOINT_URL"])


@pytest.fixture
def bucket(s3: Any) -> str:
    name = f"site-{uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    return name


def test_every_file_says_what_it_is_and_how_long_it_may_be_kept(s3: Any, bucket: str, out: Path) -> None:
    site_deployment.upload(s3, bucket, out, TOLD)
    found = {name: s3.head_object(Bucket=bucket, Key=name) for name in ("index.html", "_next/static/a.js", "icon.svg")}
    assert {name: (head["CacheControl"], head["ContentType"]) for name, head in found.items()} == {
        "index.html": ("public, max-age=0, must-revalidate", "text/html; charset=utf-8"),
        "_next/static/a.js": ("public, max-age=31536000, immutable", "text/javascript; charset=utf-8"),
        "icon.svg": ("public, max-age=0, must-revalidate", "image/svg+xml"),
    }
    assert s3.head_object(Bucket=bucket, Key="404/index.html")["Metadata"] == {"status": "404"}
    assert found["index.html"]["Metadata"] == {}
    site = s3.get_object(Bucket=bucket, Key="site.json")
    assert (site["CacheControl"], json.loads(site["Body"].read())) == ("no-store", TOLD)


def test_a_page_that_went_goes_and_scripts_of_the_build_before_stay(s3: Any, bucket: str, out: Path) -> None:
    site_deployment.upload(s3, bucket, out, TOLD)
    shutil.rmtree(out / "blog")
    (out / "_next/static/a.js").rename(out / "_next/static/b.js")
    site_deployment.upload(s3, bucket, out, TOLD)
    there = {item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]}
    assert "blog/old/index.html" not in there
    assert {"_next/static/a.js", "_next/static/b.js", "index.html", "site.json"} <= there


def test_the_stack_has_the_code_of_the_edge_and_fits_into_one_request(out: Path) -> None:
    text = site_deployment.body(ROOT, out)
    assert len(text.encode()) <= 51_200
    resources = json.loads(text)["Resources"]
    assert '"pages":["/","/blog/old/"]' in resources["Rewrite"]["Properties"]["FunctionCode"]
    assert "x-amz-meta-status" in resources["Status"]["Properties"]["FunctionCode"]


def test_a_stage_may_name_a_domain(tmp_path: Path) -> None:
    (tmp_path / "samconfig.toml").write_text(
        "[prod.site.parameters]\nparameter_overrides = \"DomainName=a.example 'MailServers=1 smtp.google.com'\"\n"
    )
    assert Project(tmp_path).site_parameters("prod") == {"DomainName": "a.example", "MailServers": "1 smtp.google.com"}
    assert Project(tmp_path).site_parameters("dev") == {}


def test_a_deployment_makes_the_stack_beside_the_platforms_and_fills_its_bucket(
    inside: Platform, s3: Any, out: Path, tmp_path: Path
) -> None:
    root = tmp_path / "checkout"
    for folder in ("edge", "stacks"):
        shutil.copytree(ROOT / folder, root / folder)
    shutil.copy(ROOT / "samconfig.toml", root)
    shutil.copytree(out, root / "site/out", ignore=shutil.ignore_patterns("checkout"))
    first = site_deployment.deploy(Project(root), "local")
    assert first.startswith("https://")
    (root / "site/out/new").mkdir()
    (root / "site/out/new/index.html").write_text("new")
    assert site_deployment.deploy(Project(root), "local") == first
    cloudformation = client("cloudformation", inside.environment["AWS_ENDPOINT_URL"])
    bucket = site_deployment._outputs(cloudformation, "drey-local-site")["SiteBucketName"]
    assert s3.get_object(Bucket=bucket, Key="new/index.html")["Body"].read() == b"new"
    told = json.loads(s3.get_object(Bucket=bucket, Key="site.json")["Body"].read())
    assert told["clientId"] == inside.outputs["UserPoolClientId"]


def test_without_a_platform_there_is_nothing_to_put_a_site_before(inside: Platform, out: Path) -> None:
    with pytest.raises(CannotStart, match="cannot be deployed"):
        site_deployment.deploy(Project(ROOT), "staging")
