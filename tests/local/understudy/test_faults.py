"""Every fault, as the official SDKs see it."""

import base64
import json
from collections.abc import Callable
from typing import Any, get_args

import anthropic
import botocore.eventstream
import httpx2
import openai
import pytest

from local.understudy import catalogue

HELLO: Any = [{"role": "user", "content": "What does a squirrel eat in winter?"}]
CLAUDE: Any = {"model": "claude-opus-4-7", "max_tokens": 200, "messages": HELLO}
GPT: Any = {"model": "gpt-5.4", "messages": HELLO}
NOVA: Any = {"model": "global.anthropic.claude-opus-4-7", "max_tokens": 200, "messages": HELLO}

type Asks = dict[str, Callable[..., Any]]


@pytest.fixture
def asks(claude: anthropic.Anthropic, gpt: openai.OpenAI, bedrock: anthropic.AnthropicBedrock) -> Asks:
    """Each provider asked the same thing; `stream=True` gives the events."""
    return {
        "anthropic": lambda **more: claude.messages.create(**CLAUDE, **more),
        "openai": lambda **more: gpt.chat.completions.create(**GPT, **more),
        "bedrock": lambda **more: bedrock.messages.create(**NOVA, **more),
    }


@pytest.fixture
def asked_quickly(claude: anthropic.Anthropic, gpt: openai.OpenAI) -> Asks:
    """The same with a patience of 0.3 s."""
    quick_claude, quick_gpt = claude.with_options(timeout=0.3), gpt.with_options(timeout=0.3)
    return {
        "anthropic": lambda **more: quick_claude.messages.create(**CLAUDE, **more),
        "openai": lambda **more: quick_gpt.chat.completions.create(**GPT, **more),
    }


def words_of(events: Any) -> list[str]:
    """The words of a stream, of either SDK."""
    said = []
    for event in events:
        data = event.to_dict()
        if data.get("type") == "content_block_delta":
            said.append(data["delta"].get("text", ""))
        elif data.get("choices"):
            said.append(data["choices"][0]["delta"].get("content") or "")
    return [word for word in said if word]


def until_it_breaks(events: Any) -> tuple[list[str], Exception | None]:
    """The words that arrived, and what broke the stream."""
    seen = []
    try:
        for event in events:
            seen.append(event)
    except Exception as error:  # noqa: BLE001 -- which one it is, is what the tests look at
        return words_of(seen), error
    return words_of(seen), None


EVERYBODY = pytest.mark.parametrize("provider", ["anthropic", "openai", "bedrock"])
BOTH = pytest.mark.parametrize("provider", ["anthropic", "openai"])


@EVERYBODY
@pytest.mark.parametrize("code", [400, 401, 403, 404, 413, 422, 429, 500, 503, 529])
def test_a_status_is_the_sdks_own_error_for_it(asks: Asks, order: Any, provider: str, code: int, sold: Any) -> None:
    order(fault={"kind": "status", "code": code})

    for stream in (False, True):
        with pytest.raises((anthropic.APIStatusError, openai.APIStatusError)) as caught:
            asks[provider](stream=stream)
        assert getattr(caught.value, "status_code", None) == code
    assert (sold()["status"], sold()["sold"]) == (code, False)


@pytest.mark.parametrize(
    ("code", "claudes", "gpts", "amazons"),
    [
        (401, "authentication_error", "invalid_api_key", "UnrecognizedClientException"),
        (429, "rate_limit_error", "rate_limit_exceeded", "ThrottlingException"),
        (500, "api_error", None, "InternalServerException"),
        (529, "overloaded_error", "overloaded", "ServiceUnavailableException"),
    ],
)
def test_a_status_has_the_providers_own_type(
    asks: Asks, order: Any, code: int, claudes: str, gpts: str | None, amazons: str
) -> None:
    order(fault={"kind": "status", "code": code, "retry_after": 1.5, "message": "Not now."})

    with pytest.raises(anthropic.APIStatusError) as from_claude:
        asks["anthropic"]()
    with pytest.raises(openai.APIStatusError) as from_gpt:
        asks["openai"]()
    with pytest.raises(anthropic.APIStatusError) as from_amazon:
        asks["bedrock"]()
    body: Any = from_claude.value.body
    assert body["error"] == {"type": claudes, "message": "Not now."}
    assert (from_gpt.value.code, from_gpt.value.body["message"]) == (gpts, "Not now.")  # type: ignore[index]
    assert from_amazon.value.response.headers["x-amzn-errortype"] == amazons
    assert from_claude.value.response.headers["retry-after"] == "1.5"


