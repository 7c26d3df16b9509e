"""Every mistake at once: with file, line, key, what was found, what is allowed, and what was meant."""

from pathlib import Path

import pytest

from speakerd.config import load as loading
from speakerd.config.errors import ConfigError, ConfigErrors, ConfigFileError, Problem
from speakerd.config.load import load, place_of, read, read_text
from speakerd.config.nearest import nearest
from speakerd.config.settings import Settings

KEY = "sk-proj-" + "A1b2C3d4" * 4


def problems(text: str) -> tuple[Problem, ...]:
    with pytest.raises(ConfigErrors) as caught:
        read_text(text, Path("x.toml"))
    return caught.value.problems


def only(text: str) -> Problem:
    (problem,) = problems(text)
    return problem


def test_an_empty_file_is_all_defaults() -> None:
    assert read_text("").settings == Settings()


def test_what_the_file_says_counts() -> None:
    settings = read_text(
        "[audio]\nvolume = 7\n[audio.gate]\nmargin_db = 4\n[panel.button]\npin = 17"
    ).settings
    assert (settings.audio.volume, settings.audio.gate.margin_db, settings.panel.button.pin) == (7, 4.0, 17)


def test_a_whole_file_of_mistakes_is_reported_in_one_go_in_the_order_of_its_lines() -> None:
    found = problems(
        """board = "no-such-board"
[audio]
volum = 50
volume = 130
echo = "loud"
[audio.gate]
onset_frames = 2.5
[model]
speed = "fast"
language = "english"
[sound]
x = 1
"""
    )
    assert [(problem.line, problem.key, problem.found) for problem in found] == [
        (1, "board", '"no-such-board"'),
        (3, "audio.volum", "50"),
        (4, "audio.volume", "130"),
        (5, "audio.echo", '"loud"'),
        (7, "audio.gate.onset_frames", "2.5"),
        (9, "model.speed", '"fast"'),
        (10, "model.language", ""),
        (11, "sound", ""),
    ]
    assert found[1].cure == "Did you mean audio.volume?"
    assert found[2].allowed == "a whole number from 0 to 100"
    assert found[3].allowed == '"auto" or "cancel" or "half_duplex" or "off"'


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("audio.volum", "audio.volume"),
        ("audo", "audio"),
        ("gate.hangover_ms", "audio.gate.hangover_ms"),
        ("hangover_ms", "audio.gate.hangover_ms"),
        ("model.name", ""),
        ("log.transcript", "log.transcripts"),
        ("zzz", ""),
    ],
)
def test_the_nearest_known_key_is_named(path: str, meant: str) -> None:
    assert nearest(tuple(path.split("."))) == meant


@pytest.mark.parametrize(
    ("line", "allowed"),
    [
        ("volume = true", "a whole number from 0 to 100"),
        ('volume = "50"', "a whole number from 0 to 100"),
        ("input = 3", "a text in quotes, not empty"),
        ("barge_in.enabled = 1", "true or false"),
        ("input_gain_db = nan", "a number from -30 to 40"),
        ("reopen_first_s = inf", "a number from 0.05 to 60"),
        ("input = 1979-05-27", None),
    ],
)
def test_types_are_strict(line: str, allowed: str | None) -> None:
    if allowed is None:
        read_text(f"[audio]\n{line}")  # a date reads as the text that it looks like
    else:
        assert only(f"[audio]\n{line}").allowed == allowed


def test_not_toml_names_the_line() -> None:
    problem = only("[audio]\nvolume = 5 0\n")
    assert problem.line == 2
    assert problem.what == "there is a space in the number"
    assert problem.excerpt == "    2 | volume = 5 0\n      |           ^"


def test_a_text_that_is_never_closed_names_the_line_where_it_begins() -> None:
    problem = only('[model]\ninstructions = """\nBe brief.\n[audio]\nvolume = 3\n')
    assert (problem.line, problem.key) == (2, "model.instructions")
    assert problem.what == 'this text begins with """ and is never closed'


