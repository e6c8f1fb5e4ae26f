"""What a door is told by its environment."""

from collections.abc import Iterator

import pytest

from llm_core.errors import Misconfigured
from llm_core.settings import settings


@pytest.fixture(autouse=True)
def _read_afresh() -> Iterator[None]:
    settings.cache_clear()
    yield
    settings.cache_clear()


def test_each_setting_is_the_variable_of_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGE", "prod")
    monkeypatch.setenv("USAGE_TABLE_NAME", "the-table")
    assert settings().is_prod
    assert settings().need("usage_table_name") == "the-table"


def test_a_missing_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KEYS_TABLE_NAME", raising=False)
    with pytest.raises(Misconfigured, match="KEYS_TABLE_NAME"):
        settings().need("keys_table_name")


def test_a_wrong_setting_is_named_with_the_reason_and_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKUP_PERCENT", "plenty")
    with pytest.raises(Misconfigured, match="MARKUP_PERCENT") as wrong:
        settings()
    assert "plenty" not in wrong.value.message


def test_an_empty_variable_is_a_missing_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "")
    assert settings().anthropic_base_url == ""
