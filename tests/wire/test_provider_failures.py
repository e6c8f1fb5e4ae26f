"""What a caller sees when the provider fails: the SDK's own exception, the reason, no secret, no charge."""

import time

import openai
import pytest

from tests.conftest import Platform, fresh

HELLO = [{"role": "user", "content": "Hello"}]

REFUSED = [
    ({"kind": "status", "code": 400}, openai.BadRequestError, 400, "invalid_request", "false"),
    ({"kind": "context_length"}, openai.BadRequestError, 400, "context_length_exceeded", None),
    ({"kind": "status", "code": 401}, openai.InternalServerError, 502, "provider_error", "false"),
    ({"kind": "status", "code": 403}, openai.InternalServerError, 502, "provider_error", "false"),
    ({"kind": "status", "code": 429, "retry_after": 7}, openai.InternalServerError, 503, "provider_overloaded", "true"),
    ({"kind": "status", "code": 500}, openai.InternalServerError, 502, "provider_error", "true"),
    ({"kind": "status", "code": 529}, openai.InternalServerError, 503, "provider_overloaded", "true"),
    ({"kind": "reset"}, openai.InternalServerError, 502, "provider_error", "true"),
    ({"kind": "html_page"}, openai.InternalServerError, 502, "provider_error", "true"),
    ({"kind": "wrong_shape"}, openai.InternalServerError, 502, "provider_error", "true"),
]


@pytest.mark.parametrize("family", ["alone", "gpt"])
@pytest.mark.parametrize(("fault", "kind", "status", "code", "retry"), REFUSED, ids=lambda value: str(value)[:40])
def test_a_failure_is_told_as_what_it_is(
    understudy: Platform,
    family: str,
    fault: dict[str, object],
    kind: type[openai.APIStatusError],
    status: int,
    code: str,
    retry: str | None,
) -> None:
    understudy.order(fault)
    client = openai.OpenAI(base_url=f"{understudy.url}/v1", api_key=understudy.key, max_retries=0)

    with pytest.raises(kind) as raised:
        client.chat.completions.create(model=fresh(family), messages=HELLO)  # type: ignore[arg-type]

    assert raised.value.status_code == status
    assert raised.value.code == code
    assert raised.value.request_id
    assert raised.value.response.headers.get("x-should-retry") == (retry if status >= 500 else None)


def test_a_providers_retry_after_reaches_the_caller(understudy: Platform) -> None:
    understudy.order({"kind": "status", "code": 429, "retry_after": 7})
    client = openai.OpenAI(base_url=f"{understudy.url}/v1", api_key=understudy.key, max_retries=0)
    with pytest.raises(openai.InternalServerError) as raised:
        client.chat.completions.create(model=fresh("alone"), messages=HELLO)  # type: ignore[arg-type]
    assert raised.value.response.headers["retry-after"] == "7"


def test_the_platform_asks_three_times_and_leaves_the_sdks_own_retries_off(understudy: Platform) -> None:
    understudy.order({"kind": "status", "code": 500})
    before = len(understudy.asked(10_000))
    client = openai.OpenAI(base_url=f"{understudy.url}/v1", api_key=understudy.key, max_retries=0)
    with pytest.raises(openai.InternalServerError):
        client.chat.completions.create(model=fresh("alone"), messages=HELLO)  # type: ignore[arg-type]
    assert len(understudy.asked(10_000)) == before + 3


def test_a_silent_provider_ends_in_a_504_when_one_in_health_would_have_answered(understudy: Platform) -> None:
    understudy.order({"kind": "silence"})
    client = openai.OpenAI(base_url=f"{understudy.url}/v1", api_key=understudy.key, max_retries=0, timeout=60)
    began = time.monotonic()
    with pytest.raises(openai.InternalServerError) as raised:
        client.chat.completions.create(model=fresh("alone"), messages=HELLO, max_tokens=50)  # type: ignore[arg-type]
    assert (raised.value.status_code, raised.value.code) == (504, "timeout")
    assert time.monotonic() - began < 29, "as long as a slow model in health needs for 50 tokens"
