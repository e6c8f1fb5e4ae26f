"""What a door is told by its environment; template.yaml is where each name is set."""

from __future__ import annotations

import os
from decimal import Decimal
from functools import cache
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from llm_core.errors import Misconfigured


class Settings(BaseModel):
    """Field `usage_table_name` is variable USAGE_TABLE_NAME; secrets stand here only as references."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    stage: Literal["dev", "staging", "prod", "ci", "local"] = "dev"
    drey_version: str = "unknown"
    markup_percent: Decimal = Field(default=Decimal(2), ge=0, le=100)
    allowed_origin: str = "*"
    keys_table_name: str = ""
    usage_table_name: str = ""
    budgets_table_name: str = ""
    audit_table_name: str = ""
    user_pool_client_id: str = ""
    content_table_name: str = ""
    content_bucket_name: str = ""
    site_url: str = ""
    api_name: str = ""
    publish_function_arn: str = ""
    publish_role_arn: str = ""
    publish_schedule_group: str = ""
    undelivered_queue_arn: str = ""
    origin_verify_ref: str = ""
    roll_ups_table_name: str = ""
    reuse_table_name: str = ""
    runs_table_name: str = ""
    runs_bucket_name: str = ""
    agent_machine_arn: str = ""
    main_humor_table_name: str = ""
    saying_feedback_table_name: str = ""
    saying_sums_table_name: str = ""
    sayings_build_function: str = ""
    live_table_name: str = ""
    live_endpoint: str = ""
    live_complete_function: str = ""
    live_watch_function: str = ""
    agent_http_hosts: str = ""
    byok_path: str = ""
    usage_retention_days: int = Field(default=400, ge=1)
    anthropic_api_key_ref: str = ""
    anthropic_base_url: str = ""
    openai_api_key_ref: str = ""
    openai_base_url: str = ""
    anthropic_bedrock_base_url: str = ""
    health_table_name: str = ""
    alerts_topic_arn: str = ""
    discord_webhook_ref: str = ""
    slack_webhook_ref: str = ""
    budget_alerts_enabled: bool = True
    drey_overlay: str = ""

    @property
    def is_prod(self) -> bool:
        return self.stage == "prod"

    def need(self, name: str) -> str:
        """The value of a setting this door cannot work without. Raises Misconfigured, naming the variable."""
        value = str(getattr(self, name))
        if not value:
            raise Misconfigured(f"The environment variable {name.upper()} is not set on this function.")
        return value


def in_prod() -> bool:
    """Whether words must be kept out of the log; a stage that is none of ours counts as prod."""
    return (os.environ.get("STAGE") or "dev") not in {"dev", "staging", "ci", "local"}


@cache
def settings() -> Settings:
    """The environment, read once. Raises Misconfigured, naming every variable that is wrong."""
    present = {name: os.environ[name.upper()] for name in Settings.model_fields if os.environ.get(name.upper())}
    try:
        return Settings.model_validate(present)
    except ValidationError as error:
        wrong = "; ".join(f"{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors(include_input=False))
        raise Misconfigured(f"The environment of this function is wrong: {wrong}") from error