def test_a_key_given_twice_names_the_line() -> None:
    assert only("[log]\nlevel = 'info'\nlevel = 'debug'\n").line == 3


def test_a_value_where_a_table_belongs() -> None:
    problem = only("audio = 5\n")
    assert (problem.line, problem.key, problem.what) == (1, "audio", "this is a table")


def test_a_long_value_is_shown_cut() -> None:
    assert only(f'[audio]\nvolume = "{"x" * 100}"').found == '"' + "x" * 56 + "..."
    assert only(f'[audio]\nvolume = "{"x" * 58}"').found == '"' + "x" * 58 + '"'


@pytest.mark.parametrize(
    "text",
    [
        f'[model]\napi_key = "{KEY}"',
        '[model]\nkey = "short"',
        f'[model]\nvoice = "{KEY}"',
        f'OPENAI_API_KEY = "{KEY}"',
        f'[model]\nheaders = {{ x = "{KEY}" }}',
        '[model.headers]\nAuthorization = "Bearer abcdefghijkl"',
        '[model.headers]\nAuthorization = "0123456789abcdef"',
        '[model.headers]\nApi-Key = "0123456789abcdef"',
        '[tools]\ntoken = "abc"',
    ],
)
def test_a_key_in_the_file_is_refused_with_the_cure_and_never_shown(text: str) -> None:
    with pytest.raises(ConfigErrors) as caught:
        read_text(text)
    shown = str(caught.value) + repr(caught.value)
    assert "a secret in the configuration is refused" in shown
    assert "--key" in shown
    for secret in (KEY, "abcdefghijkl", "0123456789abcdef"):
        assert secret not in shown
    assert len(caught.value.problems) == 1


def test_a_secret_within_a_wrong_value_is_not_shown() -> None:
    shown = str(problems('[model]\nurl = "https://user:hunter2@host/?code=hunter2"')[0])
    assert "hunter2" not in shown
    assert "wss://" in shown


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[model]\nurl = "https://api.openai.com/v1/realtime"', "model.url"),
        ('[model]\nurl = "ws://192.168.1.9:8000/v1/realtime"', "model.url"),
        ('[model]\nurl = "ws://host:99999/"', "model.url"),
        ('[model]\nurl = "wss://[::1"', "model.url"),
        ('[model]\napi_key_file = "key"', "model.api_key_file"),
        ('[model]\nbackend = "offline"\nfallback = "offline"', "model.fallback"),
        ('[model]\nlanguage = "English"', "model.language"),
        ('[model]\nlanguage = "d"', "model.language"),
        ('[model]\nlanguage = "D"', "model.language"),
        ('[control]\nsocket = "relative.sock"', "control.socket"),
        (f'[control]\nsocket = "/{"x" * 107}"', "control.socket"),
        ("[panel.button]\npin = 17\n[panel.light]\nled_pin = 'GPIO17'", "panel.light.led_pin"),
        ("[panel.light]\nrgb_pins = [5, 6, 5]", "panel.light.rgb_pins"),
        ("[panel.light]\nstrip_leds = 12\n[panel.button]\npin = 10", "panel.button.pin"),
        ("[audio.gate]\nonset_frames = 9", "audio.gate.onset_frames"),
        ("[audio.gate]\nonset_window = 3", "audio.gate.onset_window"),
        ("[audio.barge_in]\nsuspect_frames = 6", "audio.barge_in.suspect_frames"),
        ("[audio]\nreopen_first_s = 20", "audio.reopen_first_s"),
    ],
)
def test_contradictions(text: str, key: str) -> None:
    problem = only(text)
    assert problem.key == key
    assert problem.line is not None
    assert problem.cure


