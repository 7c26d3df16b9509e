"""What a person would want to know of a file that is valid: errors, and what is probably not meant so."""

from pathlib import Path

import pytest

from speakerd.config.errors import ConfigErrors, Problem
from speakerd.config.load import boards, read_text

BUTTON = "[panel.button]\npin = 17\n"


def warnings(text: str) -> tuple[Problem, ...]:
    return read_text(text, Path("x.toml")).warnings


def errors(text: str) -> tuple[Problem, ...]:
    with pytest.raises(ConfigErrors) as caught:
        read_text(text, Path("x.toml"))
    return caught.value.problems


@pytest.mark.parametrize(
    ("text", "line", "key", "words"),
    [
        ("[panel.button]\npin = 99", 2, "panel.button.pin", "there is no GPIO99"),
        ('[panel.button]\npin = "pin 11"', 2, "panel.button.pin", "written BOARD11: GPIO17"),
        ('[panel.button]\npin = "BOARD9"', 2, "panel.button.pin", "pin 9 of the header is ground"),
        ('[panel.button]\npin = "BOARD2"', 2, "panel.button.pin", "pin 2 of the header is 5 V"),
        ('[panel.light]\nrgb_pins = [5, 6, "BOARD39"]', 2, "panel.light.rgb_pins", "ground"),
        (
            '[panel]\nbutton.pin = 17\nlight.led_pin = "BOARD11"',
            3,
            "panel.light.led_pin",
            "GPIO17 (pin 11) is taken by panel.button.pin",
        ),
        (
            '[panel.light]\nstrip_leds = 3\n[panel.button]\npin = "BOARD23"',
            4,
            "panel.button.pin",
            "GPIO11 (pin 23) is taken by panel.light.strip_leds",
        ),
        ('[panel.light]\nnight_from = "22:00"\nnight_to = ""', 3, "panel.light.night_to", "has no end"),
        ('[panel.light]\nnight_from = ""\nnight_to = "06:00"', 3, "panel.light.night_to", "never begins"),
        ('[panel.light]\nnight_to = "25:00"', 2, "panel.light.night_to", "is no time of day"),
        (
            "[panel.gestures]\nhold_ms = 200\ndebounce_ms = 200",
            3,
            "panel.gestures.debounce_ms",
            "below hold_ms",
        ),
        (
            "[panel.gestures]\ndouble_tap_ms = 100\ndebounce_ms = 100",
            3,
            "panel.gestures.debounce_ms",
            "two presses",
        ),
        (
            "[panel.gestures]\nshortest_press_ms = 200\nhold_ms = 150",
            2,
            "panel.gestures.shortest_press_ms",
            "below",
        ),
        (
            '[panel.gestures]\nlong = "stop"\nhold_ms = 1000\nlong_ms = 900',
            4,
            "panel.gestures.long_ms",
            "must be above hold_ms",
        ),
        (
            "[panel.gestures]\nhold_ms = 5000\nstuck_s = 4",
            3,
            "panel.gestures.stuck_s",
            "must be above hold_ms",
        ),
        ("[panel.light]\nlevel_to_dbfs = -60", 2, "panel.light.level_to_dbfs", "below level_to_dbfs"),
        ("[panel.light]\n\nrgb_pins = [5, 6]", 3, "panel.light.rgb_pins", "three pins"),
        (
            '[[tools.commands]]\nname = "set_timer"\ndescription = "d"\nargv = ["/bin/true"]',
            2,
            "tools.commands.0.name",
            "the name of another tool already (timers = true)",
        ),
        (
            '[[tools.commands]]\nname = "a"\ndescription = "d"\nargv = ["/bin/true"]\n' * 2,
            6,
            "tools.commands.1.name",
            "another tool already ([[tools.commands]] number 1)",
        ),
        (
            '[[tools.commands]]\nname = "a b"\ndescription = "d"\nargv = ["/bin/true"]',
            2,
            "tools.commands.0.name",
            "letters, digits",
        ),
        (
            '[[tools.commands]]\nname = "a"\ndescription = "d"\nargv = ["curl"]',
            4,
            "tools.commands.0.argv",
            "full path",
        ),
        ('[model]\nheaders = { "X Y" = "a" }', 2, "model.headers", "'X Y' is no name of a header"),
        ('[model]\nheaders = { X-Y = "“a”" }', 2, "model.headers", "the value of X-Y has a character"),
        (
            '[model.headers]\nA = "b"\nX-Y = "a\\nb"',
            1,
            "model.headers",
            "the value of X-Y has a character that no header can have",
        ),
        (
            '[model]\nsafety_identifier = "wir\\n"',
            2,
            "model.safety_identifier",
            "it is sent as a header, and has a character",
        ),
        ('[tools.commands]\nname = "a"', 1, "tools.commands", "this is a list of tables"),
    ],
)
def test_an_error_names_the_line_of_its_key(text: str, line: int, key: str, words: str) -> None:
    (problem,) = errors(text)
    assert (problem.line, problem.key, problem.severity) == (line, key, "error")
    assert words in problem.what


