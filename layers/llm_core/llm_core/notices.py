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
    kind = "alarm" if "AlarmName" in alert else alert.get("kind")
    write = _WORDS.get(kind) if isinstance(kind, str) else None
    fact = {name: harmless(value) for name, value in alert.items()}
    try:
        return write(fact) if write else _unknown(fact, heading)
    except (KeyError, ValueError):  # a fact that the words need is missing or no number
        return _unknown(fact, heading)


def harmless(value: object) -> str:
    """A fact as it may stand in anybody's chat."""
    text = redact(str(value))
    text = _BROKEN.sub(" ", text).strip()
    text = _CALLS.sub(lambda found: found[0] + _UNSEEN, text)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _fallback(fact: Mapping[str, str]) -> Notice:
    return Notice(
        title=f"{fact['subject']} is not answering",
        what=f"A request for {fact['subject']} was answered by {fact['answered_by']} instead.",
        means="Callers get answers and are told who gave them; price and wording may differ. This is told once, "
        "until nothing of the kind has happened for 15 minutes.",
        do="Look at the provider's status page. The log says what it answered: event = llm_call, with this model.",
    )


def _overrun(fact: Mapping[str, str]) -> Notice:
    return Notice(
        title=f"A call cost more than was held for it: {fact['subject']}",
        what=f"At most {fact['ceiling_usd']} USD were expected, {fact['cost_usd']} USD were billed.",
        means="The truth is booked, so a budget may be exceeded by the difference. Nothing of this kind is asked of "
        "this model any more: callers get another one of its route, or an error.",
        do="Compare the provider's bill with the price in the catalog, correct it by an overlay, then clear the model.",
        urgent=True,
    )


def _budget(fact: Mapping[str, str]) -> Notice:
    spent = f"{fact['spent_usd']} of {fact['limit_usd']} USD"
    window = "its whole budget" if fact["window"] == "total" else f"its budget for {fact['window']}"
    if int(fact["percent"]) >= 100:
        return Notice(
            title=f"{fact['subject']} has used up {window}",
            what=f"{spent} are spent, and what is left does not suffice.",
            means="Its calls, and those of every account below it, are refused with 402 until the next window begins "
            "or the limit is raised.",
            do="Look at who spends it with GET /v1/usage. PUT /v1/usage/budget raises the limit at once.",
            urgent=True,
        )
    return Notice(
        title=f"{fact['subject']} has spent {fact['percent']} % of {window}",
        what=f"{spent} are spent.",
        means="Nothing is refused for it yet. A request that could cost more than is left will be.",
        do="Look at who spends it with GET /v1/usage. PUT /v1/usage/budget changes the limit at once.",
    )


def _ledger(fact: Mapping[str, str]) -> Notice:
    return Notice(
        title=f"Usage could not be written down: {fact['subject']}",
        what="A provider was asked and answered, and the row of that call is not in the usage table.",
        means="The answer was withheld from the caller, because no call is made without a row; the provider may bill "
        "it all the same. What was held for it stays held until the sweeper books it.",
        do="Look whether DynamoDB refuses or throttles writes. The log has the whole row: event = usage_row_lost.",
        urgent=True,
    )


def _drift(fact: Mapping[str, str]) -> Notice:
    return Notice(
        title=f"Answers for {fact['subject']} have become worse",
        what=f"{fact['score']} % of {fact['cases']} cases pass now, {fact['baseline']} % did when they were recorded.",
        means="A model may have been changed by its provider, or what it is asked is no longer what was evaluated. "
        "Callers get answers all the same. A case counts when it failed twice.",
        do="The log says which cases: event = drift_case. Delete the recordings of this suite, and `make evals LIVE=1` "
        "asks all of its cases anew; then mend the prompt, or give its role to another model by an overlay.",
    )


def _alarm(fact: Mapping[str, str]) -> Notice:
    return Notice(
        title=f"Alarm: {fact['AlarmName']}",
        what=fact["AlarmDescription"],
        means=f"CloudWatch says: {fact['NewStateReason']}",
        do="docs/operations.md has an entry for this alarm: what it means, where to look first, what to do first.",
        urgent=True,
    )


def _unknown(fact: Mapping[str, str], heading: str) -> Notice:
    kind, subject = fact.get("kind", "alert"), fact.get("subject", "")
    return Notice(
        title=harmless(heading) or f"{kind}: {subject}".strip(": "),
        what=f"An alert of the kind {kind} was raised{f' about {subject}' if subject else ''}.",
        means="There are no words here for this kind.",
        do="The log of about that time has all of its facts: event = alert.",
    )


def _sayings(fact: Mapping[str, str]) -> Notice:
    return Notice(
        title=f"{fact['subject']} writes no sayings: {fact['reason']}",
        what=f"A call for sayings to {fact['subject']} was refused in a way that will not pass by itself.",
        means="Visitors get sayings that were written before; that provider's models are left alone for some minutes, "
        "then asked again.",
        do="Denied: look at the provider's key and account. Misconfigured: look at the parameter that the log names. "
        "BadRequest: the request is at fault; the log has event = llm_call with its prompt_sha256.",
    )


_WORDS = {
    "fallback": _fallback,
    "overrun": _overrun,
    "budget": _budget,
    "ledger": _ledger,
    "drift": _drift,
    "alarm": _alarm,
    "sayings": _sayings,
}
