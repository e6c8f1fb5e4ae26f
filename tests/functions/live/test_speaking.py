"""An answer's frames on their way to a connection that fails, or is not there any more."""

from __future__ import annotations

from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from live import frames
from live.speaking import Speaker
from llm_core.errors import RateLimited
from tests.functions.live.post_office import PostOffice


def nobody() -> None:
    raise AssertionError("somebody is at the other end")


def test_a_frame_that_failed_is_sent_again_with_the_same_bytes_and_in_its_place(office: PostOffice) -> None:
    office.answers["one"] = [200, 500, 503, 200]
    speaker = Speaker("one", "r", nobody)
    speaker.tell("usage", {"n": 1})
    speaker.tell("usage", {"n": 2})
    speaker.fail(RateLimited("Later."), "request")
    speaker.close()
    assert [each["seq"] for each in office.arrived["one"]] == [1, 2, 3]
    assert len(office.tried["one"]) == 5
    assert len(set(office.tried["one"][1:4])) == 1
    assert office.arrived["one"][-1]["type"] == "error"


def test_to_a_connection_that_is_gone_nothing_more_is_sent_and_its_model_is_told(office: PostOffice) -> None:
    office.answers["one"] = [200, 410]
    left: list[bool] = []
    speaker = Speaker("one", "r", lambda: left.append(True))
    for number in range(4):
        speaker.tell("usage", {"n": number})
    speaker.close()
    assert (left, len(office.tried["one"]), speaker.gone) == ([True], 2, True)


@how(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(max_size=20).map(lambda text: text * 600), max_size=4))
def test_whatever_the_pieces_are_they_are_the_text_in_frames_that_are_small_enough(
    office: PostOffice, pieces: list[str]
) -> None:
    office.arrived.clear()
    office.tried.clear()
    speaker = Speaker("one", "r", nobody)
    for piece in pieces:
        speaker.say(piece)
    speaker.close()
    heard = office.arrived["one"]
    assert "".join(each["data"]["content"] for each in heard) == "".join(pieces)
    assert [each["seq"] for each in heard] == list(range(1, len(heard) + 1))
    assert all(len(frame) <= frames.MOST_BYTES for frame in office.tried["one"])
