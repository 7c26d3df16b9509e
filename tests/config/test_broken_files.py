"""Text that is not TOML: the line, a caret, what was met, and what to write; at once, whatever the file is."""

import os
import re
import threading
import time
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.config.errors import ConfigErrors, ConfigFileError, Problem
from speakerd.config.load import default_file, load, read_text
from tests.config.broken import BROKEN
from tests.limits import limit

LIMIT_S = limit(2.0)


def message(text: str) -> str:
    with pytest.raises(ConfigErrors) as caught:
        read_text(text)
    return "\n".join(map(str, caught.value.problems))


def refused(text: str) -> tuple[Problem, ...]:
    try:
        read_text(text)
    except ConfigErrors as errors:
        return errors.problems
    return ()


@pytest.mark.parametrize(("text", "expected"), BROKEN)
def test_what_is_said_of_a_broken_file(text: str, expected: str) -> None:
    assert message(text) == expected


def test_there_are_more_than_sixty_of_them_and_all_are_broken_in_their_grammar() -> None:
    assert len(BROKEN) > 60
    for text, expected in BROKEN:
        if "more than 30" not in expected:
            with pytest.raises(ValueError):
                tomllib.loads(text)


def test_each_message_proposes_a_line_that_is_toml_or_says_what_to_do_in_words() -> None:
    proposed = 0
    for text, _ in BROKEN:
        for problem in refused(text):
            assert not problem.excerpt or problem.allowed or re.match("[A-Z`]", problem.cure), text
            if match := re.match(r"Write: (.*?)(?:   \(.*\))?$", problem.cure):
                tomllib.loads(match[1].replace("...", "1"))
                proposed += 1
    assert proposed > 50


@pytest.mark.parametrize(
    ("first", "line"),
    [
        ("[audio", 1),
        ("audio:", 1),
        ("[]\nx = 3", 1),
        ("[audio = 5\nvolume = 3", 1),
        ("[[audio.gate", 1),
        ("[audio]]", 1),
        ("[audio] volume = 30%", 1),
        ("[audio]\nvolume: 30", 2),
        ("[audio]\nvolume = 30\n[audio]\nflush_ramp_ms = 3", 3),
        ("[audio]\nvolume = $VOLUME", 2),
        ("[panel.light]\nrgb_pins = [\n  5,\n  6  # blue\nactive_high = true", 2),
        ("[panel.light]\nrgb_pins = [5, 6\nactive_high = true", 2),
        ("[panel.light]\nrgb_pins = [\n  5\n  6\n]", 3),
        ("[model]\nheaders = {\n  X = 'a',\n}", 2),
        ("[model]\ninstructions = 'Be brief.\nBe kind.'", 2),
        ("set volume = 30", 1),
        ("- name: x", 1),
    ],
)
def test_what_is_wrong_further_down_is_told_as_well(first: str, line: int) -> None:
    text = f"{first}\n[dialogue]\nmode = one shot\n[wake_word]\nenabled = yes\n[log]\nlevel = 'loud'\nlevels = 3\n"
    count = text.count("\n")
    told = [(problem.line, problem.key) for problem in refused(text)]
    assert told[0][0] == line
    assert told[-4:] == [
        (count - 5, "dialogue.mode"),
        (count - 3, "wake_word.enabled"),
        (count - 1, "log.level"),
        (count, "log.levels"),
    ]


def test_a_second_and_a_third_mistake_are_reported_in_the_same_go() -> None:
    text = "[audio]\nvolume = 30%\necho = cancel\n[wake_word]\nenabled = yes\n"
    assert re.findall(r"^settings:(\d+)", message(text), re.MULTILINE) == ["2", "3", "5"]


