"""Who is asked, how often, how long: by a scripted `ask`, under a clock that only moves when somebody acts."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_core import deadline as deadlines
from llm_core import fallback
from llm_core.catalog import Limits, Model
from llm_core.deadline import Deadline
from llm_core.errors import DeadlineExceeded, LedgerUnavailable
from llm_core.failures import (
    AllProvidersFailed,
    ContextLengthExceeded,
    ProviderDenied,
    ProviderError,
    ProviderFailed,
    ProviderOverloaded,
    ProviderRefused,
    ProviderSkipped,
    ProviderTimeout,
)
from llm_core.providers import complaints

TRIES = fallback.RETRIES + 1
BUSY, BROKEN, SILENT, SKIPPED = ProviderOverloaded, ProviderFailed, ProviderTimeout, ProviderSkipped
DENIED, REFUSED, TOO_LONG = ProviderDenied, ProviderRefused, ContextLengthExceeded


@dataclass
class Clock:
    """In `time`'s place for the rooms under test: a pause is over at once, and written down."""

    now: float = 1_000.0
    pauses: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        if not seconds >= 0:
            raise ValueError("sleep length must be non-negative")  # as time.sleep has it, for NaN too
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Iterator[Clock]:
    with pytest.MonkeyPatch.context() as patch:
        yield _wound(patch)


