"""Which failures on the software sound card are forgiven; without a sound card."""

import pytest

from tests import rig
from tests.rig import TRIES, SoundDiffersError, about_the_sound, may_be_torn


class Card:
    """What the server of a card has logged."""

    def __init__(self) -> None:
        self.logged: list[str] = []

    def tears(self) -> list[str]:
        return self.logged.copy()


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Card:
    made = Card()
    monkeypatch.setattr(rig, "_running", [made])
    return made


def tries(card: Card, *, torn: bool, sound: bool, succeeds_at: int = 99) -> int:
    """How often a test is tried that fails until then: in a claim about the sound, or in another one."""
    begun = 0

    @may_be_torn
    def test() -> None:
        nonlocal begun
        begun += 1
        if torn:
            card.logged.append("Actual underrun of the speaker")
        if begun == succeeds_at:
            return
        if sound:
            with about_the_sound():
                assert begun == succeeds_at
        assert begun == succeeds_at

    if succeeds_at <= TRIES and torn and sound:
        test()
    else:
        with pytest.raises(SoundDiffersError if sound else AssertionError):
            test()
    return begun


def test_a_failure_of_behaviour_is_never_forgiven(card: Card) -> None:
    assert tries(card, torn=True, sound=False, succeeds_at=2) == 1


def test_sound_that_differs_and_was_not_torn_is_not_forgiven(card: Card) -> None:
    card.logged.append("an earlier test's")
    assert tries(card, torn=False, sound=True, succeeds_at=2) == 1


@pytest.mark.filterwarnings("ignore:PulseAudio tore the sound")
def test_torn_sound_is_tried_again_and_not_for_ever(card: Card) -> None:
    assert tries(card, torn=True, sound=True, succeeds_at=2) == 2
    assert tries(card, torn=True, sound=True) == TRIES
    assert TRIES == 3


def test_sound_that_is_missing_is_a_sound_that_differs() -> None:
    with pytest.raises(SoundDiffersError), about_the_sound():
        raise IndexError