@pytest.mark.parametrize(
    "text",
    [
        "[model.headers]\nX-Room = hunter2",
        "[model.headers]\nX-Room hunter2",
        "[model.headers]\nX-Room hunter2 = 3",
        "[model.headers]\nX-Room: hunter2",
        "[model.headers]\nhunter2",
        "[model.headers]\nX-Room = 5 hunter2",
        "[model.headers]\nX-Room = true hunter2",
        "[model.headers]\nX-Room = 5hunter2",
        "[model.headers]\nX-Room = $hunter2",
        "[model.headers]\nX-Room = #hunter2",
        "[model.headers]\nX-Room = 'hunter2",
        "[model.headers]\nX-Room = 'a' hunter2",
        "[model.headers]\nX-Room = 'a' Y = 'hunter2'",
        "[model.headers]\nX-Room = 'hunter2\nand more'",
        '[model.headers]\nX-Room = "hunt\\er2"',
        "[model.headers]\nX-Room = '''a''' hunter2",
        "[model.headers]\nX-Room = (hunter2)",
        "[model.headers]\nX-Room = [hunter2, 'b']",
        "[model.headers]\nX-Room = 'a'\nX-Room = 'hunter2'",
        "[model.headers] X-Room = hunter2",
        "[model]\nheaders.X-Room = hunter2",
        "[model]\nheaders: hunter2",
        "[model]\nheaders = { X-Room = 'hunter2' Y = 'b' }",
        "[model]\nheaders = { X-Room = 'hunter2, Y = 'b' }",
        "[model]\nheaders = { 'hunter2' }",
        "[model]\nheaders = { a = hunter2, a = hunter2 }",
        "[model]\nheaders = {\n  X-Room: hunter2,\n}",
        "[model]\ntoken = hunter2",
        "[model]\npassword: hunter2",
        '{ "model": { "headers": { "X": "hunter2" } } }',
        "- headers: hunter2",
    ],
)
def test_what_may_be_a_secret_is_in_no_message(text: str) -> None:
    said = message(text)
    assert "hunt" not in said
    assert "er2" not in said


def test_a_key_in_the_list_of_a_command_is_in_no_message() -> None:
    key = "sk-proj-A1b2C3d4A1b2C3d4A1b2C3d4"
    assert key not in message(f"[[tools.commands]]\nname = 'a'\ndescription = 'b'\nargv = [{key}]")
    assert key not in message(f"[[tools.commands]]\nname = 'a'\ndescription = 'b'\nargv = ['{key}']")


@given(st.integers(0, 400), st.text(max_size=6))
def test_whatever_is_put_into_a_file_is_refused_in_words_or_accepted(at: int, junk: str) -> None:
    whole = default_file().read_text("utf-8")[:4000]
    at *= 10
    assert all(problem.line for problem in refused(whole[:at] + junk + whole[at:]))


@given(st.text(alphabet="[]{}=.,:;#\"'\\\n\r\t ab1-_\u201c\0", max_size=60))
def test_whatever_is_in_a_file_there_is_no_traceback(text: str) -> None:
    assert all(str(problem) for problem in refused(text))


HUGE = {
    "a deep list": "a = " + "[" * 50_000,
    "a deep and closed list": "a = " + "[" * 400 + "]" * 400,
    "a deep table": "a = " + "{a=" * 20_000,
    "a long dotted key": "a." * 30_000 + "a = 1",
    "a long dotted header": "[" + "a." * 30_000 + "a]",
    "many unknown keys": "".join(f"a{n} = 1\n" for n in range(4_500)),
    "many unknown tables": "".join(f"[a{n}]\nb = 1\n" for n in range(3_000)),
    "many lists of tables": "[[tools.commands]]\n" * 3_000,
    "many wrong values": "[audio]\ninput = [" + "1," * 30_000 + "]",
    "a number of many digits": "a = " + "1" * 60_000,
    "a hexadecimal number of many digits": "[audio]\nvolume = 0x" + "f" * 60_000,
    "a long line": '[model]\nvoice = "' + "x" * 63_000 + '"',
    "a long line that is not closed": '[model]\nvoice = "' + "x" * 63_000,
    "a long line of escapes that is not closed": '[model]\nvoice = "' + '\\"' * 30_000,
    "many quotes": "a = " + "'\n" * 30_000,
    "a long unknown key": "a" * 63_000 + " = 1",
    "a long bare word": "[model]\nvoice = " + "x" * 63_000,
    "long spaces": "[model]\nvoice" + " " * 63_000 + "marin",
    "long spaces within a value": "[model]\nvoice = a" + " " * 63_000 + "b",
    "many commas": "[panel.light]\nrgb_pins = " + "5," * 30_000 + "x",
    "many mistakes": "[audio]\n" + "volume = 30%\n" * 4_500,
    "many different mistakes": "[audio]\n" + "".join(f"v{n} = 30%\n" for n in range(4_000)),
    "a long list that is not closed": "a = [\n" + "1,\n" * 20_000,
    "many dots": "a = 1" + "." * 63_000,
    "many backslashes": '[model]\nvoice = "' + "\\ " * 30_000 + '"',
    "many digits and commas": "[panel.light]\nrgb_pins = [" + "5 " * 30_000 + "]",
}


