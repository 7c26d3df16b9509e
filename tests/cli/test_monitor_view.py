from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from speakerd.cli.views.monitor import FRAMES_PER_S, MonitorView

LEVEL = {"event": "level", "at": 1.0, "mic": -30.0, "speaker": -60.0, "gate": False}
STATE = {"event": "state", "at": 1.0, "light": "listening", "phase": "listening", "uplink": "open"}


def said(role: str, text: str, *, final: bool, item: str = "i1") -> dict[str, Any]:
    return {"event": "caption", "at": 1.0, "role": role, "item_id": item, "text": text, "final": final}


def test_what_is_worth_a_line() -> None:
    view = MonitorView()
    assert view.feed(STATE) == ["* listening"]
    assert view.feed(STATE) == []
    assert view.feed({**STATE, "light": "muted", "phase": "idle"}) == ["* muted (idle)"]
    assert view.feed(LEVEL) == []
    assert view.feed({**LEVEL, "gate": True}) == ["  gate open"]
    assert view.feed({**LEVEL, "gate": True}) == []
    assert view.feed(said("user", "Hello there.", final=True)) == ["you: Hello there."]
    assert view.feed(said("assistant", "Hi.", final=True)) == ["speaker: Hi."]
    assert view.feed({"event": "latency", "name": "press_to_listening", "seconds": 0.0123}) == [
        "  press to listening: 12 ms"
    ]
    assert view.feed({"event": "conversation", "number": 3, "ended": False}) == ["-- conversation 3 began"]
    assert view.feed({"event": "connection", "status": "reconnecting", "reason": "1006"}) == [
        "  connection: reconnecting (1006)"
    ]
    assert view.feed({"event": "lost", "count": 7}) == [
        "  (7 events left out: this line is too slow for all of them)"
    ]
    assert view.feed({"event": "tool_start", "at": 1.0, "tool": "set_timer"}) == [
        "  tool start: tool=set_timer"
    ]
    assert view.feed({"event": "mark", "at": 1.0, "name": "speech_start"}) == []
    assert view.feed({"event": "something_new"}) == ["  something new"]
    assert view.feed({"no": "event"}) == []


def test_the_bottom_line_shows_light_meters_gate_and_what_is_being_said() -> None:
    view = MonitorView(columns=100)
    view.feed(STATE)
    view.feed({**LEVEL, "gate": True})
    view.feed(said("user", "what is ", final=False))
    view.feed(said("user", "the time", final=False))
    frame = view.frame(0.0)
    assert frame.startswith(
        "\r\033[Klistening  mic [######......] gate open   out [............]  what is the time"
    )
    view.feed(said("user", "What is the time?", final=True))
    assert "what is" not in view.frame(10.0)


def test_it_is_drawn_so_many_times_a_second_and_only_when_it_changed() -> None:
    view = MonitorView()
    drawn = 0
    for tick in range(1000):  # ten seconds, a hundred levels in each
        view.feed({**LEVEL, "mic": -float(tick % 60)})
        drawn += bool(view.frame(tick / 100))
    assert drawn <= 10 * FRAMES_PER_S + 1
    assert view.frame(100.0)
    assert view.frame(200.0) == ""


def test_lines_scroll_by_above_the_bottom_line() -> None:
    view = MonitorView()
    view.feed(LEVEL)
    bottom = view.frame(0.0).removeprefix("\r\033[K")
    assert view.above(["one", "two"]) == f"\r\033[Kone\ntwo\n{bottom}"
    assert view.above([]) == ""


def test_colour_ends_where_the_line_ends() -> None:
    view = MonitorView(colour=True)
    view.feed(STATE)
    assert view.frame(0.0).startswith("\r\033[K\033[32mlistening")
    assert view.frame(0.0) == ""
    assert view.above(["x"]).endswith("\033[0m")
    assert view.end() == "\r\033[K\033[0m"


def test_the_first_line_says_how_things_stand() -> None:
    view = MonitorView()
    assert (
        view.status({"light": "idle", "phase": "idle", "connected": False, "volume": 60})
        == "idle, not connected, volume 60"
    )


@given(st.integers(10, 200), st.text(max_size=300), st.floats(-200, 50))
def test_the_bottom_line_never_wraps(columns: int, text: str, level: float) -> None:
    view = MonitorView(columns=columns)
    view.feed({**LEVEL, "mic": level, "speaker": level})
    view.feed(said("assistant", text, final=False))
    frame = view.frame(0.0).removeprefix("\r\033[K")
    assert len(frame) < columns
    assert "\n" not in frame


def test_what_is_being_said_is_bounded() -> None:
    view = MonitorView()
    for _ in range(1000):
        view.feed(said("assistant", "word " * 20, final=False))
    assert len(view._saying) <= 2_000


def test_it_names_who_answers() -> None:
    view = MonitorView()
    status = {"light": "idle", "connected": True, "volume": 60, "answers": "the embedded server"}
    assert view.status(status) == "idle, connected to the embedded server, volume 60"
    assert view.feed({"event": "answers", "by": "the voice model"}) == ["  connected to the voice model"]