def test_a_status_can_have_another_type(asks: Asks, order: Any) -> None:
    order(fault={"kind": "status", "code": 429, "type": "insufficient_quota"})

    with pytest.raises(openai.RateLimitError) as caught:
        asks["openai"]()
    assert (caught.value.type, caught.value.code) == ("insufficient_quota", "insufficient_quota")


def test_a_prompt_is_too_long_in_each_providers_words(asks: Asks, order: Any) -> None:
    order(fault={"kind": "context_length", "limit": 1000})

    with pytest.raises(anthropic.BadRequestError, match="prompt is too long: 1001 tokens > 1000 maximum"):
        asks["anthropic"]()
    with pytest.raises(anthropic.BadRequestError, match="Input is too long for requested model"):
        asks["bedrock"]()
    with pytest.raises(openai.BadRequestError, match="maximum context length is 1000 tokens") as caught:
        asks["openai"]()
    assert (caught.value.code, caught.value.param) == ("context_length_exceeded", "messages")


def test_a_parameter_is_refused_by_its_name(asks: Asks, order: Any) -> None:
    order(fault={"kind": "invalid_parameter", "param": "seed"})

    with pytest.raises(anthropic.BadRequestError, match="seed: Extra inputs are not permitted"):
        asks["anthropic"]()
    with pytest.raises(anthropic.BadRequestError, match=r"extraneous key \[seed\]"):
        asks["bedrock"]()
    with pytest.raises(openai.BadRequestError) as caught:
        asks["openai"]()
    assert (caught.value.code, caught.value.param) == ("unsupported_parameter", "seed")


def test_the_content_filter_is_an_error_at_one_and_a_finish_reason_at_the_other(asks: Asks, order: Any) -> None:
    order(fault={"kind": "content_filter"})

    with pytest.raises(anthropic.BadRequestError, match="content filtering policy"):
        asks["anthropic"]()
    choice = asks["openai"]().choices[0]
    assert (choice.finish_reason, choice.message.content) == ("content_filter", None)
    assert [chunk.choices[0].finish_reason for chunk in asks["openai"](stream=True)][-1] == "content_filter"


def test_a_refusal_has_each_providers_form(asks: Asks, order: Any) -> None:
    order(fault={"kind": "refusal", "message": "No."})

    for provider in ("anthropic", "bedrock"):
        answer = asks[provider]()
        assert (answer.stop_reason, answer.content) == ("refusal", [])
        assert answer.stop_details.explanation == "No."
        assert [event.delta.stop_reason for event in asks[provider](stream=True) if event.type == "message_delta"] == [
            "refusal"
        ]
    message = asks["openai"]().choices[0].message
    assert (message.refusal, message.content) == ("No.", None)
    assert "No." in [chunk.choices[0].delta.refusal for chunk in asks["openai"](stream=True)]


@EVERYBODY
def test_a_reset_comes_before_any_byte(asks: Asks, order: Any, provider: str, sold: Any) -> None:
    order(fault={"kind": "reset"})

    for stream in (False, True):
        with pytest.raises((anthropic.APIConnectionError, openai.APIConnectionError)) as caught:
            asks[provider](stream=stream)
        assert "Connection reset by peer" in str(caught.value.__cause__)
    assert (sold()["status"], sold()["sold"]) == (0, False)


@BOTH
def test_silence_is_waited_out(asked_quickly: Asks, order: Any, provider: str, sold: Any) -> None:
    order(fault={"kind": "silence"})

    for stream in (False, True):
        with pytest.raises((anthropic.APITimeoutError, openai.APITimeoutError)):
            asked_quickly[provider](stream=stream)
    assert (sold()["sold"], sold()["ended"], sold()["usage"]["output"]) == (True, False, 0)


