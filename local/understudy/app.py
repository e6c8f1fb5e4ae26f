"""The routes: the providers' own, and `/_understudy/*` to look and to order."""

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from pydantic import TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.understudy import anthropic, anthropic_prompt, tokens
from local.understudy.anthropic import Anthropic
from local.understudy.bedrock import Bedrock
from local.understudy.house import House
from local.understudy.openai import EPOCH, OpenAI
from local.understudy.orders import Order
from local.understudy.prompt import Json
from local.understudy.recorded import Received
from local.understudy.show import Pace

ANTHROPIC, OPENAI, BEDROCK = Anthropic(), OpenAI(), Bedrock()
CLAUDE_MODELS = ("claude-haiku-4-5", "claude-sonnet-4-6", "claude-opus-4-7")
OPENAI_MODELS = ("gpt-4.1", "gpt-4.1-mini", "gpt-4o", "gpt-4o-mini", "gpt-5.2", "gpt-5.4", "gpt-5.4-mini",
                 "text-embedding-3-large", "text-embedding-3-small")  # fmt: skip
ORDER: TypeAdapter[Order | list[Order]] = TypeAdapter(Order)
ORDERS: TypeAdapter[Order | list[Order]] = TypeAdapter(list[Order])


def create_app(pace: Pace | None = None) -> Starlette:
    app = Starlette(
        routes=[
            Route("/v1/messages", _messages, methods=["POST"]),
            Route("/v1/messages/count_tokens", _count_tokens, methods=["POST"]),
            Route("/v1/chat/completions", _chat, methods=["POST"]),
            Route("/v1/embeddings", _embeddings, methods=["POST"]),
            Route("/v1/models", _models, methods=["GET"]),
            Route("/model/{model:path}/invoke", _invoke, methods=["POST"]),
            Route("/model/{model:path}/invoke-with-response-stream", _invoke_streaming, methods=["POST"]),
            Route("/_understudy", _all, methods=["GET", "DELETE"]),
            Route("/_understudy/sold", _sold, methods=["GET", "DELETE"]),
            Route("/_understudy/requests", _requests, methods=["GET", "DELETE"]),
            Route("/_understudy/orders", _orders, methods=["GET", "POST", "DELETE"]),
            Route("/_understudy/pace", _pace, methods=["GET", "POST", "DELETE"]),
        ]
    )
    app.state.house = House(pace)
    return app


def _house(request: Request) -> House:
    house: House = request.app.state.house
    return house


async def _received(request: Request, provider: str, model: str | None = None) -> Received:
    raw = await request.body()
    house = _house(request)
    received = Received(
        seq=next(house.numbers),
        provider=provider,
        method=request.method,
        path=request.url.path,
        query=request.url.query,
        headers={name.lower(): text for name, text in request.headers.items()},
        raw=raw,
        model=model or _named_model(raw),
    )
    house.recorded.keep(received)
    return received


def _named_model(raw: bytes) -> str | None:
    try:
        model = TypeAdapter(dict[str, Any]).validate_json(raw).get("model")
    except ValidationError:
        return None
    return model if isinstance(model, str) else None


async def _messages(request: Request) -> Response:
    return _house(request).converse(ANTHROPIC, await _received(request, "anthropic"))


async def _count_tokens(request: Request) -> Response:
    def count(body: Json, key: str) -> Json:
        model = anthropic.model_in(body)
        prompt = anthropic_prompt.read(body, provider="anthropic", model=model, key=key, stream=False, counting=True)
        return {"input_tokens": tokens.of_prompt(prompt.segments)}

    return _house(request).tell(ANTHROPIC, await _received(request, "anthropic"), count)


async def _chat(request: Request) -> Response:
    return _house(request).converse(OPENAI, await _received(request, "openai"))


async def _embeddings(request: Request) -> Response:
    return _house(request).embed(OPENAI, await _received(request, "openai"))


async def _models(request: Request) -> Response:
    # Both providers have this path; only Anthropic's clients say a version.
    if "anthropic-version" in request.headers:
        claude = [
            {"type": "model", "id": name, "display_name": name, "created_at": "2026-01-01T00:00:00Z"}
            for name in CLAUDE_MODELS
        ]
        page = {"data": claude, "has_more": False, "first_id": CLAUDE_MODELS[0], "last_id": CLAUDE_MODELS[-1]}
        return _house(request).tell(ANTHROPIC, await _received(request, "anthropic"), lambda _body, _key: page)
    models = [{"id": name, "object": "model", "created": EPOCH, "owned_by": "understudy"} for name in OPENAI_MODELS]
    listed = {"object": "list", "data": models}
    return _house(request).tell(OPENAI, await _received(request, "openai"), lambda _body, _key: listed)


async def _invoke(request: Request) -> Response:
    model = unquote(request.path_params["model"])
    return _house(request).converse(BEDROCK, await _received(request, "bedrock", model), model=model, stream=False)


async def _invoke_streaming(request: Request) -> Response:
    model = unquote(request.path_params["model"])
    return _house(request).converse(BEDROCK, await _received(request, "bedrock", model), model=model, stream=True)


def _last(request: Request) -> int | None:
    last = request.query_params.get("last", "")
    return int(last) if last.isdecimal() else None


async def _all(request: Request) -> Response:
    if request.method == "DELETE":
        _house(request).clear()
    return JSONResponse({"understudy": "ready"})


async def _sold(request: Request) -> Response:
    sold = _house(request).sold
    if request.method == "DELETE":
        sold.clear()
    return JSONResponse(sold.told(_last(request)))


async def _requests(request: Request) -> Response:
    recorded = _house(request).recorded
    if request.method == "DELETE":
        recorded.clear()
    return JSONResponse({"requests": recorded.told(_last(request))})


async def _orders(request: Request) -> Response:
    orders = _house(request).orders
    if request.method == "POST":
        raw = await request.body()
        given = _understood((ORDERS if raw.lstrip().startswith(b"[") else ORDER).validate_json, raw)
        if isinstance(given, Response):
            return given
        standing = [orders.give(order) for order in (given if isinstance(given, list) else [given])]
        return JSONResponse({"orders": [order.told() for order in standing]}, status_code=201)
    if request.method == "DELETE":
        orders.clear()
    return JSONResponse({"orders": orders.told()})


async def _pace(request: Request) -> Response:
    house = _house(request)
    if request.method == "POST":
        given = _understood(Pace.model_validate_json, await request.body())
        if isinstance(given, Response):
            return given
        house.pace = given
    if request.method == "DELETE":
        house.pace = house.usual_pace
    return JSONResponse(house.pace.model_dump())


def _understood[T](reads: Callable[[bytes], T], raw: bytes) -> T | Response:
    try:
        return reads(raw)
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, one['loc'])) or 'body'}: {one['msg']}" for one in error.errors()]
        return JSONResponse({"error": "; ".join(wrong)}, status_code=400)
