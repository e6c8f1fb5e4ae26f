"""An alert in a person's words: what happened, what it means, what to do.

Only facts that are known to be names and numbers are told, struck of secrets, and nothing in them calls anybody: what
else an alert may carry stays in the log.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llm_core.redaction import redact

LONGEST = 200
"""Characters of one fact."""

_CALLS = re.compile(r"@(?=everyone|here|channel)|<(?=[@!#])", re.IGNORECASE)
"""What makes Discord or Slack call somebody."""

_UNSEEN = "\u200b"
_BROKEN = re.compile(r"[\s\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class Notice:
    """`urgent`: somebody is being refused, or pays more than was foreseen."""

    title: str
    what: str
    means: str
    do: str
    urgent: bool = False

    @property
    def text(self) -> str:
        """All of it as plain text, as in an e-mail."""
        return f"{self.title}\n\n{self.what}\n\nWhat it means: {self.means}\n\nWhat to do: {self.do}\n"


def notice(alert: Mapping[str, Any], heading: str = "") -> Notice:
    """The words for an alert. One of a kind that nobody here knows is told by its `heading`."""
    fact = {name: harmless(value) for name, value in alert.items()}
    try:
        words = _words(fact)
        title, what, means, do = (text.format_map(fact) for text in (words.title, words.what, words.means, words.do))
    except (KeyError, ValueError):  # nobody's kind, or a fact that the words need is missing or no number
        return _unknown(fact, heading)
    return Notice(title, what, means, do, words.urgent)


def _words(fact: dict[str, str]) -> Notice:
    """With the names of facts in braces. Raises KeyError, ValueError."""
    if "AlarmName" in fact:
        return _ALARM
    if fact["kind"] == "budget":
        fact["window"] = "its whole budget" if fact["window"] == "total" else f"its budget for {fact['window']}"
        return _BUDGET_USED_UP if int(fact["percent"]) >= 100 else _BUDGET
    return _WORDS[fact["kind"]]


def harmless(value: object) -> str:
    """A fact as it may stand in anybody's chat."""
    text = redact(str(value))
    text = _BROKEN.sub(" ", text).strip()
    text = _CALLS.sub(lambda found: found[0] + _UNSEEN, text)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _unknown(fact: Mapping[str, str], heading: str) -> Notice:
    kind, subject = fact.get("kind", "alert"), fact.get("subject", "")
    return Notice(
        title=harmless(heading) or f"{kind}: {subject}".strip(": "),
        what=f"An alert of the kind {kind} was raised{f' about {subject}' if subject else ''}.",
        means="There are no words here for this kind.",
        do="The log of about that time has all of its facts: event = alert.",
    )


_ALARM = Notice(
    title="Alarm: {AlarmName}",
    what="{AlarmDescription}",
    means="CloudWatch says: {NewStateReason}",
    do="docs/operations.md has an entry for this alarm: what it means, where to look first, what to do first.",
    urgent=True,
)

_BUDGET = Notice(
    title="{subject} has spent {percent} % of {window}",
    what="{spent_usd} of {limit_usd} USD are spent.",
    means="Nothing is refused for it yet. A request that could cost more than is left will be.",
    do="Look at who spends it with GET /v1/usage. PUT /v1/usage/budget changes the limit at once.",
)

_BUDGET_USED_UP = Notice(
    title="{subject} has used up {window}",
    what="{spent_usd} of {limit_usd} USD are spent, and what is left does not suffice.",
    means="Its calls, and those of every account below it, are refused with 402 until the next window begins or the "
    "limit is raised.",
    do="Look at who spends it with GET /v1/usage. PUT /v1/usage/budget raises the limit at once.",
    urgent=True,
)

_WORDS = {
    "fallback": Notice(
        title="{subject} is not answering",
        what="A request for {subject} was answered by {answered_by} instead.",
        means="Callers get answers and are told who gave them; price and wording may differ. This is told once, "
        "until nothing of the kind has happened for 15 minutes.",
        do="Look at the provider's status page. The log says what it answered: event = llm_call, with this model.",
    ),
    "overrun": Notice(
        title="A call cost more than was held for it: {subject}",
        what="At most {ceiling_usd} USD were expected, {cost_usd} USD were billed.",
        means="The truth is booked, so a budget may be exceeded by the difference. Nothing of this kind is asked of "
        "this model any more: callers get another one of its route, or an error.",
        do="Compare the provider's bill with the price in the catalog, correct it by an overlay, then clear the model.",
        urgent=True,
    ),
    "ledger": Notice(
        title="Usage could not be written down: {subject}",
        what="A provider was asked and answered, and the row of that call is not in the usage table.",
        means="The answer was withheld from the caller, because no call is made without a row; the provider may bill "
        "it all the same. What was held for it stays held until the sweeper books it.",
        do="Look whether DynamoDB refuses or throttles writes. The log has the whole row: event = usage_row_lost.",
        urgent=True,
    ),
    "drift": Notice(
        title="Answers for {subject} have become worse",
        what="{score} % of {cases} cases pass now, {baseline} % did when they were recorded.",
        means="A model may have been changed by its provider, or what it is asked is no longer what was evaluated. "
        "Callers get answers all the same. A case counts when it failed twice.",
        do="The log says which cases: event = drift_case. Delete the recordings of this suite, and `make evals LIVE=1` "
        "asks all of its cases anew; then mend the prompt, or give its role to another model by an overlay.",
    ),
    "sayings": Notice(
        title="{subject} writes no sayings: {reason}",
        what="A call for sayings to {subject} was refused in a way that will not pass by itself.",
        means="Visitors get sayings that were written before; that provider's models are left alone for some minutes, "
        "then asked again.",
        do="Denied: look at the provider's key and account. Misconfigured: look at the parameter that the log names. "
        "BadRequest: the request is at fault; the log has event = llm_call with its prompt_sha256.",
    ),
}
