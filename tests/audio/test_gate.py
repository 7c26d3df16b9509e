from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from speakerd.audio.capture.gate import (
    AnalysedFrame,
    Gate,
    GateClosed,
    GateOpened,
    GateOutput,
    GatePassed,
    TurnOwner,
)
from speakerd.audio.settings import GateSettings

QUICK = GateSettings(
    onset_frames=3,
    onset_window=4,
    pre_roll_ms=100,
    hangover_ms=200,
    tail_ms=60,
    lookback_s=0.5,
    longest_turn_s=3,
)


class Bench:
    """A gate, its clock, and what has left, as numbers of frames."""

    def __init__(self, settings: GateSettings = QUICK, owner: TurnOwner = "local") -> None:
        self.gate = Gate(settings, owner)
        self.index = 0
        self.out: list[GateOutput] = []

    @property
    def now(self) -> float:
        return self.index * 0.02

    def hear(self, pattern: str, *, own: bool = False, may_open: bool = True) -> "Bench":
        """`#` is a voiced frame, anything else is not."""
        for letter in pattern:
            frame = self.frame(letter == "#", own=own)
            self.out += self.gate.process(frame, may_open=may_open)
        return self

    def frame(self, voiced: bool, level: float = -30, own: bool = False) -> AnalysedFrame:
        self.index += 1
        return AnalysedFrame(self.index.to_bytes(4, "little"), (self.index - 1) * 0.02, voiced, level, own)

    def listen(self, mode: str, since: float | None = None) -> "Bench":
        assert mode in ("closed", "gated", "open")
        self.out += self.gate.listen(mode, self.now, since)  # type: ignore[arg-type]  # narrowed above
        return self

    @property
    def passed(self) -> list[int]:
        return [int.from_bytes(o.frame.pcm, "little") for o in self.out if isinstance(o, GatePassed)]

    @property
    def reasons(self) -> list[str]:
        return [o.reason for o in self.out if isinstance(o, GateClosed)]

    @property
    def openings(self) -> list[float]:
        return [round(o.at, 6) for o in self.out if isinstance(o, GateOpened)]


def span(first: int, last: int) -> list[int]:
    return list(range(first, last + 1))


# -- opening -------------------------------------------------------------------------------------------------


def test_nothing_passes_while_closed() -> None:
    assert Bench().hear("#" * 100).out == []


def test_enough_voiced_frames_in_a_row_open_with_the_pre_roll() -> None:
    bench = Bench().listen("gated").hear("." * 20 + "###")
    assert bench.passed == span(16, 23)
    assert bench.openings == [0.30]


def test_the_pre_roll_does_not_depend_on_how_far_one_may_look_back() -> None:
    bench = Bench(replace(QUICK, lookback_s=0)).listen("gated").hear("." * 20 + "###")
    assert bench.passed == span(16, 23)


def test_the_onset_rule_forgives_one_frame_but_not_two() -> None:
    assert Bench().listen("gated").hear("....##.#").openings
    assert not Bench().listen("gated").hear("....#..##..#..##.").openings


def test_the_pre_roll_never_reaches_before_listening_began() -> None:
    assert Bench().hear("." * 10).listen("gated").hear("###").passed == span(11, 13)


def test_listening_since_a_moment_passes_what_was_said_since() -> None:
    bench = Bench().hear("." * 5 + "#####").listen("gated", since=0.1)
    assert bench.passed == span(6, 10)
    assert bench.gate.is_open


def test_listening_since_a_moment_without_speech_then_goes_on_as_ever() -> None:
    bench = Bench().hear("." * 10).listen("gated", since=0.1).hear("..###")
    assert bench.passed == span(8, 15)


def test_a_sentence_that_ended_in_the_past_is_found_whole_and_closed() -> None:
    bench = Bench().hear("..####" + "." * 11).listen("gated", since=0.0)
    assert bench.reasons == ["silence"]
    assert bench.passed == span(1, 9)


