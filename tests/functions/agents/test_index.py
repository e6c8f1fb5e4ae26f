"""The full-text index: what has the words is found, best first, and nothing is invented."""

from __future__ import annotations

from agents.tools.index import PASSAGE_WORDS, Index
from agents.tools.tool import Document

DREYS = Document("Dreys", "A drey is the nest of a squirrel: a ball of twigs in a fork of a tree, lined with moss.")
BIRDS = Document("Birds", "A nest of a bird is open at the top. Birds line it with feathers.")
TAXES = Document("Taxes", "The tax return is due in July.")


def titles(query: str, *documents: Document, limit: int = 5) -> list[str]:
    return [hit.document.title for hit in Index(documents).search(query, limit)]


def test_the_document_with_more_of_the_words_comes_first() -> None:
    assert titles("squirrel nest", BIRDS, DREYS, TAXES) == ["Dreys", "Birds"]


def test_a_rare_word_counts_more_than_one_that_all_have() -> None:
    others = [Document(f"Nest {n}", "A nest is a nest is a nest.") for n in range(5)]
    assert titles("nest moss", *others, DREYS)[0] == "Dreys"


def test_a_title_counts_and_so_does_a_plural() -> None:
    assert titles("taxes", TAXES, BIRDS) == ["Taxes"]
    assert titles("squirrels", DREYS, BIRDS) == ["Dreys"]


def test_nothing_is_found_where_nothing_is() -> None:
    assert titles("submarine", DREYS, BIRDS) == []
    assert titles("anything") == []
    assert titles("?!", DREYS) == []


def test_a_long_document_is_found_by_its_passage() -> None:
    filler = "word " * (PASSAGE_WORDS * 3)
    (hit, *_) = Index([Document("Long", f"{filler} the acorn lies here {filler}")]).search("acorn", 3)
    assert "acorn lies here" in hit.passage
    assert len(hit.passage.split()) <= PASSAGE_WORDS
