"""The understudy's own rule for counting: four bytes of UTF-8 are a token, rounded up; an image is 85 tokens.

A prompt is counted over all its segments joined, never per segment, so that a prefix and its rest add up exactly.
"""

from collections.abc import Sequence

from local.understudy.prompt import Segment

BYTES_PER_TOKEN = 4
# Flat and cheap on purpose: no provider's rule for any image is below it, so an honest ceiling is never passed.
TOKENS_PER_IMAGE = 85


def of_bytes(size: int) -> int:
    return -(-size // BYTES_PER_TOKEN)


def of_text(text: str) -> int:
    return of_bytes(len(text.encode("utf-8", "surrogatepass")))


def of_prompt(segments: Sequence[Segment]) -> int:
    """Tokens of a canonical prompt; at least 1."""
    return max(1, running(segments)[-1] if segments else 0)


def running(segments: Sequence[Segment]) -> list[int]:
    """Tokens up to and including each segment."""
    size, images, counts = 0, 0, []
    for segment in segments:
        size += len(segment.text.encode("utf-8", "surrogatepass"))
        images += segment.images
        counts.append(of_bytes(size) + images * TOKENS_PER_IMAGE)
    return counts
