"""What every panel keeps to, the stand-ins as well as the pins."""

import threading
from collections.abc import Iterator

import pytest

from speakerd.panel.light_settings import LightSettings
from speakerd.panel.patterns import LookChange
from tests.panel.rigs import Rig, rig, wait_until

LIGHT = LightSettings(night_from="", states={"idle": LookChange(brightness=1.0, color="white")})


@pytest.fixture(params=["simulated", "gpio", "terminal"])
def stand(request: pytest.FixtureRequest) -> Iterator[Rig]:
    with rig(request.param, LIGHT) as made:
        yield made


class Edges:
    def __init__(self) -> None:
        self.seen: list[tuple[str, bool, float]] = []

    def __call__(self, name: str, pressed: bool, at: float) -> None:
        self.seen.append((name, pressed, at))

    def wait_for(self, *pressed: bool) -> None:
        wanted = [("button", p) for p in pressed]
        wait_until(lambda: [(n, p) for n, p, _ in self.seen] == wanted, f"edges {wanted}, seen {self.seen}")


def test_a_press_and_a_release_are_two_edges_with_their_times(stand: Rig) -> None:
    edges = Edges()
    stand.panel.start(edges)
    stand.press()
    edges.wait_for(True)
    stand.release()
    edges.wait_for(True, False)
    assert edges.seen[0][2] <= edges.seen[1][2]


def test_a_press_that_changes_nothing_is_no_edge(stand: Rig) -> None:
    edges = Edges()
    stand.panel.start(edges)
    for step in (stand.release, stand.press, stand.press, stand.release):
        step()
    edges.wait_for(True, False)


def test_the_light_shows_what_it_is_told(stand: Rig) -> None:
    stand.panel.start(Edges())
    stand.panel.show("idle")
    wait_until(stand.is_bright, "idle, made bright for this test")
    stand.panel.show("speaking")
    wait_until(lambda: not stand.is_bright(), "speaking, with nothing heard: dim")


def test_the_light_follows_the_sound_while_speaking(stand: Rig) -> None:
    stand.panel.start(Edges())
    stand.panel.show("speaking")
    wait_until(lambda: not stand.is_bright(), "dim while silent")

    def loud() -> bool:
        stand.panel.set_level(-6.0)
        return stand.is_bright()

    wait_until(loud, "bright while loud")
    wait_until(lambda: not stand.is_bright(), "dim again once no level is reported")


def test_close_puts_the_light_out_and_leaves_no_thread(stand: Rig) -> None:
    before = threading.active_count()
    edges = Edges()
    stand.panel.start(edges)
    stand.panel.show("idle")
    wait_until(stand.is_bright, "lit")
    stand.panel.close()
    assert stand.is_off()
    assert not [t.name for t in threading.enumerate() if t.name.startswith("panel-")]
    assert threading.active_count() <= before


def test_after_close_nothing_happens_any_more(stand: Rig) -> None:
    edges = Edges()
    stand.panel.start(edges)
    stand.panel.close()
    stand.panel.close()
    stand.panel.show("listening")
    stand.panel.set_level(-10.0)
    stand.press()
    assert edges.seen == []
    assert stand.is_off()


def test_close_before_start_is_harmless_and_a_second_start_is_refused(stand: Rig) -> None:
    stand.panel.start(Edges())
    with pytest.raises(RuntimeError):
        stand.panel.start(Edges())


def test_an_exception_in_the_listener_does_not_silence_the_button(
    stand: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[bool] = []

    def listen(_name: str, pressed: bool, _at: float) -> None:
        seen.append(pressed)
        if pressed:
            raise ValueError("a fault in the daemon")

    stand.panel.start(listen)
    stand.press()
    wait_until(lambda: seen == [True], "the press")
    stand.release()
    wait_until(lambda: seen == [True, False], "the release, in spite of the fault")
    assert "was lost" in caplog.text


def test_show_from_many_threads_ends_in_the_last_state(stand: Rig) -> None:
    stand.panel.start(Edges())

    def flicker() -> None:
        for _ in range(50):
            stand.panel.show("muted")
            stand.panel.show("speaking")

    threads = [threading.Thread(target=flicker) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stand.panel.show("idle")
    wait_until(stand.is_bright, "idle")
