"""Every setting there is, changed on a running daemon, has an effect that is seen from outside.

The list is made from the model of the settings: one that nobody observes fails. What is compared are two runs of one
scene in virtual time, which are the same in every byte but for what the setting does (`evidence`).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, get_args, get_origin

import pytest

from speakerd.config import schema
from speakerd.config.settings import Settings
from speakerd.config.show import value_of
from tests.daemon import scenes
from tests.daemon.bench import answering
from tests.daemon.evidence import Evidence, run, taken_with
from tests.daemon.test_settings_of_hardware import CARD, PINS, REAL_TIME
from tests.daemon.test_settings_of_the_embedded_server import EMBEDDED
from tests.daemon.test_settings_of_the_service import PROCESS
from tests.simulation.virtual_loop import VirtualLoop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.daemon.evidence import Scene

ALL = schema.settings(Settings)


@dataclass(frozen=True)
class Observed:
    """How a setting is observed: what happens, the value that it is changed to, and what is set beside it."""

    scene: Scene = scenes.talk
    to: Any = None
    base: dict[str, Any] = field(default_factory=dict)
    script: Callable[[], Any] = answering
    environment: dict[str, str] | None = None
    early: Any = None
    both: dict[str, Any] = field(default_factory=dict)
    """Changed in the run without the change, too."""


def beside(url: str) -> Callable[[Any], str]:
    """An address on the run's own server."""
    return lambda house: f"{house.server.url}{url}"


def without_query(house: Any) -> str:
    """The address of the run's server, without the name of a model."""
    url: str = house.server.url
    return url.partition("?")[0]


