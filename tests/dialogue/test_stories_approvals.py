"""A tool that asks for leave, and the press that gives or refuses it."""

import pytest

from speakerd.dialogue import commands as c
from speakerd.dialogue import events
from speakerd.dialogue.settings import DialogueSettings
from tests.dialogue.driver import told, warm


def test_an_approval_is_given_by_a_tap_and_not_before() -> None:
    d = warm().thinking().response().approval()
    assert d.light == "approval"
    d.take()
    d.press()
    assert d.take() == []
    d.gesture("tap")
    assert d.take() == [c.Approve("c1")]
    assert d.light == "thinking"


@pytest.mark.parametrize("how", ["hold", "double"])
def test_an_approval_is_refused_by_a_hold_or_a_double_press(how: str) -> None:
    d = warm().thinking().response().approval()
    d.take()
    getattr(d, how)()
    assert [type(order) for order in d.take()] == [c.Reject]
    assert d.phase == "thinking"
    assert not d.flags.muted


def test_what_a_press_says_to_an_approval_can_be_set() -> None:
    settings = DialogueSettings(approval_press="none", approval_hold="approve")
    d = warm(settings=settings).thinking().approval()
    d.take()
    assert d.tap().take() == []
    assert d.hold().take() == [c.Approve("c1")]


def test_a_press_made_before_the_question_does_not_answer_it() -> None:
    d = warm().speaking().press().approval("c9")
    d.take()
    d.gesture("tap")
    assert not any(isinstance(order, c.Approve | c.Reject) for order in d.take())
    assert d.flags.approval


def test_a_press_aimed_at_one_question_does_not_answer_the_next() -> None:
    d = warm().thinking().approval("c1").press()
    d.send(events.ApprovalResolved("c1")).approval("c2")
    d.take()
    d.gesture("tap")
    assert d.take() == []
    assert d.flags.approval


def test_an_approval_nobody_gives_is_refused() -> None:
    d = told(approval_timeout_s=15.0).thinking().approval()
    d.take()
    d.wait(15.1)
    assert [type(order) for order in d.take()] == [c.Reject]


def test_waiting_for_approval_is_not_a_silence_of_the_model() -> None:
    d = told(approval_timeout_s=300.0, response_timeout_s=10.0).thinking().response().approval().wait(200)
    assert d.phase == "thinking"
    assert d.do("Stop").phase == "idle"
    assert [type(order) for order in d.take() if isinstance(order, c.Reject)] == [c.Reject]


def test_an_approval_nobody_can_give_is_refused_at_once() -> None:
    d = warm().idle().approval()
    assert [type(order) for order in d.take()] == [c.Reject]


def test_too_many_approvals_are_refused() -> None:
    d = warm().thinking()
    for index in range(12):
        d.approval(f"c{index}")
    assert len(d.dialogue.state.approvals) == 8
    assert len(d.took(c.Reject)) == 4


@pytest.mark.parametrize(
    ("how", "told_of"),
    [
        ("tap", c.Log("approval_given", {"tool": "door"})),
        (
            "hold",
            c.Log("approval_refused", {"tool": "door", "reason": "refused by the person at the speaker"}),
        ),
        ("wait", c.Log("approval_refused", {"tool": "door", "reason": "nobody answered in time"})),
    ],
)
def test_the_journal_has_that_an_approval_was_asked_for_and_what_was_said(how: str, told_of: c.Log) -> None:
    d = warm().thinking().response().send(events.ApprovalNeeded("c1", "door"))
    assert c.Log("approval_asked", {"tool": "door"}) in d.orders
    d.wait(31.0) if how == "wait" else getattr(d, how)()
    assert told_of in d.orders