@pytest.mark.parametrize("text", HUGE.values(), ids=HUGE)
def test_however_large_or_nested_it_is_answered_within_two_seconds(text: str) -> None:
    """As large as what is read from a file at all. In time of the processor, which others use too."""
    begun = time.thread_time()
    said = "\n".join(map(str, refused(text)))
    assert len(said) < 30_000
    assert bool(said) == (text != HUGE["a long line"])
    assert time.thread_time() - begun < LIMIT_S


def test_a_file_of_ten_megabytes_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(b"a = 1\n" * 1_700_000)
    with pytest.raises(ConfigFileError, match="larger than 64000 bytes"):
        load(path)


@pytest.mark.parametrize("name", ["zero", "full", "tty", "random"])
def test_a_device_is_no_file(name: str) -> None:
    path = Path("/dev") / name
    with pytest.raises(ConfigFileError):
        load(path)


def test_dev_null_is_an_empty_file() -> None:
    assert load(Path("/dev/null")) == read_text("").settings


def test_a_pipe_that_nobody_writes_to_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    failed: list[str] = []

    def attempt() -> None:
        with pytest.raises(ConfigFileError) as caught:
            load(path)
        failed.append(str(caught.value))

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(LIMIT_S)
    assert failed == [f"{path}: this is a pipe, not a file with a text in it"]


@pytest.mark.parametrize(
    ("raw", "line", "what"),
    [
        ("[audio]\n".encode("utf-16"), 1, "saved as UTF-16"),
        ("[audio]\n".encode("utf-16-le"), 1, "saved as UTF-16"),
        ("[audio]\n".encode("utf-32"), 1, "saved as UTF-32"),
        ("[audio]\nvolume = 3".encode("utf-32-le"), 1, "saved as UTF-16"),
        (
            "[model]\n# sch\u00f6n\n".encode("latin-1"),
            2,
            "(0xF6) is not UTF-8; in the Windows and Latin-1 encodings it is \u00f6",
        ),
    ],
)
def test_another_encoding_is_named_with_the_command_that_mends_it(
    raw: bytes, line: int, what: str, tmp_path: Path
) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(raw)
    with pytest.raises(ConfigErrors) as caught:
        load(path)
    (problem,) = caught.value.problems
    assert problem.line == line
    assert what in problem.what
    assert "iconv -f" in problem.cure


@pytest.mark.parametrize(
    ("raw", "line", "what", "cure"),
    [
        (
            b"\0",
            1,
            "nothing but zeros, as after a power cut: its content is lost",
            "check --starter | sudo tee ",
        ),
        (b"\0" * 4096, 1, "nothing but zeros, as after a power cut: its content is lost", "check --starter"),
        (
            b"[audio]\nvolume = 30\n" + b"\0" * 400,
            3,
            "from here on the file holds nothing but zeros",
            "tr -d",
        ),
    ],
)
def test_what_a_power_cut_leaves_is_called_lost_and_no_encoding(
    raw: bytes, line: int, what: str, cure: str, tmp_path: Path
) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(raw)
    with pytest.raises(ConfigErrors) as caught:
        load(path)
    (problem,) = caught.value.problems
    assert (problem.line, what in problem.what, cure in problem.cure) == (line, True, True)
    assert "UTF" not in str(problem)


def test_windows_line_ends_and_a_mark_at_the_beginning_are_no_mistakes(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes("\ufeff[audio]\r\nvolume = 3\r\n[model]\r\nspeed = 9\r\n".encode())
    with pytest.raises(ConfigErrors) as caught:
        load(path)
    assert [(problem.line, problem.key) for problem in caught.value.problems] == [(4, "model.speed")]


def test_a_message_moves_no_cursor_and_hides_nothing() -> None:
    shown = message('[audio]\n"vol\\u001b[2Jume" = 3\n"a\\u202eb" = 1\n')
    assert "\x1b" not in shown
    assert "\u202e" not in shown