@BOTH
def test_slow_headers_are_late_or_too_late(asks: Asks, asked_quickly: Asks, order: Any, provider: str) -> None:
    order(times=1, fault={"kind": "slow_headers", "seconds": 0.1})
    order(times=1, fault={"kind": "slow_headers", "seconds": 5})

    assert asks[provider]()
    with pytest.raises((anthropic.APITimeoutError, openai.APITimeoutError)):
        asked_quickly[provider](stream=True)


@BOTH
def test_a_slow_first_token_comes_after_the_headers(asked_quickly: Asks, order: Any, provider: str) -> None:
    order(fault={"kind": "slow_first_token", "seconds": 5})

    events = asked_quickly[provider](stream=True)  # the headers are here
    said, error = until_it_breaks(events)
    assert said == []
    assert isinstance(error, httpx2.ReadTimeout | openai.APITimeoutError)


@BOTH
def test_a_slow_first_token_still_becomes_a_whole_answer(asks: Asks, order: Any, provider: str) -> None:
    order(fault={"kind": "slow_first_token", "seconds": 0.05})

    assert until_it_breaks(asks[provider](stream=True))[1] is None
    assert asks[provider]().usage


@EVERYBODY
def test_pings_alone_say_nothing_for_ever(address: str, desk: httpx2.Client, order: Any, provider: str) -> None:
    order(fault={"kind": "pings_only", "every_s": 0.01})
    path, body, headers = raw_call(provider)

    with desk.stream("POST", path, json=body, headers=headers) as answer:
        parts = [part for part, _ in zip(answer.iter_raw(), range(4), strict=False)]
    assert len(parts) == 4
    assert all(b"ping" in part or b"keep-alive" in part or b"chunk" in part for part in parts)


@EVERYBODY
def test_a_clean_cut_raises_nothing_and_lacks_the_end(asks: Asks, order: Any, provider: str, sold: Any) -> None:
    order(fault={"kind": "cut", "after_events": 3})

    said, error = until_it_breaks(asks[provider](stream=True))
    assert (len(said), error) == (3, None)
    assert sold()["ended"] is False
    assert 0 < sold()["usage"]["output"] <= 9


@EVERYBODY
def test_a_cut_before_the_first_word_has_no_words(asks: Asks, order: Any, provider: str) -> None:
    order(fault={"kind": "cut", "after_events": 0})

    assert until_it_breaks(asks[provider](stream=True)) == ([], None)


@BOTH
def test_an_unclean_cut_breaks_the_connection(asks: Asks, order: Any, provider: str) -> None:
    order(fault={"kind": "cut", "after_events": 2, "clean": False})

    said, error = until_it_breaks(asks[provider](stream=True))
    assert len(said) == 2
    assert isinstance(error, httpx2.RemoteProtocolError | openai.APIConnectionError)
    with pytest.raises((httpx2.RemoteProtocolError, anthropic.APIConnectionError, openai.APIConnectionError)):
        asks[provider]()


@EVERYBODY
def test_a_cut_can_fall_on_a_byte(desk: httpx2.Client, order: Any, provider: str, sold: Any) -> None:
    order(fault={"kind": "cut", "after_bytes": 77})
    path, body, headers = raw_call(provider)

    assert len(desk.post(path, json=body, headers=headers).content) == 77
    assert sold()["ended"] is False


@BOTH
def test_a_reset_in_the_middle_breaks_the_stream(asks: Asks, order: Any, provider: str, sold: Any) -> None:
    order(fault={"kind": "reset_mid_stream", "after_events": 2})

    said, error = until_it_breaks(asks[provider](stream=True))
    assert len(said) == 2
    assert isinstance(error, httpx2.ReadError | openai.APIConnectionError)
    assert sold()["ended"] is False


@BOTH
def test_a_stall_is_silence_after_words(asked_quickly: Asks, order: Any, provider: str, sold: Any) -> None:
    order(fault={"kind": "stall", "after_events": 2})

    said, error = until_it_breaks(asked_quickly[provider](stream=True))
    assert len(said) == 2
    assert isinstance(error, httpx2.ReadTimeout | openai.APITimeoutError)
    assert sold()["ended"] is False


