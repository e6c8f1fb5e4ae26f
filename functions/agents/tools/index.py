"""A small full-text index: passages ranked by BM25 over their words. It lives as long as one search."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agents.tools.tool import Document

PASSAGE_WORDS = 120
"""About a paragraph: enough to answer from, little enough to pay for."""

_SATURATION, _LENGTH = 1.2, 0.75
"""BM25's k1 and b, as most engines have them."""

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Hit:
    document: Document
    passage: str
    score: float


class Index:
    """Over the passages of some documents. A title's words count for each of its passages."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._passages = [(document, passage) for document in documents for passage in _passages(document.text)]
        self._words = [Counter(_words(f"{document.title} {passage}")) for document, passage in self._passages]
        self._lengths = [counts.total() for counts in self._words]
        self._mean = sum(self._lengths) / max(len(self._lengths), 1)
        self._found_in = Counter(word for counts in self._words for word in counts)

    def search(self, query: str, limit: int) -> list[Hit]:
        """The passages that have any of the words, best first; of equals the earlier."""
        wanted = set(_words(query))
        scored = [(self._score(number, wanted), -number) for number in range(len(self._passages))]
        best = sorted((each for each in scored if each[0] > 0), reverse=True)[:limit]
        return [Hit(*self._passages[-number], round(score, 3)) for score, number in best]

    def _score(self, number: int, wanted: set[str]) -> float:
        counts, score = self._words[number], 0.0
        length = 1 - _LENGTH + _LENGTH * self._lengths[number] / (self._mean or 1)
        for word in wanted & counts.keys():
            holding = self._found_in[word]
            rarity = math.log(1 + (len(self._passages) - holding + 0.5) / (holding + 0.5))
            score += rarity * counts[word] * (_SATURATION + 1) / (counts[word] + _SATURATION * length)
        return score


def _passages(text: str) -> Iterator[str]:
    words = text.split()
    for start in range(0, len(words), PASSAGE_WORDS):
        yield " ".join(words[start : start + PASSAGE_WORDS])


def _words(text: str) -> list[str]:
    """In lower case, without a plural's s: `squirrels` finds `squirrel`."""
    found = (word.lower() for word in _WORD.findall(text))
    return [word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word for word in found]