@pytest.mark.parametrize(
    ("text", "what", "cure"),
    [
        (
            '[model]\nurl = "http://host/v1"',
            "this is not the address of a WebSocket",
            "Write ws:// instead of http://.",
        ),
        ('[model]\nurl = "host/v1"', "this is not the address of a WebSocket", "Write wss://host/path."),
        ("[panel.light]\nrgb_pins = [5, 6, 5]", "GPIO5 (pin 29) is used twice", "Give each its own pin."),
        (
            "[panel.button]\npin = 17\n[panel.light]\nled_pin = 17",
            "GPIO17 (pin 11) is taken by panel.button.pin",
            "Give each its own pin.",
        ),
        (
            "[audio.gate]\nonset_frames = 3\nonset_window = 2",
            "onset_frames = 3 is more than onset_window = 2: the gate could never open",
            "Make onset_frames smaller, or onset_window larger.",
        ),
    ],
)
def test_a_contradiction_says_what_contradicts_what_and_what_to_write(
    text: str, what: str, cure: str
) -> None:
    problem = only(text)
    assert (problem.what, problem.cure) == (what, cure)


@pytest.mark.parametrize(
    "key",
    [
        "button.mute_switch_pin",
        "button.volume_up_pin",
        "button.volume_down_pin",
        "light.led_pin",
        "light.pwm_pin",
    ],
)
def test_no_two_things_are_wired_to_one_pin(key: str) -> None:
    assert only(f"[panel]\nbutton.pin = 17\n{key} = 17\n").key == f"panel.{key}"


@pytest.mark.parametrize(
    "text",
    [
        '[model]\nlanguage = "de"',
        '[model]\nlanguage = "gsw"',
        "[audio.gate]\nonset_frames = 4\nonset_window = 4",
        '[model]\nurl = "ws://127.0.0.1:8000/v1/realtime"',
        '[model]\nurl = "ws://localhost/v1"',
        '[model]\nurl = "ws://192.168.1.9:8000/v1/realtime"\nauth = "none"',
        '[model]\nbackend = "offline"\nurl = ""',
        f'[control]\nsocket = "/{"x" * 106}"',
        '[control]\nenabled = false\nsocket = "x"',
        "[panel.light]\nstrip_leds = 12\nstrip_bus = 1\n[panel.button]\npin = 10",
        "[panel.button]\npin = 17\n[panel.light]\nled_pin = 18\nrgb_pins = ['BOARD3', 5, 6]",
    ],
)
def test_what_only_looks_like_a_contradiction(text: str) -> None:
    read_text(text)


def test_a_room_that_refuses_a_combination_is_heard() -> None:
    problem = only('\n[panel.button]\nactive = "low"\npull = "down"\n')
    assert (problem.line, problem.key) == (4, "panel.button.pull")
    assert "pull" in problem.what


def test_tables_in_a_list_are_judged_with_their_lines() -> None:
    found = problems(
        '[[tools.commands]]\nname = "a"\ndescription = "d"\nargv = ["/bin/true"]\n'
        '[[tools.commands]]\ndescription = "d"\nargv = ["/bin/true"]\ntimeout_s = 0\n'
    )
    assert [(problem.line, problem.key) for problem in found] == [
        (5, "tools.commands.1.name"),
        (8, "tools.commands.1.timeout_s"),
    ]
    assert found[1].allowed.startswith("a number ")


def test_tables_of_ones_own_names_are_judged_too() -> None:
    found = problems(
        '[panel.light.states.listning]\ncolor = "green"\n'
        "[panel.light.states.listening]\nbrightness = 2.0\ncolour = 1\n"
    )
    assert [(problem.line, problem.key, problem.what) for problem in found] == [
        (1, "panel.light.states.listning", "no such name here"),
        (4, "panel.light.states.listening.brightness", "not allowed"),
        (5, "panel.light.states.listening.colour", "there is no such key"),
    ]
    assert found[1].allowed == "a number from 0 to 1"
    assert found[2].cure == "Did you mean panel.light.states.listening.color?"


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigFileError, match=r"none\.toml: there is no such file.*--starter"):
        load(tmp_path / "none.toml")
    with pytest.raises(OSError, match="folder"):
        load(tmp_path)


