import math
import time
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from pkilab.errors import LabError
from pkilab.waiting import accepted, refused, until

SECOND = timedelta(seconds=1)
spans = st.timedeltas(timedelta(milliseconds=1), timedelta(hours=2))


def error(code, message="No."):
    return ClientError({"Error": {"Code": code, "Message": message}}, "AnOperation")


def answers(*given):
    """A call that answers, or raises, one thing after another, and then the last for ever."""
    left = list(given)

    def call():
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return call


def test_what_is_there_is_not_waited_for():
    """It is asked first, and only then paused."""
    slept = []
    found = until(lambda: "there", what="it", at_most=60 * SECOND, every=SECOND, sleep=slept.append)
    assert (found, slept) == ("there", [])


def test_the_first_answer_that_counts_is_returned():
    """One pause follows each question without an answer."""
    slept = []
    found = until(
        answers(None, 0, (), "there", "later"),
        what="it",
        at_most=60 * SECOND,
        every=5 * SECOND,
        sleep=slept.append,
    )
    assert (found, slept) == ("there", [5, 5, 5])


def test_waiting_ends_and_says_for_what_and_how_things_stand():
    """The message names the time, what was waited for and what was found instead."""
    with pytest.raises(LabError, match=r"^waited 0:30:00 for example\.com; found UPDATING$"):
        until(
            lambda: None,
            what="example.com",
            at_most=timedelta(minutes=30),
            every=timedelta(minutes=7),
            sleep=lambda _seconds: None,
            found=lambda: "found UPDATING",
        )


def test_without_more_to_say_the_message_names_time_and_thing():
    """Nothing follows, if nobody says how things stand."""
    with pytest.raises(LabError, match=r"^waited 0:00:00 for it$"):
        until(lambda: None, what="it", at_most=0 * SECOND, every=SECOND)


@given(at_most=spans, every=spans)
def test_questions_and_pauses_are_bounded(at_most, every):
    """As many questions as pauses fit, and one; the pauses are the stated time together."""
    asked, slept = [], []
    if math.ceil(at_most / every) > 2_000:
        every = at_most / 2_000
    with pytest.raises(LabError):
        until(
            lambda: asked.append(None),
            what="it",
            at_most=at_most,
            every=every,
            sleep=lambda seconds: slept.append(timedelta(seconds=seconds)),
        )
    assert len(asked) == len(slept) + 1 == -(-at_most // every) + 1
    assert sum(slept, timedelta(0)) == at_most
    assert max(slept) <= every


@given(each=st.floats(0.001, 100), at_most=st.integers(0, 300), every=st.integers(1, 300))
def test_with_a_clock_the_questions_own_time_counts(each, at_most, every):
    """Slow questions shorten the waiting: it ends with the first that ends after the time."""
    clock, asked = [0.0], []

    def sleep(seconds):
        clock[0] += seconds

    def ask():
        clock[0] += each
        asked.append(clock[0])

    with pytest.raises(LabError):
        until(
            ask, what="it", at_most=at_most * SECOND, every=every * SECOND,
            sleep=sleep, now=lambda: clock[0],
        )  # fmt: skip
    assert clock[0] <= at_most + each + 1e-5
    assert len(asked) <= math.ceil(at_most / every) + 1


def test_a_clock_that_stands_still_does_not_make_it_wait_for_ever():
    """The pauses count in any case."""
    asked = []
    with pytest.raises(LabError):
        until(
            lambda: asked.append(None), what="it", at_most=10 * SECOND, every=SECOND,
            sleep=lambda _seconds: None, now=lambda: 7.0,
        )  # fmt: skip
    assert len(asked) == 11


@pytest.mark.parametrize(("at_most", "every"), [(1, 0), (1, -1), (-1, 1)])
def test_no_time_to_wait_for_is_refused(at_most, every):
    """Pauses of no length would be a busy loop."""
    with pytest.raises(LabError, match="expected some"):
        until(lambda: True, what="it", at_most=at_most * SECOND, every=every * SECOND)


def test_progress_is_told_before_each_pause():
    """With the time that has passed, and the time there is."""
    told = []
    until(
        answers(None, None, "there"), what="it", at_most=9 * SECOND, every=4 * SECOND,
        sleep=lambda _seconds: None, on_progress=lambda *times: told.append(times),
    )  # fmt: skip
    assert told == [(0 * SECOND, 9 * SECOND), (4 * SECOND, 9 * SECOND)]


def test_pauses_are_real_by_default():
    """Nobody who forgets to say how to pause asks in a busy loop."""
    began = time.monotonic()
    until(answers(None, "there"), what="it", at_most=SECOND, every=timedelta(milliseconds=20))
    assert time.monotonic() - began >= 0.02


def test_a_call_is_accepted_once_its_refusal_has_passed():
    """The answer is the call's own."""
    call = answers(error("AccessDenied"), error("NoSuchEntity"), {"Role": "there"})
    found = until(
        accepted(call, "AccessDenied", "NoSuchEntity"), what="the role", at_most=9 * SECOND,
        every=SECOND, sleep=lambda _seconds: None,
    )  # fmt: skip
    assert found == {"Role": "there"}


def test_another_refusal_is_not_waited_out():
    """A code that was not named is raised at once, and so is another message."""
    question = accepted(answers(error("ValidationError")), "AccessDenied")
    with pytest.raises(ClientError, match="ValidationError"):
        question()
    question = accepted(answers(error("Invalid", "Bad name")), "Invalid", saying="be assumed")
    with pytest.raises(ClientError, match="Bad name"):
        question()


def test_a_code_of_several_meanings_is_told_by_its_message():
    """Lambda says InvalidParameterValueException of everything, and of a role that is too new."""
    new = error("Invalid", "The role cannot be assumed by Lambda.")
    question = accepted(answers(new, {"State": "Active"}), "Invalid", saying="be assumed")
    assert question() is None
    assert question.refusal is new
    assert question() == {"State": "Active"}
    assert question.refusal is None


def test_what_stays_refused_is_told_in_aws_words():
    """The error carries the last refusal, as its cause and in its message."""
    denied = error("AccessDenied", "User: ann is not authorized")
    with pytest.raises(LabError, match=r"0:00:02 for the role; AWS still answers:.*ann") as e:
        until(
            accepted(answers(denied), "AccessDenied"), what="the role", at_most=2 * SECOND,
            every=SECOND, sleep=lambda _seconds: None,
        )  # fmt: skip
    assert e.value.__cause__ is denied


def test_a_refusal_can_be_what_is_waited_for():
    """Rights that were taken away end some seconds later."""
    call = answers({}, {}, error("AccessDenied"))
    question = refused(call, "AccessDenied")
    assert [question(), question(), question()] == [False, False, True]


def test_another_refusal_is_not_the_one_waited_for():
    """Throttled is not refused."""
    with pytest.raises(ClientError, match="Throttling"):
        refused(answers(error("Throttling")), "AccessDenied")()