@pytest.mark.parametrize(
    ("text", "line", "key", "words"),
    [
        ("[panel.button]\npin = 11", 2, "panel.button.pin", "11 is GPIO11 (pin 23)"),
        (BUTTON + "[panel.light]\npwm_pin = 13", 4, "panel.light.pwm_pin", "13 is GPIO13 (pin 33)"),
        (BUTTON + "mute_switch_pin = 15", 3, "panel.button.mute_switch_pin", "15 is GPIO15 (pin 10)"),
        (BUTTON + "volume_up_pin = 0", 3, "panel.button.volume_up_pin", "GPIO0 (pin 27) is kept for"),
        ("", None, "panel.button.pin", "no button and no wake word"),
        ("[control]\nenabled = false", None, "panel.button.pin", "and nothing else can"),
        ("[panel.light]\nled_pin = 27", None, "panel.button.pin", "no button and no wake word"),
        ('[panel]\nkind = "none"\nbutton.pin = 17', 2, "panel.kind", "no button and no wake word"),
        (
            BUTTON + '[panel.gestures]\npress = "none"\nhold = "none"',
            4,
            "panel.gestures.press",
            "only `speakerd ctl wake` does",
        ),
        (
            BUTTON
            + '[dialogue]\nstart_muted = true\n[control]\nenabled = false\n[panel.gestures]\ndouble = "none"',
            4,
            "dialogue.start_muted",
            "nothing can unmute",
        ),
        (BUTTON + '[panel.light]\nnight_from = "07:00"', 4, "panel.light.night_from", "so there is none"),
        (
            BUTTON + '[model]\nurl = "wss://me.openai.azure.com/openai/v1/realtime"',
            4,
            "model.url",
            "Azure documents the header api-key",
        ),
        (BUTTON + '[model]\nauth = "api-key"', 4, "model.auth", "OpenAI takes its key as bearer"),
        (
            BUTTON + '[model]\nurl = "wss://RESOURCE.openai.azure.com/x"\nauth = "api-key"',
            4,
            "model.url",
            "RESOURCE stands for",
        ),
        (BUTTON + '[model]\nbackend = "offline"\nlanguage = "de"', 5, "model.language", "knows English only"),
        (BUTTON + '[model]\nlanguage = "de"\nfallback = "offline"', 4, "model.language", "as the fallback"),
        (BUTTON + '[model]\nmodel = "DEPLOYMENT"', 4, "model.model", "DEPLOYMENT stands for"),
        (
            BUTTON + '[model]\ntranscription = "TRANSCRIPTION-DEPLOYMENT"',
            4,
            "model.transcription",
            "TRANSCRIPTION-DEPLOYMENT stands for",
        ),
    ],
)
def test_what_is_probably_not_meant_so_is_a_warning(
    text: str, line: int | None, key: str, words: str
) -> None:
    (problem,) = warnings(text)
    assert (problem.line, problem.key, problem.severity) == (line, key, "warning")
    assert words in problem.what
    assert problem.cure
    assert ": warning: " in str(problem)


@pytest.mark.parametrize(
    "text",
    [
        BUTTON,
        '[panel.button]\npin = "GPIO11"',
        '[panel.button]\npin = "BOARD11"',
        "[wake_word]\nenabled = true",
        '[panel]\nkind = "terminal"',
        BUTTON + "mute_switch_pin = 22",
        BUTTON + '[panel.gestures]\npress = "none"',
        BUTTON + '[panel.light]\nnight_to = "06:00"',
        BUTTON + '[panel.light]\nnight_from = ""',
        BUTTON + "[dialogue]\nstart_muted = true\n[control]\nenabled = false",
        BUTTON
        + '[tools]\ntimers = false\n[[tools.commands]]\nname = "set_timer"\ndescription = "d"\nargv = ["/x"]',
        BUTTON + '[model]\nurl = "wss://me.openai.azure.com/openai/v1/realtime"\nauth = "api-key"',
        BUTTON + '[model]\nurl = "wss://notazure.com/"',
        BUTTON + '[model]\nlanguage = "de"',
        BUTTON + '[model]\nlanguage = "en"\nfallback = "offline"',
    ],
)
def test_what_is_meant_so_is_not_warned_of(text: str) -> None:
    assert warnings(text) == ()


@pytest.mark.parametrize("board", sorted(boards()))
def test_the_boards_are_warned_of_for_nothing_but_what_they_lack(board: str) -> None:
    found = [problem.what for problem in warnings(f'board = "{board}"')]
    assert found == (
        ["no button and no wake word begins a conversation; only `speakerd ctl wake` does"]
        if board == "usb-speakerphone"
        else []
    )


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("", "Name the pin of a button in panel.button.pin, or"),
        ('[panel]\nkind = "none"', 'Take panel.kind = "none" out and name the pin'),
        (
            BUTTON + '[panel.gestures]\npress = "none"\nhold = "none"',
            'Set panel.gestures.press = "conversation"',
        ),
    ],
)
def test_what_lets_a_speaker_be_woken_depends_on_what_keeps_it_from_it(text: str, cure: str) -> None:
    (problem,) = warnings(text)
    assert problem.cure.startswith(cure)


def test_a_word_that_is_almost_right_is_proposed() -> None:
    (problem,) = errors('[audio]\ndriver = "simulted"')
    assert problem.cure == 'Did you mean "simulated"?'
    (problem,) = errors('[audio]\ndriver = "jack"')
    assert problem.cure == ""
