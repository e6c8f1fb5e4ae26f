"""Bedrock Runtime as it serves Anthropic models: Anthropic's bodies, AWS's doors, errors and frames."""

import base64
import re
from collections.abc import Mapping

from local.understudy import eventstream
from local.understudy.anthropic import Anthropic, is_bad
from local.understudy.anthropic_prompt import is_older, read
from local.understudy.performance import Usage
from local.understudy.prompt import Json, Prompt
from local.understudy.wire import Arrival, Identity, Refused, as_json

FIRST_VERSION = "bedrock-2023-05-31"
ERRORS = {
    400: ("ValidationException", "Malformed input request, please reformat your input and try again."),
    401: ("UnrecognizedClientException", "The security token included in the request is invalid."),
    403: ("AccessDeniedException", "You don't have access to the model with the specified model ID."),
    404: ("ResourceNotFoundException", "Could not resolve the foundation model from the provided model identifier."),
    408: ("ModelTimeoutException", "Model has timed out in processing the request. Try your request again."),
    413: ("ValidationException", "Input is too long for requested model."),
    424: ("ModelErrorException", "The request failed due to an error while processing the model."),
    429: ("ThrottlingException", "Too many requests, please wait before trying again."),
    500: (
        "InternalServerException",
        "The system encountered an unexpected error during processing. Try your request again.",
    ),
    503: ("ServiceUnavailableException", "Bedrock is unable to process your request."),
}
# What real frames carry to hide their length.
PADDING = "abcdefghijklmnopqrstuvwxyz"


class Bedrock(Anthropic):
    provider = "bedrock"
    media = "application/vnd.amazon.eventstream"

    def key(self, headers: Mapping[str, str]) -> str:
        """The access key id of a signed request, or the bearer token."""
        sent = headers.get("authorization", "")
        signed = re.search(r"Credential=([^/,\s]+)/", sent)
        key = signed.group(1) if signed else sent.removeprefix("Bearer").strip()
        if not key:
            raise Refused(403, "Missing Authentication Token", type="MissingAuthenticationTokenException")
        if is_bad(key):
            raise Refused(403, ERRORS[401][1], type=ERRORS[401][0])
        return key

    def read(self, arrival: Arrival, key: str) -> Prompt:
        model = arrival.model or ""
        if "no-such" in model:
            raise Refused(404)
        said = arrival.body.get("anthropic_version")
        if said is None:
            raise Refused(400, "anthropic_version: Field required")
        if is_older(model) and said != FIRST_VERSION:
            raise Refused(400, f"anthropic_version: Input should be '{FIRST_VERSION}', not '{said}' for this model")
        if "model" in arrival.body:
            raise self.unknown_parameter("model")
        return read(arrival.body, provider="bedrock", model=model, key=key, stream=bool(arrival.stream))

    def answer_id(self, identity: Identity) -> str:
        return identity.name("msg_bdrk_01")

    def model_name(self, prompt: Prompt) -> str:
        # us.anthropic.claude-haiku-4-5-20251001-v1:0 answers as claude-haiku-4-5-20251001.
        return re.sub(r"-v\d+(:\d+)?$", "", prompt.model.rsplit("/", 1)[-1].rsplit("anthropic.", 1)[-1])

    def headers(self, identity: Identity) -> dict[str, str]:
        return {"x-amzn-requestid": identity.name("", "request", 32)}

    def encoded(self, payload: Json | str) -> bytes:
        raw = payload.encode() if isinstance(payload, str) else as_json(payload)
        chunk = {"bytes": base64.b64encode(raw).decode(), "p": PADDING[: 26 - len(raw) % 26]}
        headers = {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}
        return eventstream.frame(headers, as_json(chunk))

    def error(self, refused: Refused, identity: Identity) -> tuple[Json, dict[str, str]]:  # noqa: ARG002
        kind, words = ERRORS.get(refused.status) or ERRORS[503 if refused.status >= 500 else 400]
        return {"message": refused.message or words}, {"x-amzn-errortype": refused.type or kind}

    def too_long(self, tokens: int, limit: int) -> Refused:  # noqa: ARG002 -- AWS says no numbers
        return Refused(400, "Input is too long for requested model.")

    def unknown_parameter(self, name: str) -> Refused:
        wrong = f"#: extraneous key [{name}] is not permitted"
        words = f"Malformed input request: {wrong}, please reformat your input and try again."
        return Refused(400, words, param=name)

    def malformed(self) -> bytes:
        return self.encoded('{"type":"content_block_delta","index":0,"delta":{"te')

    def broken_off(self, type: str | None, message: str | None) -> bytes:
        headers = {
            ":exception-type": type or "modelStreamErrorException",
            ":content-type": "application/json",
            ":message-type": "exception",
        }
        words = message or "The system encountered an unexpected error during processing. Try your request again."
        return eventstream.frame(headers, as_json({"message": words}))

    def _message_stop(self, usage: Usage) -> Json:
        metrics = {
            "inputTokenCount": usage.input,
            "outputTokenCount": usage.output,
            "invocationLatency": 1,
            "firstByteLatency": 1,
            "cacheReadInputTokenCount": usage.cache_read,
            "cacheWriteInputTokenCount": usage.cache_write_5m + usage.cache_write_1h,
        }
        return {"type": "message_stop", "amazon-bedrock-invocationMetrics": metrics}