def test_the_past_reaches_no_further_than_the_lookback() -> None:
    bench = Bench().hear("." * 100).listen("open", since=0.0)
    assert bench.passed == span(76, 100)


def test_push_to_talk_passes_everything_from_the_press_to_the_release() -> None:
    bench = Bench().hear("." * 10).listen("open", since=0.1).hear(".#.#" * 20).listen("closed")
    assert bench.passed == span(6, 90)
    assert bench.reasons == ["released"]
    assert bench.openings == [0.1]


def test_push_to_talk_without_a_past_begins_with_the_next_frame() -> None:
    assert Bench().hear("..").listen("open").hear("..").passed == [3, 4]


def test_what_the_card_gives_late_from_before_the_press_does_not_pass() -> None:
    bench = Bench().hear("." * 5).listen("open", since=0.14).hear("." * 5)
    assert bench.passed == span(8, 10)
    assert bench.openings == [0.14]


def test_a_burst_of_frames_with_one_time_passes_whole() -> None:
    bench = Bench().hear("." * 5).listen("open").hear("..")
    for _ in range(3):
        bench.gate.process(AnalysedFrame(b"", bench.now - 0.02, True, -30))
    assert bench.gate.statistics.sent_s == pytest.approx(5 * 0.02)


def test_the_mode_it_already_has_changes_nothing() -> None:
    bench = Bench().listen("gated").hear("....###")
    before = list(bench.out)
    assert bench.listen("gated").out == before


def test_a_sentence_goes_on_when_the_button_is_held_in_its_middle() -> None:
    bench = Bench().listen("gated").hear("....####").listen("open").hear("." * 50)
    assert bench.passed == span(1, 58)
    assert bench.reasons == []
    assert bench.listen("gated").reasons == ["released"]


def test_what_was_forgotten_cannot_pass() -> None:
    bench = Bench().hear("." * 10)
    bench.gate.discard_history()
    assert bench.listen("open", since=0.0).passed == []


def test_a_sound_that_only_dies_away_opens_nothing() -> None:
    bench = Bench().listen("gated")
    for step in range(12):
        bench.out += bench.gate.process(bench.frame(voiced=True, level=-20 - 3 * step))
    assert bench.out == []
    for level in (-40, -38, -41):
        bench.out += bench.gate.process(bench.frame(voiced=True, level=level))
    assert bench.openings


def test_another_judge_may_forbid_and_force_the_opening() -> None:
    bench = Bench().listen("gated").hear("." * 10 + "#####", may_open=False)
    assert bench.out == []
    bench.out += bench.gate.force_open(since=0.24)
    assert bench.passed == span(8, 15)
    assert bench.gate.force_open(since=0.2) == []


def test_a_closed_gate_cannot_be_forced() -> None:
    bench = Bench().hear("#" * 10)
    assert bench.gate.force_open(since=0.0) == []


def test_own_sounds_open_nothing_but_speech_begun_under_them_is_kept() -> None:
    bench = Bench().listen("gated").hear("##########", own=True)
    assert bench.out == []
    bench.hear("###")
    assert bench.passed == span(1, 13)


# -- closing, local turns ------------------------------------------------------------------------------------


def test_silence_ends_the_sentence_and_only_its_tail_was_sent() -> None:
    bench = Bench().listen("gated").hear("....####" + "." * 30)
    assert bench.reasons == ["silence"]
    assert bench.passed == span(1, 11)


def test_a_breath_does_not_end_the_sentence_and_is_whole() -> None:
    bench = Bench().listen("gated").hear("....####" + "." * 9 + "#" + "." * 30)
    assert bench.reasons == ["silence"]
    assert bench.passed == span(1, 21)


def test_held_back_silence_is_the_next_sentences_pre_roll() -> None:
    bench = Bench().listen("gated").hear("....####" + "." * 10 + "..###")
    assert bench.passed == span(1, 11) + span(16, 23)


def test_turning_listening_off_ends_the_sentence() -> None:
    assert Bench().listen("gated").hear("....####").listen("closed").reasons == ["closed"]


