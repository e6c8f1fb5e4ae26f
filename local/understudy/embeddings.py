"""Embeddings: unit vectors in which texts that share words are near, made from hashes of the words."""

import base64
import hashlib
import math
import re
import struct
from typing import Any

from local.understudy import tokens, words
from local.understudy.prompt import Json
from local.understudy.wire import Refused

DIMENSIONS = {"text-embedding-3-large": 3072}
USUAL_DIMENSIONS = 1536
MOST_INPUTS = 2048
PLACES_PER_WORD = 12

type Input = str | list[int]


def inputs(body: Json) -> list[Input]:
    """The texts or token lists to embed; one text or one token list is a list of one."""
    wanted = body.get("input")
    if isinstance(wanted, str):
        wanted = [wanted]
    if isinstance(wanted, list) and wanted and all(type(item) is int for item in wanted):
        wanted = [wanted]
    if wanted is None:
        raise Refused(400, "Missing required parameter: 'input'.", param="input", code="missing_required_parameter")
    if not isinstance(wanted, list) or not wanted or not all(_is_input(item) for item in wanted):
        raise Refused(400, "'$.input' is invalid. Please check the API reference.", param="input")
    if len(wanted) > MOST_INPUTS:
        raise Refused(400, f"'$.input' is too long: at most {MOST_INPUTS} items.", param="input")
    return wanted


def answer(body: Json, model: str) -> tuple[Json, int]:
    """The answer and the tokens it costs."""
    wanted = inputs(body)
    size = body.get("dimensions") or DIMENSIONS.get(model, USUAL_DIMENSIONS)
    if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= 3072:
        raise Refused(400, "Invalid 'dimensions'.", param="dimensions")
    as_text = body.get("encoding_format") == "base64"
    data = []
    for place, item in enumerate(wanted):
        vector = unit_vector(item, size)
        shown: Any = base64.b64encode(struct.pack(f"<{size}f", *vector)).decode() if as_text else vector
        data.append({"object": "embedding", "index": place, "embedding": shown})
    count = sum(max(1, tokens.of_text(item) if isinstance(item, str) else len(item)) for item in wanted)
    return {
        "object": "list",
        "data": data,
        "model": model,
        "usage": {"prompt_tokens": count, "total_tokens": count},
    }, count


def unit_vector(item: Input, size: int) -> list[float]:
    named = [str(number) for number in item] if isinstance(item, list) else _stems(item)
    vector = [0.0] * size
    for word in named:
        _add(vector, word, 1.0)
    # A little of the whole, so that no two inputs are quite the same.
    _add(vector, f"\0{item}", 0.2)
    length = math.sqrt(sum(value * value for value in vector)) or 1.0
    return [value / length for value in vector]


def _add(vector: list[float], word: str, weight: float) -> None:
    digest = hashlib.sha512(word.encode("utf-8", "surrogatepass")).digest()
    for start in range(0, PLACES_PER_WORD * 4, 4):
        number = int.from_bytes(digest[start : start + 4])
        vector[(number >> 1) % len(vector)] += weight if number & 1 else -weight


def _stems(text: str) -> list[str]:
    return [re.sub(r"(?:ies|es|s|ing|ed)$", "", word.lower()) or word.lower() for word in words.keywords(text)]


def _is_input(item: Any) -> bool:
    if isinstance(item, str):
        return bool(item)
    return isinstance(item, list) and bool(item) and all(type(number) is int for number in item)