def _wound(patch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    patch.setattr(fallback, "time", clock)
    patch.setattr(deadlines, "time", clock)
    return clock


def model(name: str, *, context: int = 100_000, total_s: float = 600) -> Model:
    limits = Limits(total_s=total_s)
    return Model(
        provider="p", model=name, input=Decimal(1), output=Decimal(5), context=context, max_output=4_096, limits=limits
    )


def failure(kind: type[ProviderError], said: str = "no", *, retry_after_s: float | None = None) -> ProviderError:
    return kind(said, provider="p", retry_after_s=retry_after_s)


@dataclass
class Script:
    """What each model does when it is asked, in order; the last is repeated. `seconds` is how long that takes, of what
    it was granted at most."""

    clock: Clock
    lines: Mapping[str, Sequence[ProviderError | str]]
    seconds: float = 0.0
    asked: list[str] = field(default_factory=list)
    granted: list[float] = field(default_factory=list)

    def __call__(self, model: Model, until: Deadline) -> str:
        told = self.lines[model.model]
        line = told[min(self.asked.count(model.model), len(told) - 1)]
        self.asked.append(model.model)
        self.granted.append(until.left)
        self.clock.now += max(0, until.left if isinstance(line, ProviderTimeout) else min(self.seconds, until.left))
        if isinstance(line, str):
            return line
        raise line


# ------------------------------------------------------------------------------------------- one candidate


def test_a_first_answer_is_the_answer(clock: Clock) -> None:
    ask = Script(clock, {"a": ["hello"]})
    assert fallback.first_answer([model("a")], ask, Deadline.after(25)) == (model("a"), "hello")
    assert (ask.asked, clock.pauses) == (["a"], [])


@pytest.mark.parametrize("kind", [BUSY, BROKEN])
def test_a_stumble_is_forgiven_by_asking_again(clock: Clock, kind: type[ProviderError]) -> None:
    ask = Script(clock, {"a": [failure(kind), "hello"]})
    assert fallback.first_answer([model("a")], ask, Deadline.after(25))[1] == "hello"
    assert ask.asked == ["a", "a"]


@pytest.mark.parametrize("kind", [BUSY, BROKEN])
def test_nobody_is_asked_more_often_than_the_retries_allow(clock: Clock, kind: type[ProviderError]) -> None:
    ask = Script(clock, {"a": [failure(kind)]})
    with pytest.raises(AllProvidersFailed) as raised:
        fallback.first_answer([model("a")], ask, Deadline.after(25))
    assert len(ask.asked) == len(raised.value.failures) == TRIES


@pytest.mark.parametrize("kind", [SILENT, SKIPPED, DENIED, REFUSED, TOO_LONG])
def test_what_asking_again_cannot_help_is_asked_once_and_told_as_it_was(
    clock: Clock, kind: type[ProviderError]
) -> None:
    ask = Script(clock, {"a": [failure(kind, "the one reason")]})
    with pytest.raises(kind, match="the one reason"):
        fallback.first_answer([model("a")], ask, Deadline.after(25))
    assert ask.asked == ["a"]


# ------------------------------------------------------------------------------------------- two candidates


@pytest.mark.parametrize(
    ("kind", "times"), [(BUSY, TRIES), (BROKEN, TRIES), (SILENT, 1), (SKIPPED, 1)], ids=lambda value: str(value)[-20:]
)
def test_the_next_one_answers_when_the_first_cannot(clock: Clock, kind: type[ProviderError], times: int) -> None:
    ask = Script(clock, {"a": [failure(kind)], "b": ["hello"]})
    assert fallback.first_answer([model("a"), model("b")], ask, Deadline.after(25)) == (model("b"), "hello")
    assert ask.asked == ["a"] * times + ["b"]


@pytest.mark.parametrize("kind", [DENIED, REFUSED])
def test_a_refusal_is_never_shopped_around(clock: Clock, kind: type[ProviderError]) -> None:
    ask = Script(clock, {"a": [failure(kind)], "b": ["hello"]})
    with pytest.raises(kind):
        fallback.first_answer([model("a"), model("b")], ask, Deadline.after(25))
    assert ask.asked == ["a"]


def test_a_prompt_that_is_too_long_goes_only_to_larger_windows(clock: Clock) -> None:
    ask = Script(clock, {"small": [failure(TOO_LONG)], "same": ["never"], "large": ["hello"]})
    candidates = [model("small"), model("same"), model("large", context=200_000)]
    assert fallback.first_answer(candidates, ask, Deadline.after(25))[0].model == "large"
    assert ask.asked == ["small", "large"]


def test_a_prompt_that_is_too_long_for_all_is_told_as_that(clock: Clock) -> None:
    ask = Script(clock, {"a": [failure(TOO_LONG)], "b": ["never"]})
    with pytest.raises(ContextLengthExceeded):
        fallback.first_answer([model("a"), model("b")], ask, Deadline.after(25))


def test_when_all_fail_each_is_quoted_in_order_and_the_last_decides(clock: Clock) -> None:
    lines = {"a": [failure(BROKEN, "one"), failure(SILENT, "two")], "b": [failure(DENIED, "three")]}
    with pytest.raises(AllProvidersFailed) as raised:
        fallback.first_answer([model("a"), model("b")], Script(clock, lines), Deadline.after(25))
    assert [(name, told.message) for name, told in raised.value.failures] == [
        ("p/a", "one"),
        ("p/a", "two"),
        ("p/b", "three"),
    ]
    assert raised.value.message == "Nobody could answer. p/a: one; p/a: two; p/b: three"
    assert raised.value.code == "provider_error"
    assert isinstance(raised.value.__cause__, ExceptionGroup)


def test_an_answer_that_cannot_be_accounted_for_is_not_bought_again(clock: Clock) -> None:
    asked = []

    def ask(model: Model, until: Deadline) -> str:
        asked.append(model.model)
        raise LedgerUnavailable("withheld")

    with pytest.raises(LedgerUnavailable):
        fallback.first_answer([model("a"), model("b")], ask, Deadline.after(25))
    assert asked == ["a"]


# ------------------------------------------------------------------------------------------- pauses


def test_pauses_are_drawn_below_a_doubling_bound(clock: Clock) -> None:
    drawn: list[list[float]] = []
    for _ in range(200):
        clock.pauses.clear()
        with pytest.raises(AllProvidersFailed):
            fallback.first_answer([model("a")], Script(clock, {"a": [failure(BUSY)]}), Deadline.after(25))
        drawn.append(clock.pauses[:])
    for retry in range(fallback.RETRIES):
        pauses = [each[retry] for each in drawn]
        bound = 0.25 * 2**retry
        assert all(0 <= pause <= bound for pause in pauses)
        assert min(pauses) < bound / 4, "full jitter: also short ones"
        assert max(pauses) > bound * 3 / 4, "and long ones"


def test_a_short_retry_after_is_waited_for_to_the_second(clock: Clock) -> None:
    ask = Script(clock, {"a": [failure(BUSY, retry_after_s=0.6), "hello"], "b": ["never"]})
    assert fallback.first_answer([model("a"), model("b")], ask, Deadline.after(25))[1] == "hello"
    assert clock.pauses == [0.6]


def test_a_long_retry_after_is_not_waited_for_while_somebody_else_could_answer(clock: Clock) -> None:
    ask = Script(clock, {"a": [failure(BUSY, retry_after_s=7)], "b": ["hello"]})
    assert fallback.first_answer([model("a"), model("b")], ask, Deadline.after(25))[0].model == "b"
    assert (ask.asked, clock.pauses) == (["a", "b"], [])


def test_a_retry_after_beyond_our_time_is_handed_to_the_caller(clock: Clock) -> None:
    ask = Script(clock, {"a": [failure(BUSY, retry_after_s=60)]})
    with pytest.raises(ProviderOverloaded) as raised:
        fallback.first_answer([model("a")], ask, Deadline.after(25))
    assert raised.value.retry_after_s == 60
    assert (ask.asked, clock.pauses) == (["a"], [])


@pytest.mark.parametrize("absurd", ["-1", "nan", "-inf", "inf", "1e9", "soon", "Sat, 21 Nov 2026 10:00:00 GMT", ""])
def test_a_retry_after_that_nobody_can_wait_for_is_none(absurd: str) -> None:
    assert complaints.seconds(absurd) is None


# ------------------------------------------------------------------------------------------- one deadline


def test_a_silent_one_gets_half_the_time_so_that_the_next_has_as_much(clock: Clock) -> None:
    ask = Script(clock, {"a": [failure(SILENT)], "b": ["hello"]}, seconds=1)
    fallback.first_answer([model("a"), model("b")], ask, Deadline.after(24))
    assert ask.granted == [12, 12]


def test_one_that_breaks_slowly_again_and_again_leaves_the_next_half_the_time_too(clock: Clock) -> None:
    ask = Script(clock, {"a": [failure(BROKEN, retry_after_s=0)], "b": ["hello"]}, seconds=1_000)
    fallback.first_answer([model("a"), model("b")], ask, Deadline.after(24))
    assert ask.granted[-1] >= 12, f"{ask.asked} were granted {ask.granted}"


def test_nobody_gets_more_than_one_in_health_would_need_nor_more_than_its_share(clock: Clock) -> None:
    ask = Script(clock, {"a": [failure(SILENT)], "b": [failure(SILENT)], "c": ["hello"]}, seconds=1_000)
    needs = {"a": 10.0, "b": 1_000.0, "c": 1_000.0}
    chain = [model(name) for name in needs]
    fallback.first_answer(chain, ask, Deadline.after(110), share=0.75, within=lambda one: needs[one.model])
    assert ask.granted == [10, 75, 25]


def test_a_models_own_limit_bounds_its_time(clock: Clock) -> None:
    ask = Script(clock, {"a": [failure(SILENT)], "b": ["hello"]})
    fallback.first_answer([model("a", total_s=2), model("b", total_s=5)], ask, Deadline.after(25))
    assert ask.granted == [2, 5]


def test_nobody_is_asked_when_there_is_no_time(clock: Clock) -> None:
    ask = Script(clock, {"a": ["hello"]})
    with pytest.raises(DeadlineExceeded):
        fallback.first_answer([model("a")], ask, Deadline.after(0))
    assert ask.asked == []


@pytest.mark.parametrize("kind", [TOO_LONG, BROKEN, SILENT])
def test_what_was_said_is_told_even_when_the_time_ran_out_meanwhile(clock: Clock, kind: type[ProviderError]) -> None:
    """The first takes longer than it was granted, as on a machine under load: there is no time for the second."""
    ask = Script(clock, {"a": [failure(kind, "what was said")], "b": ["never"]})

    def late(model: Model, until: Deadline) -> str:
        clock.now += 30
        return ask(model, until)

    with pytest.raises(kind, match="what was said"):
        fallback.first_answer([model("a"), model("b", context=200_000)], late, Deadline.after(25))


kinds = st.sampled_from([BUSY, BROKEN, SILENT, SKIPPED, DENIED, REFUSED, TOO_LONG])
failures = st.builds(
    failure, kinds, retry_after_s=st.none() | st.floats(min_value=0, max_value=40, allow_nan=False, width=32)
)
scripts = st.lists(st.lists(failures | st.just("hello"), min_size=1, max_size=4), min_size=1, max_size=4)


@given(scripts, st.floats(min_value=0.01, max_value=30), st.floats(min_value=0, max_value=30), st.data())
def test_whatever_they_do_the_rules_hold(
    lines: list[list[ProviderError | str]], seconds: float, each: float, data: st.DataObject
) -> None:
    candidates = [
        model(str(number), context=data.draw(st.sampled_from([1_000, 2_000, 3_000]))) for number in range(len(lines))
    ]
    with pytest.MonkeyPatch.context() as patch:
        clock = _wound(patch)
        began = clock.now
        ask = Script(clock, {str(number): line for number, line in enumerate(lines)}, seconds=each)
        try:
            answered: Model | None = fallback.first_answer(candidates, ask, Deadline.after(seconds))[0]
        except AllProvidersFailed as all_failed:
            answered, told = None, [name for name, _ in all_failed.failures]
            assert told == [f"p/{name}" for name in ask.asked], "each failure is told, in order"
        except ProviderError:
            answered = None
            assert len(ask.asked) == 1, "one failure is told as itself"

    assert clock.now - began <= seconds + 1e-6, "one deadline"
    assert all(time_left > 0 for time_left in ask.granted)
    runs = [name for index, name in enumerate(ask.asked) if index == 0 or ask.asked[index - 1] != name]
    assert runs == sorted(set(runs), key=int), "in the order of the route, and never back"
    assert all(ask.asked.count(name) <= TRIES for name in runs)
    assert answered is None or answered.model == ask.asked[-1], "who answered was asked last: the first answer ends it"
    for name in runs[:-1]:
        last = lines[int(name)][min(ask.asked.count(name), len(lines[int(name)])) - 1]
        assert isinstance(last, ProviderError)
        assert last.elsewhere or isinstance(last, ContextLengthExceeded), "a refusal is not tried elsewhere"


def test_under_the_real_clock_a_retry_takes_less_than_a_second() -> None:
    began = time.monotonic()
    ask = Script(Clock(), {"a": [failure(BUSY), failure(BUSY), "hello"]})
    assert fallback.first_answer([model("a")], ask, Deadline.after(25))[1] == "hello"
    assert time.monotonic() - began < 1