@EVERYBODY
def test_a_malformed_event_stands_in_the_stream_and_it_goes_on(
    asks: Asks, desk: httpx2.Client, order: Any, provider: str
) -> None:
    order(fault={"kind": "malformed_chunk", "after_events": 1})

    said, error = until_it_breaks(asks[provider](stream=True))
    assert len(said) == 1
    assert isinstance(error, json.JSONDecodeError)
    path, body, headers = raw_call(provider)
    whole = desk.post(path, json=body, headers=headers)
    assert ends_well(provider, whole.content)


@EVERYBODY
def test_a_malformed_whole_answer_is_no_json(asks: Asks, order: Any, provider: str) -> None:
    order(fault={"kind": "malformed_chunk"})

    with pytest.raises((json.JSONDecodeError, anthropic.APIResponseValidationError, openai.APIResponseValidationError)):
        asks[provider]()


@EVERYBODY
def test_an_empty_event_changes_nothing(asks: Asks, order: Any, provider: str) -> None:
    usual = list(asks[provider](stream=True))
    order(fault={"kind": "empty_chunk", "after_events": 1})
    odd = list(asks[provider](stream=True))

    assert len(odd) == len(usual) + 1
    assert words_of(odd) == words_of(usual)


@EVERYBODY
def test_a_missing_end_lacks_nothing_else(
    asks: Asks, desk: httpx2.Client, order: Any, provider: str, sold: Any
) -> None:
    usual = words_of(asks[provider](stream=True))
    order(fault={"kind": "missing_end"})

    assert until_it_breaks(asks[provider](stream=True)) == (usual, None)
    assert sold()["ended"] is False
    path, body, headers = raw_call(provider)
    assert not ends_well(provider, desk.post(path, json=body, headers=headers).content)


@EVERYBODY
def test_another_content_type_is_said_and_all_the_rest_is_right(desk: httpx2.Client, order: Any, provider: str) -> None:
    order(fault={"kind": "wrong_content_type", "content_type": "text/plain"})
    path, body, headers = raw_call(provider)
    answer = desk.post(path, json=body, headers=headers)

    assert answer.headers["content-type"] == "text/plain"
    assert ends_well(provider, answer.content)


@BOTH
def test_a_page_for_people_is_200_and_says_nothing(asks: Asks, order: Any, provider: str, sold: Any) -> None:
    order(fault={"kind": "html_page"})

    assert until_it_breaks(asks[provider](stream=True)) == ([], None)
    assert (sold()["status"], sold()["sold"]) == (200, False)


@EVERYBODY
def test_a_huge_event_comes_in_one_piece_and_is_counted(asks: Asks, order: Any, provider: str, sold: Any) -> None:
    order(fault={"kind": "huge_chunk", "bytes": 300_000})

    said = words_of(asks[provider](stream=True))
    assert len(said[0]) >= 300_000
    assert sold()["usage"]["output"] > 75_000
    assert sold()["ended"] is True


@EVERYBODY
def test_usage_can_be_missing(desk: httpx2.Client, asks: Asks, order: Any, provider: str, sold: Any) -> None:
    order(fault={"kind": "usage_missing"})
    path, body, headers = raw_call(provider)

    streamed = desk.post(path, json=body, headers=headers)
    assert ends_well(provider, streamed.content)
    assert b'"usage"' not in streamed.content
    assert asks[provider]().usage is None
    assert sold()["usage"]["output"] > 0


def test_usage_can_come_twice(asks: Asks, order: Any) -> None:
    order(fault={"kind": "usage_twice"})

    for provider in ("anthropic", "bedrock"):
        assert [event.type for event in asks[provider](stream=True)].count("message_delta") == 2
    chunks = list(asks["openai"](stream=True, stream_options={"include_usage": True}))
    assert len([chunk for chunk in chunks if chunk.usage]) == 2


@EVERYBODY
def test_an_error_can_come_in_the_stream(asks: Asks, order: Any, provider: str, sold: Any) -> None:
    order(fault={"kind": "in_band_error", "after_events": 2, "message": "Too much today"})

    said, error = until_it_breaks(asks[provider](stream=True))
    assert len(said) == 2
    assert isinstance(error, anthropic.APIStatusError | openai.APIError)
    assert "Too much today" in str(error)
    assert sold()["ended"] is False


