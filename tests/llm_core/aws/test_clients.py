"""boto3's clients, against a server that is not AWS."""

from __future__ import annotations

import pytest

from llm_core.aws import clients, table
from llm_core.errors import StoreUnavailable
from tests.conftest import Platform
from tests.faults.troubled_aws import standing_before


def test_a_page_for_people_is_no_item_that_is_missing(inside: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else an account would be taken for unopened, and a usage row for written."""
    with standing_before(inside.environment["AWS_ENDPOINT_URL"]) as trouble:
        monkeypatch.setenv("AWS_ENDPOINT_URL", trouble.url)
        clients._clients.clear()
        name = inside.environment["BUDGETS_TABLE_NAME"]
        assert table.get(name, {"userId": "user:nobody"}) is None
        trouble.begin("DynamoDB", "garbage")
        with pytest.raises(StoreUnavailable):
            table.get(name, {"userId": "user:nobody"})
        with pytest.raises(StoreUnavailable):
            table.put_new(name, {"userId": "user:nobody"}, key="userId")