def test_a_file_that_is_no_text_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(b"# fine\n# \xff\n")
    with pytest.raises(ConfigErrors) as caught:
        load(path)
    assert caught.value.problems[0].line == 2
    path.write_bytes(b"#" * 1_000_001)
    with pytest.raises(ConfigFileError, match="larger"):
        load(path)


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(b"\xef\xbb\xbf[audio]\nvolume = 1\n")
    assert load(path).audio.volume == 1


@pytest.fixture
def boards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "boards"
    folder.mkdir()
    monkeypatch.setattr(loading, "boards_dir", lambda: folder)
    return folder


def test_a_board_lies_under_the_file(boards: Path) -> None:
    (boards / "hat.toml").write_text('[audio]\nvolume = 30\ninput = "hat"\n[panel.button]\npin = 5\n')
    loaded = read_text('board = "hat"\n[audio]\nvolume = 40\n')
    assert (loaded.settings.audio.volume, loaded.settings.audio.input) == (40, "hat")
    assert loaded.settings.panel.button.pin == 5


def test_a_value_where_the_board_has_a_table_is_the_owners_mistake(boards: Path) -> None:
    (boards / "hat.toml").write_text("[audio]\nvolume = 30\n")
    problem = only('audio = 5\nboard = "hat"\n')
    assert (problem.file, problem.line, problem.what) == (Path("x.toml"), 1, "this is a table")


def test_a_mistake_in_a_board_names_the_boards_file(boards: Path) -> None:
    (boards / "hat.toml").write_text("\n[audio]\nvolume = 300\n")
    problem = only('board = "hat"\n')
    assert (problem.file, problem.line) == (boards / "hat.toml", 3)
    assert only('board = "hot"\n').cure == "Did you mean hat?"
    (boards / "hat.toml").write_text("[[[")
    assert problems('board = "hat"\n')[0].file == boards / "hat.toml"


def test_one_root_for_all_errors_of_the_room() -> None:
    assert issubclass(ConfigErrors, ConfigError)
    assert issubclass(ConfigFileError, ConfigError)
    assert issubclass(ConfigFileError, OSError)
    assert issubclass(ConfigError, ValueError)


def test_a_problem_as_json(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text("[audio]\nvolume = 200\n")
    with pytest.raises(ConfigErrors) as caught:
        read(path)
    assert caught.value.problems[0].to_dict() == {
        "file": str(path),
        "line": 2,
        "key": "audio.volume",
        "what": "not allowed",
        "found": "200",
        "allowed": "a whole number from 0 to 100",
        "cure": "",
        "excerpt": "",
        "severity": "error",
    }
    assert str(caught.value).startswith(
        f"1 mistake in the configuration:\n{path}:2: audio.volume = 200: not allowed"
    )


def test_the_place_of_a_setting_is_file_line_and_key(tmp_path: Path) -> None:
    file = tmp_path / "speakerd.toml"
    file.write_text('[audio]\nvolume = 50\n[model]\nvoice = "nobody"\n')
    assert place_of(file, "model.voice") == f"{file}:4: model.voice"
    assert place_of(tmp_path / "gone.toml", "model.voice") == f"{tmp_path}/gone.toml: model.voice"


def test_a_setting_that_stands_in_no_file_has_no_line() -> None:
    loaded = read_text(
        '[audio]\ninput = "kitchen"\n[[tools.commands]]\nname = "a"\ndescription = "b"\nargv = ["/bin/true"]\n'
    )
    assert loaded.place("audio.input")[1] == 2
    assert loaded.place("audio.output")[1] is None, "not the line of its table, which says nothing of it"
    assert loaded.place("audio")[1] == 1
    assert loaded.place("tools.commands.0.timeout_s")[1] is not None, (
        "what belongs to an entry is at the entry"
    )