def test_a_frame_with_a_wrong_checksum_is_noticed(asks: Asks, order: Any) -> None:
    order(fault={"kind": "bad_crc", "after_events": 1})

    said, error = until_it_breaks(asks["bedrock"](stream=True))
    assert len(said) == 1
    assert isinstance(error, botocore.eventstream.ChecksumMismatch)
    assert until_it_breaks(asks["anthropic"](stream=True))[1] is None


@EVERYBODY
def test_an_event_of_another_shape_is_handed_on_by_the_sdk(asks: Asks, order: Any, provider: str) -> None:
    order(fault={"kind": "wrong_shape", "after_events": 1})

    events = [event.to_dict() for event in asks[provider](stream=True)]
    assert [1, 2, 3] in [event.get("surprise") for event in events]
    assert "usage" not in asks[provider]().to_dict()


@EVERYBODY
def test_a_connection_can_be_closed_without_a_word(asks: Asks, order: Any, provider: str, sold: Any) -> None:
    order(fault={"kind": "reset", "fin": True})

    with pytest.raises((anthropic.APIConnectionError, openai.APIConnectionError)) as caught:
        asks[provider]()
    assert "disconnected" in str(caught.value.__cause__)
    assert (sold()["status"], sold()["sold"]) == (0, False)


@EVERYBODY
def test_a_redirect_leads_elsewhere_and_sells_nothing(
    desk: httpx2.Client, order: Any, provider: str, sold: Any
) -> None:
    order(fault={"kind": "redirect", "code": 308, "location": "/nowhere"})
    path, body, headers = raw_call(provider)

    answer = desk.post(path, json=body, headers=headers)
    assert (answer.status_code, answer.headers["location"]) == (308, "/nowhere")
    assert (sold()["status"], sold()["sold"]) == (308, False)


@EVERYBODY
def test_a_page_for_people_may_say_that_it_is_an_error(desk: httpx2.Client, order: Any, provider: str) -> None:
    order(fault={"kind": "html_page", "status": 502})
    path, body, headers = raw_call(provider)

    answer = desk.post(path, json=body, headers=headers)
    assert answer.status_code == 502
    assert answer.headers["content-type"].startswith("text/html")


@EVERYBODY
def test_a_body_may_drip(desk: httpx2.Client, order: Any, provider: str, sold: Any) -> None:
    order(fault={"kind": "drip", "every_s": 0.01})
    path, body, headers = raw_call(provider)

    with desk.stream("POST", path, json=body, headers=headers) as answer:
        parts = [part for part, _ in zip(answer.iter_raw(), range(4), strict=False)]
    assert max(map(len, parts)) < 4, "never a whole event at once"
    assert sold()["ended"] is False


@BOTH
@pytest.mark.parametrize("part", ["close", "usage", "end"])
def test_a_cut_can_fall_inside_an_event(desk: httpx2.Client, order: Any, provider: str, part: str, sold: Any) -> None:
    path, body, headers = raw_call(provider)
    good = desk.post(path, json=body, headers=headers).content.split(b"\n\n")
    order(fault={"kind": "cut", "inside": part})
    *before, cut = desk.post(path, json=body, headers=headers).content.split(b"\n\n")

    events = ["close", "usage", "end"] if provider == "openai" else ["usage", "end"]
    left = len(events) - events.index(part) if part in events else len(events)
    assert len(before) == len(good) - 1 - left
    assert cut
    assert len(cut) < len(good[len(before)])
    assert sold()["ended"] is False


@EVERYBODY
def test_a_compressed_answer_may_lose_its_end(desk: httpx2.Client, order: Any, provider: str, sold: Any) -> None:
    order(fault={"kind": "gzip_cut", "after_events": 2})
    path, body, headers = raw_call(provider)

    answer = desk.post(path, json=body, headers=headers)
    assert answer.headers["content-encoding"] == "gzip"
    assert len(answer.content) > 100
    assert not ends_well(provider, answer.content)
    assert sold()["ended"] is False