def test_a_reason_from_outside_shuts_it_once() -> None:
    bench = Bench().listen("gated").hear("....####")
    assert bench.gate.shut(1.0, "device_lost") == [GateClosed(1.0, "device_lost")]
    assert bench.gate.shut(1.0, "device_lost") == []
    assert bench.gate.mode == "gated"


def test_a_turn_too_long_is_ended_and_needs_silence_before_the_next() -> None:
    bench = Bench().listen("gated").hear("#" * 1000)
    assert bench.reasons == ["too_long"]
    assert bench.gate.statistics.openings == 1
    bench.hear("." * 10 + "###")
    assert bench.gate.statistics.openings == 2


# -- closing, server turns -----------------------------------------------------------------------------------


def test_with_a_server_silence_goes_on_being_sent_until_it_reports_the_end() -> None:
    bench = Bench(GateSettings(server_patience_s=5), "server").listen("gated").hear("#" * 8 + "." * 200)
    assert bench.passed == span(1, 208)
    bench.out += bench.gate.server_ended(bench.now)
    assert bench.reasons == ["server"]
    assert bench.hear("." * 50).passed == span(1, 208)


def test_a_server_that_does_not_report_is_waited_for_no_longer_than_its_patience() -> None:
    bench = Bench(GateSettings(server_patience_s=2), "server").listen("gated").hear("#" * 8 + "." * 500)
    assert bench.reasons == ["server_silent"]
    assert bench.passed == span(1, 108)


def test_speech_that_goes_on_after_the_servers_report_is_neither_lost_nor_sent_twice() -> None:
    bench = Bench(QUICK, "server").listen("gated").hear("########")
    bench.out += bench.gate.server_ended(bench.now)
    bench.hear("########")
    assert bench.passed == span(1, 16)
    assert bench.reasons == ["server"]


def test_a_servers_report_means_nothing_in_local_turns_or_while_held_open() -> None:
    assert Bench().listen("gated").hear("########").gate.server_ended(1.0) == []
    assert Bench(QUICK, "server").listen("open").hear("########").gate.server_ended(1.0) == []


# -- always --------------------------------------------------------------------------------------------------


def test_statistics_count_what_was_heard_sent_and_opened() -> None:
    statistics = Bench().listen("gated").hear("." * 20 + "###" + "." * 27).gate.statistics
    assert (statistics.openings, round(statistics.heard_s, 6)) == (1, 1.0)
    assert statistics.sent_s == pytest.approx(0.02 * (8 + 3))


STEPS = st.lists(
    st.one_of(
        st.text("#.", min_size=1, max_size=40),
        st.sampled_from(["closed", "gated", "open", "server", "force", "shut", "forget", "since"]),
    ),
    max_size=30,
)


@examples(max_examples=200)
@given(STEPS, st.sampled_from(["local", "server"]))
def test_whatever_happens_frames_leave_once_in_order_between_an_opening_and_a_closing(
    steps: Iterable[str], owner: TurnOwner
) -> None:
    bench = Bench(QUICK, owner)
    for step in steps:
        if step in ("closed", "gated", "open"):
            bench.listen(step)
        elif step == "since":
            bench.listen("gated", since=bench.now - 0.3)
        elif step == "server":
            bench.out += bench.gate.server_ended(bench.now)
        elif step == "force":
            bench.out += bench.gate.force_open(bench.now)
        elif step == "shut":
            bench.out += bench.gate.shut(bench.now, "own_voice")
        elif step == "forget":
            bench.gate.discard_history()
        else:
            bench.hear(step)
    assert bench.passed == sorted(set(bench.passed))
    is_open = False
    for output in bench.out:
        assert isinstance(output, GateOpened) != is_open
        is_open = not isinstance(output, GateClosed)
    assert is_open == bench.gate.is_open
    assert bench.gate.statistics.sent_s == pytest.approx(len(bench.passed) * 0.02)
    assert len(bench.gate._history) <= 25
    assert len(bench.gate._held) <= 10
