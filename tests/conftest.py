"""What every room's tests may use: the software sound card."""

import os
from collections.abc import Callable, Iterator

import hypothesis
import pytest

from tests.rig import RigMissingError, SoundCard, first_in_line

hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
hypothesis.settings.load_profile("ci")


def _sound_card() -> SoundCard:
    first_in_line()
    try:
        return SoundCard()
    except RigMissingError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def rig() -> Iterator[SoundCard]:
    """The session's own sound card. This process's PyAudio finds it too, as `speaker`, `mic` and `default`."""
    with _sound_card() as card:
        before = {name: os.environ.get(name) for name in card.settings}
        os.environ.update(card.settings)
        yield card
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@pytest.fixture
def new_rig() -> Iterator[Callable[[], SoundCard]]:
    """Makes sound cards that a test may break; each is torn down after it."""
    cards: list[SoundCard] = []

    def make() -> SoundCard:
        cards.append(_sound_card())
        return cards[-1]

    yield make
    for card in cards:
        card.close()