@EVERYBODY
def test_a_word_can_be_lost_in_a_malformed_event(desk: httpx2.Client, order: Any, provider: str) -> None:
    path, body, headers = raw_call(provider)
    good = desk.post(path, json=body, headers=headers)
    order(fault={"kind": "malformed_chunk", "after_events": 1, "instead": True})
    bad = desk.post(path, json=body, headers=headers)

    assert ends_well(provider, bad.content)
    if provider != "bedrock":
        assert bad.content.count(b"\n\n") == good.content.count(b"\n\n")


@BOTH
def test_words_may_follow_the_end(desk: httpx2.Client, order: Any, provider: str, sold: Any) -> None:
    order(fault={"kind": "after_end"})
    path, body, headers = raw_call(provider)

    answer = desk.post(path, json=body, headers=headers)
    assert not ends_well(provider, answer.content)
    end = b"[DONE]" if provider == "openai" else b"message_stop"
    assert b"Understudy" in answer.content.rpartition(end)[2]
    assert sold()["ended"] is True


@EVERYBODY
def test_an_answer_may_say_another_model_gave_it(asks: Asks, order: Any, provider: str) -> None:
    order(fault={"kind": "wrong_model", "model": "gpt-2"})

    assert asks[provider]().model == "gpt-2"
    event: Any = next(iter(asks[provider](stream=True)))
    assert getattr(event, "message", event).model == "gpt-2"


@EVERYBODY
@pytest.mark.parametrize("value", [-1, 10**15, "many"])
def test_usage_can_be_odd(asks: Asks, order: Any, provider: str, value: Any, sold: Any) -> None:
    order(fault={"kind": "usage_odd", "value": value})

    usage = asks[provider]().to_dict()["usage"]
    assert usage["completion_tokens" if provider == "openai" else "output_tokens"] == value
    assert sold()["usage"]["output"] > 0


@BOTH
def test_the_reason_to_stop_can_be_missing(asks: Asks, order: Any, provider: str) -> None:
    order(fault={"kind": "missing_finish"})

    assert reasons(list(asks[provider](stream=True))) == []
    assert reasons([asks[provider]()]) == []


@BOTH
def test_the_reason_to_stop_can_come_twice(asks: Asks, order: Any, provider: str) -> None:
    order(fault={"kind": "finish_twice"})

    usual = "end_turn" if provider == "anthropic" else "stop"
    assert reasons(list(asks[provider](stream=True))) == [usual, "max_tokens" if provider == "anthropic" else "length"]


def reasons(told: list[Any]) -> list[str]:
    """Every reason to stop in these answers or events."""
    found = []
    for one in told:
        data = one.to_dict()
        choice = (data.get("choices") or [{}])[0]
        found.append(data.get("stop_reason") or data.get("delta", {}).get("stop_reason") or choice.get("finish_reason"))
    return [reason for reason in found if reason]


def test_every_kind_of_fault_is_tested_here() -> None:
    members = get_args(get_args(catalogue.AnyFault.__value__)[0])
    kinds = {get_args(member.model_fields["kind"].annotation)[0] for member in members}
    with open(__file__) as file:
        told = file.read()

    assert {kind for kind in kinds if f'"kind": "{kind}"' not in told} == set()


def raw_call(provider: str) -> tuple[str, dict[str, Any], dict[str, str]]:
    """A streaming call by hand: path, body, headers."""
    match provider:
        case "openai":
            body = {**GPT, "stream": True, "stream_options": {"include_usage": True}}
            return "/v1/chat/completions", body, {"authorization": "Bearer k"}
        case "anthropic":
            return "/v1/messages", {**CLAUDE, "stream": True}, {"x-api-key": "k", "anthropic-version": "2023-06-01"}
    body = {name: part for name, part in NOVA.items() if name != "model"}
    path = f"/model/{NOVA['model']}/invoke-with-response-stream"
    return path, {**body, "anthropic_version": "bedrock-2023-05-31"}, {"authorization": "Bearer k"}


def ends_well(provider: str, content: bytes) -> bool:
    """True when the body has its end marker."""
    if provider == "bedrock":
        frames = botocore.eventstream.EventStreamBuffer()
        frames.add_data(content)
        *_, last = frames
        return b"message_stop" in base64.b64decode(json.loads(last.payload)["bytes"])
    return content.rstrip().endswith(b"[DONE]" if provider == "openai" else b'{"type":"message_stop"}')