def nobody(_house: Any) -> str:
    """The address of a server that takes connections and never says anything."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    assert loop.network is not None
    return f"ws://127.0.0.1:{loop.network.serve(asyncio.Protocol, '127.0.0.1', 0).port}/v1/realtime"


LONG: dict[str, Any] = {"script": lambda: answering(ms=8_000)}
SILENT: dict[str, Any] = {"script": lambda: scenes.mute_server}
NOWHERE: dict[str, Any] = {"model.url": "ws://127.0.0.1:9/v1/realtime"}
SERVER_VAD: dict[str, Any] = {"model.turn_detection": "server_vad"}
SEMANTIC: dict[str, Any] = {"model.turn_detection": "semantic_vad"}
"""Not every server has it."""
NIGHT: dict[str, Any] = {"panel.light.night_from": "11:00", "panel.light.night_to": "13:00"}
WORD: dict[str, Any] = {"wake_word.enabled": True, "model.connection": "warm"}
KEYED: dict[str, Any] = {"model.auth": "bearer"}
VOICE_ALONE: dict[str, Any] = {
    "audio.gate.silero": "off",
    "audio.gate.margin_db": 0.0,
    "audio.gate.min_level_dbfs": -90.0,
    "audio.input_gain_db": -20.0,
}
HOLD: dict[str, Any] = {"panel.gestures.hold": "talk"}
DOOR: dict[str, Any] = {
    "name": "open_door",
    "description": "Open it.",
    "argv": ["/bin/true"],
    "approval": True,
}
DOOR_LOCKED: dict[str, Any] = {"tools.commands": [DOOR], "panel.gestures.hold": "mute"}
ASKS_FOR_THE_DOOR: dict[str, Any] = {"script": lambda: scenes.calling(("open_door", "{}"))}


def tools(*calls: tuple[str, str], **more: Any) -> dict[str, Any]:
    """A server that calls these tools."""
    return {"script": partial(scenes.calling, *calls, **more)}


TIMES = (("get_time", "{}"),) * 4


OBSERVERS: dict[str, Observed] = {
    "model.url": Observed(scenes.ask, beside("?room=kitchen")),
    "model.model": Observed(scenes.ask, "gpt-realtime-mini", both={"model.url": without_query}),
    "model.auth": Observed(
        scenes.ask, "api-key", KEYED, environment={"SPEAKERD_API_KEY": "sk-0123456789abcdef"}
    ),
    "model.headers": Observed(scenes.ask, {"X-Room": "kitchen"}),
    "model.safety_identifier": Observed(scenes.ask, "household-7"),
    "model.connection": Observed(scenes.wait(3), "warm"),
    "model.connect_timeout_s": Observed(to=2.0, both={"model.url": nobody}),
    "model.rotate_after_min": Observed(scenes.wait(65), 1.0, {"model.connection": "warm"}, **SILENT),
    "model.voice": Observed(scenes.ask, "cedar"),
    "model.speed": Observed(scenes.ask),
    "model.language": Observed(scenes.ask, "de"),
    "model.instructions": Observed(scenes.ask, "Be brief."),
    "model.transcription": Observed(scenes.ask, "whisper-1"),
    "model.turn_detection": Observed(scenes.ask),
    "model.server_vad_threshold": Observed(scenes.ask, base=SERVER_VAD),
    "model.server_vad_prefix_ms": Observed(scenes.ask, base=SERVER_VAD),
    "model.server_vad_silence_ms": Observed(scenes.ask, base=SERVER_VAD),
    "model.semantic_eagerness": Observed(scenes.ask, base={"model.turn_detection": "semantic_vad"}),
    "model.noise_reduction": Observed(scenes.ask),
    "model.max_output_tokens": Observed(scenes.ask, 100),
    "model.tool_rounds": Observed(scenes.ask_for_much, 1, **tools(*TIMES)),
    "model.tool_seconds": Observed(scenes.ask_for_much, 1.0, **tools(*TIMES, pause_s=1.5)),
    "model.tool_tokens": Observed(scenes.ask_for_much, 1_000, **tools(*TIMES, tokens=2_000)),
    "model.truncation": Observed(scenes.ask),
    "model.provider": Observed(scenes.ask, "vllm-omni", SEMANTIC),
    "model.dialect": Observed(scenes.ask, "vllm-omni", SEMANTIC),
    "model.line": Observed(scenes.talk, "telephone"),
    "model.extra": Observed(scenes.ask, {"max_output_tokens": 77}),
    "model.reasoning_effort": Observed(scenes.ask, "low"),
    "model.parallel_tool_calls": Observed(scenes.ask, "off"),
    "audio.input_gain_db": Observed(to=6.0),
    "audio.volume": Observed(to=20),
    "audio.echo": Observed(scenes.wait(1), "half_duplex", {"audio.echo": "off"}),
    "audio.echo_tail_ms": Observed(scenes.speak_right_after_it, 2_000, {"audio.echo": "half_duplex"}),
    "audio.prebuffer_ms": Observed(scenes.ask, 1_500, script=lambda: scenes.slow_talker),
    "audio.flush_ramp_ms": Observed(scenes.interrupt, 100, **LONG),
    "audio.stop_fade_ms": Observed(scenes.stop_it, 1_000, **LONG),
    "audio.playback_limit_s": Observed(scenes.ask, 10, script=lambda: answering(ms=30_000)),
    "audio.output_delay_ms": Observed(scenes.interrupt, 500, **LONG),
    "audio.reopen_first_s": Observed(scenes.pull_the_plug, 4.0),
    "audio.reopen_longest_s": Observed(scenes.pull_the_plug, 1.0),
    "audio.heartbeat_limit_s": Observed(scenes.stall, 1.5),
    "audio.silent_capture_s": Observed(scenes.deafen, 5.0),
    "audio.gate.aggressiveness": Observed(to=0, base=VOICE_ALONE),
    "audio.gate.margin_db": Observed(to=25.0),
    "audio.gate.min_level_dbfs": Observed(to=-20.0),
    "audio.gate.onset_frames": Observed(to=2),
    "audio.gate.onset_window": Observed(scenes.talk_choppily, 6),
    "audio.gate.pre_roll_ms": Observed(to=40),
    "audio.gate.hangover_ms": Observed(to=1_500),
    "audio.gate.tail_ms": Observed(to=40),
    "audio.gate.longest_turn_s": Observed(to=1.0),
    "audio.gate.server_patience_s": Observed(to=1.0, base=SERVER_VAD, **SILENT),
    "audio.gate.lookback_s": Observed(scenes.say_the_word, 0.5, {**WORD, "wake_word.pre_roll_ms": 1_900}),
    "audio.gate.silero": Observed(to="off", base={"audio.gate.silero": "on"}),
    "audio.gate.silero_threshold": Observed(to=0.99, base={"audio.gate.silero": "on"}),
    "audio.barge_in.enabled": Observed(scenes.speak_over_it, **LONG),
    "audio.barge_in.level_dbfs": Observed(scenes.speak_over_it, -10.0, **LONG),
    "audio.barge_in.onset_frames": Observed(scenes.speak_over_it, 3, **LONG),
    "audio.barge_in.onset_window": Observed(
        scenes.speak_choppily_over_it,
        20,
        {"audio.barge_in.onset_frames": 10, "audio.barge_in.onset_window": 10},
        **LONG,
    ),
    "audio.barge_in.suspect_frames": Observed(scenes.speak_over_it, 1, **LONG),
    "audio.barge_in.decide_ms": Observed(
        scenes.speak_over_it,
        60,
        {
            "audio.barge_in.onset_frames": 45,
            "audio.barge_in.onset_window": 50,
            "audio.barge_in.suspect_frames": 1,
        },
        **LONG,
    ),
    "audio.barge_in.duck_db": Observed(scenes.speak_over_it, -40.0, **LONG),
    "audio.sounds.level_db": Observed(to=-30.0),
    "audio.sounds.wake": Observed(to="ping", base={"dialogue.sound_at_press": True}),
    "audio.sounds.end": Observed(to="ping"),
    "audio.sounds.error": Observed(scenes.ask, "ping", {"dialogue.response_timeout_s": 2.0}, **SILENT),
    "audio.sounds.offline": Observed(to="ping", base={**NOWHERE, "dialogue.connect_timeout_s": 2.0}),
    "audio.sounds.mute": Observed(scenes.mute_and_unmute, "ping"),
    "audio.sounds.unmute": Observed(scenes.mute_and_unmute, "ping"),
    "audio.sounds.announcement": Observed(scenes.announce, "bell"),
    "audio.sounds.working": Observed(scenes.a_tool_that_takes_long, "bell", **SILENT),
    "audio.sounds.timer": Observed(scenes.ring, "ping"),
    "wake_word.enabled": Observed(scenes.say_the_word, base={"model.connection": "warm"}),
    "wake_word.model": Observed(scenes.say_the_word, "hey_jarvis", WORD),
    "wake_word.threshold": Observed(scenes.say_the_word, 0.999, WORD),
    "wake_word.refractory_s": Observed(scenes.say_the_word, 60.0, WORD),
    "wake_word.pre_roll_ms": Observed(scenes.say_the_word, 1_000, WORD),
    "dialogue.mode": Observed(),
    "dialogue.listen_window_s": Observed(scenes.press_and_say_nothing, 3.0),
    "dialogue.follow_up_window_s": Observed(to=2.0),
    "dialogue.follow_up_after_talk": Observed(scenes.hold(3.5), base=HOLD),
    "dialogue.turn_limit_s": Observed(scenes.hold(8), 5.0, HOLD),
    "dialogue.sound_at_press": Observed(),
    "dialogue.press_while_listening": Observed(scenes.press_in_the_sentence),
    "dialogue.press_while_answering": Observed(scenes.interrupt, **LONG),
    "dialogue.press_while_muted": Observed(scenes.mute_and_press),
    "dialogue.speech_while_thinking": Observed(scenes.speak_twice, script=lambda: scenes.late(3)),
    "dialogue.mute_while_answering": Observed(scenes.mute_it_while_it_speaks, **LONG),
    "dialogue.text_while_muted": Observed(scenes.mute_and_ask),
    "dialogue.announcement_voice": Observed(scenes.announce, "model"),
    "dialogue.announcement_wait_s": Observed(scenes.announce_while_it_listens, 2.0),
    "dialogue.start_muted": Observed(scenes.press_and_say_nothing),
    "dialogue.remember_press_s": Observed(scenes.wait(2), 1.0, early=scenes.tap_early),
    "dialogue.connect_timeout_s": Observed(to=2.0, base=NOWHERE),
    "dialogue.response_timeout_s": Observed(scenes.ask, 2.0, **SILENT),
    "dialogue.tool_timeout_s": Observed(scenes.a_tool_that_does_not_end, 1.0, **SILENT),
    "dialogue.working_every_s": Observed(scenes.a_tool_that_takes_long, 3.0, **SILENT),
    "dialogue.server_start_limit_s": Observed(to=1.0, base=SERVER_VAD, **SILENT),
    "dialogue.playback_limit_s": Observed(scenes.talk, 10.0, script=lambda: answering(ms=15_000)),
    "dialogue.approval_press": Observed(
        scenes.approve(scenes.taps()), "reject", DOOR_LOCKED, **ASKS_FOR_THE_DOOR
    ),
    "dialogue.approval_hold": Observed(
        scenes.approve(scenes.hold(1)), "approve", DOOR_LOCKED, **ASKS_FOR_THE_DOOR
    ),
    "dialogue.approval_double": Observed(
        scenes.approve(scenes.taps(0.1)), "approve", DOOR_LOCKED, **ASKS_FOR_THE_DOOR
    ),
    "dialogue.approval_timeout_s": Observed(
        scenes.approve(scenes.wait(3)), 2.0, DOOR_LOCKED, **ASKS_FOR_THE_DOOR
    ),
    "dialogue.ring_every_s": Observed(scenes.ring, 1.0),
    "dialogue.ring_limit_s": Observed(scenes.ring, 3.0),
    "dialogue.error_shown_s": Observed(
        scenes.wait_for_an_answer, 1.0, {"dialogue.response_timeout_s": 2.0}, **SILENT
    ),
    "panel.gestures.press": Observed(to="mute"),
    "panel.gestures.hold": Observed(scenes.hold(2), "mute", HOLD),
    "panel.gestures.double": Observed(scenes.taps(0.1), "stop"),
    "panel.gestures.long": Observed(scenes.hold(2), "mute", {"panel.gestures.long_ms": 1_000.0}),
    "panel.gestures.debounce_ms": Observed(scenes.taps(0.06, down_s=0.06), 100.0),
    "panel.gestures.shortest_press_ms": Observed(scenes.taps(down_s=0.02), 50.0),
    "panel.gestures.double_tap_ms": Observed(scenes.taps(0.5), 1_000.0),
    "panel.gestures.hold_ms": Observed(scenes.hold(0.3), 200.0, HOLD),
    "panel.gestures.long_ms": Observed(scenes.hold(2), 1_000.0, {"panel.gestures.long": "mute"}),
    "panel.gestures.stuck_s": Observed(scenes.hold(5), 2.0),
    "panel.gestures.repeat_after_ms": Observed(scenes.hold(1, "volume_up"), 100.0, {"tools.volume_step": 2}),
    "panel.gestures.repeat_every_ms": Observed(scenes.hold(1, "volume_up"), 50.0, {"tools.volume_step": 2}),
    "panel.light.brightness": Observed(scenes.wait(1), 0.5),
    "panel.light.night_from": Observed(scenes.wait(1), "12:30", NIGHT),
    "panel.light.night_to": Observed(scenes.wait(1), "11:30", NIGHT),
    "panel.light.night_brightness": Observed(scenes.wait(1), 0.1, NIGHT),
    "panel.light.level_from_dbfs": Observed(to=-30.0),
    "panel.light.level_to_dbfs": Observed(to=-30.0),
    "panel.light.states": Observed(scenes.wait(1), {"idle": {"color": "red"}}),
    "tools.clock": Observed(scenes.ask),
    "tools.timers": Observed(scenes.ask),
    "tools.volume": Observed(scenes.ask),
    "tools.repeat": Observed(scenes.ask),
    "tools.end_conversation": Observed(scenes.ask),
    "tools.stay_silent": Observed(scenes.ask),
    "tools.volume_step": Observed(scenes.hold(0.3, "volume_up"), 3),
    "tools.max_timers": Observed(
        scenes.ask, 1, **tools(("set_timer", '{"seconds": 60}'), ("set_timer", '{"seconds": 70}'))
    ),
    "tools.longest_timer_h": Observed(scenes.ask, 0.1, **tools(("set_timer", '{"seconds": 3600}'))),
    "tools.commands": Observed(scenes.ask, [DOOR]),
    "log.transcripts": Observed(),
}


def other_value(key: str) -> Any:
    """A valid value of the setting that is not its default, made from its type and limits."""
    default = ALL[key].default
    hint = schema.hint_at(Settings, ALL[key].path)
    if isinstance(default, bool):
        return not default
    if get_origin(hint) is not None and (choices := [arg for arg in get_args(hint) if isinstance(arg, str)]):
        return next(choice for choice in choices if choice != default)
    for candidate in (default * 1.25 + 1, default / 2):
        value = type(default)(candidate)
        if _allowed(key, value):
            return value
    raise AssertionError(f"name another value of {key}")


def _allowed(key: str, value: Any) -> bool:
    from tests.daemon.evidence import with_changes

    try:
        with_changes(Settings(), {key: value})
    except ValueError:
        return False
    return True


_CONTROLS: dict[tuple[Any, ...], Evidence] = {}


def control(observed: Observed, key: str) -> Evidence:
    """The run without the change; of settings that are observed in the same way there is one."""
    shared = "" if key not in UNSHARED else key
    kind = (
        observed.scene,
        repr(observed.base),
        _made_by(observed.script),
        observed.early,
        shared,
        taken_with(key),
    )
    if kind not in _CONTROLS:
        _CONTROLS[kind] = _run(observed, key, {})
    return _CONTROLS[kind]


UNSHARED = {
    "tools.max_timers",
    "dialogue.playback_limit_s",
    *(key for key in OBSERVERS if OBSERVERS[key].environment or OBSERVERS[key].both),
}
"""Those whose control runs differ from others of their kind."""


def _made_by(script: Callable[[], Any]) -> Any:
    code = getattr(script, "__code__", None)
    return (code.co_code, code.co_consts, code.co_names) if code is not None else repr(script)


def _run(observed: Observed, key: str, change: dict[str, Any], **more: Any) -> Evidence:
    return run(
        observed.scene,
        {**observed.both, **change},
        base=observed.base,
        key=key,
        script=observed.script(),
        environment=observed.environment,
        early=observed.early,
        **more,
    )


EFFECTS: dict[str, tuple[str, tuple[str, ...]]] = {}
"""Setting -> when it counts, and where its effect was seen; filled as the tests run."""


@pytest.fixture(scope="module", autouse=True)
def figures() -> Iterator[None]:
    """Print, for those who ask for output, how many settings have which effect."""
    yield
    moments = Counter(when for when, _ in EFFECTS.values())
    places = Counter(place for _, places in EFFECTS.values() for place in places)
    print(f"\n{len(EFFECTS)} settings count {dict(moments)}, and are seen at {dict(places)}")  # noqa: T201  # figures


@pytest.mark.parametrize("key", sorted(OBSERVERS))
def test_a_changed_setting_has_an_effect(key: str) -> None:
    observed = OBSERVERS[key]
    value = other_value(key) if observed.to is None else observed.to
    assert value != value_of(Settings(), ALL[key].path)
    without = control(observed, key)
    changed = _run(observed, key, {key: value})
    seen = changed.differs_from(without)
    if changed.when == "restart":
        assert seen == ("status",), "it counts before the restart"
        assert key in changed.channels["status"][0], "nobody is told that it waits for a restart"
        seen = _run(observed, key, {key: value}, from_the_start=True).differs_from(without)
    assert seen, f"{key} = {value!r}: nothing differs anywhere"
    EFFECTS[key] = (str(changed.when), seen)


def test_another_key_file_is_that_of_the_next_session(tmp_path: Path) -> None:
    names = []
    for name in ("one", "two"):
        file = tmp_path / name
        file.write_text(f"sk-{name}-0123456789abcdef")
        file.chmod(0o600)
        names.append(str(file))
    base = {**KEYED, "model.api_key_file": names[0]}
    observed = Observed(scenes.ask, base=base, environment={"LANG": "C"})
    without = _run(observed, "model.api_key_file", {})
    changed = _run(observed, "model.api_key_file", {"model.api_key_file": names[1]})
    assert "sk-one" in str(without.channels["wire"])
    assert "sk-two" in str(changed.channels["wire"])
    assert changed.when == "between_turns"


def test_no_setting_is_without_an_observer() -> None:
    kinds: dict[str, tuple[str, ...]] = {
        "wire, sound, light, status, journal or monitor, in virtual time": (*OBSERVERS, "model.api_key_file"),
        "the sound card's driver": tuple(CARD),
        "pins and the bus of the strip": tuple(PINS),
        "real time": REAL_TIME,
        "a client of the embedded server": tuple(EMBEDDED),
        "the process: socket, journal, server, board": PROCESS,
    }
    named = [key for keys in kinds.values() for key in keys]
    assert sorted(named) == sorted(ALL), set(named) ^ set(ALL)
    figures = [f"{len(keys):4} {kind}" for kind, keys in kinds.items()]
    print("", *figures, f"{len(ALL):4} settings", sep="\n")  # noqa: T201  # figures, for those who ask for them


def test_runs_without_a_change_are_the_same_in_every_byte() -> None:
    for observed in (Observed(), Observed(scenes.ask), Observed(scenes.interrupt, **LONG)):
        assert not _run(observed, "", {}).differs_from(_run(observed, "", {}))
