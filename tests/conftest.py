"""What holds for all tests: their patience, their signals, and the software sound card."""

import os
import signal
from collections.abc import Callable, Iterator

import hypothesis
import pytest

from speakerd.realtime.testing import loopback
from tests.limits import limit
from tests.rig import RigMissingError, SoundCard, first_in_line, missing

hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
hypothesis.settings.load_profile("ci")
loopback.EXPECT_WITHIN_S = limit(loopback.EXPECT_WITHIN_S)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Before other plugins read what is set here."""
    if config.option.timeout is None:
        config.option.timeout = limit(float(config.getini("timeout")))
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A job of cron, or one in the background of a script, ignores it, and its children inherit that; tests send it.
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Say once, before anything runs, that the software sound card is wanted and cannot be had."""
    wanting = sum(item.get_closest_marker("rig") is not None for item in items)
    if wanting and missing() and not hasattr(config, "workerinput"):
        raise pytest.UsageError(
            f"{wanting} of these tests play on a software sound card, which needs {missing()}.\n"
            "To leave them out: add -m 'not rig'"
        )


@pytest.fixture(scope="session", autouse=True)
def _runtime_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A control socket of its own for each session, so that another one beside it is not taken for a running speaker."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
        yield


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
