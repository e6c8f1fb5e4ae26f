"""A completion on the live socket that is cancelled before anybody began it."""

from __future__ import annotations

import secrets

from live import answering, answers
from live.answering import Asked
from llm_core.completions import Completion
from llm_core.deadline import Deadline
from tests.conftest import Platform, fresh
from tests.functions.accounts.holder import someone
from tests.functions.live.post_office import PostOffice

HELLO = [{"role": "user", "content": "Hello"}]


def test_what_is_cancelled_before_it_begins_is_told_so_and_asks_nobody(
    understudy: Platform, inside: Platform, office: PostOffice
) -> None:
    holder, name, model, soon = someone(inside), secrets.token_hex(6), fresh("claude"), Deadline.after(20)
    body = Completion.model_validate({"model": model, "messages": HELLO})
    asked = Asked(source="drey.live", connectionId=name, requestId="one", keyId=holder.key_id, body=body)
    answers.want(name, "one", "message")
    answers.cancel(name, "one", soon)
    assert answering.answer(asked, soon, "invocation") == {"begun": True}
    assert [(each["type"], each["seq"]) for each in office.arrived[name]] == [("error", 1)]
    assert not [call for call in understudy.sold() if call["model"] == model]
    answers.want(name, "one", "another")  # its id is free again
    assert answering.answer(asked, soon, "invocation") == {"begun": True}
    assert answering.answer(asked, soon, "invocation") == {"begun": False}, "an event that comes twice"
    assert office.arrived[name][-1]["type"] == "done"
