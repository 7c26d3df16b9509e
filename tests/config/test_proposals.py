"""A line that a message tells to write is TOML, mends what it is said of, and keeps all that the person wrote."""

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.config.errors import ConfigErrors, Problem
from speakerd.config.load import read_text
from tests.config.broken import BROKEN

_LEAD = re.compile(r"Write(?: in line (\d+)| in place of lines (\d+) to (\d+)| a comma after it)?:[ \n]")
_REMARK = re.compile(r"   \([^#]*\)$")

_SWAPPED = {
    **dict.fromkeys(("yes", "on", "enabled", "ja"), ("true", "on")),
    **dict.fromkeys(("no", "off", "disabled", "nein"), ("false", "none", "off")),
    "bcm": ("gpio",),
    "j8": ("board",),
    **dict.fromkeys(
        ("none", "null", "nil", "undefined", "set", "let", "export", "pin", "rem", "s", "ms", "min"), ("",)
    ),
}
"""Words that may become something else, or nothing."""
_WITH_UNIT = re.compile(r"(\d+)(?:[a-z]{1,8})")


def problems(text: str) -> tuple[Problem, ...]:
    """Return all that is said of a text."""
    try:
        read_text(text)
    except ConfigErrors as errors:
        return errors.problems
    return ()


def proposals(told: tuple[Problem, ...]) -> Iterator[tuple[Problem, int, int, list[str]]]:
    """Yield the problems that tell what to write, with the lines from which to which it is to stand, and them."""
    for problem in told:
        lead = _LEAD.match(problem.cure)
        if lead is None:
            continue
        assert problem.line is not None
        first = int(lead[1] or lead[2] or problem.line)
        lines = problem.cure[lead.end() :].split("\n")
        indented = 8 if problem.cure[lead.end() - 1] == "\n" else 4 + lead.end()
        below = [line[indented:] for line in lines[1:] if line.startswith(" " * indented)]
        written = [lines[0].removeprefix(" " * 8), *below]
        written[-1] = _REMARK.sub("", written[-1])
        yield problem, first, int(lead[3] or first), written


def with_lines(text: str, first: int, last: int, lines: list[str]) -> str:
    """Return the text with these lines in place of others."""
    before = text.replace("\r\n", "\n").split("\n")
    return "\n".join([*before[: first - 1], *lines, *before[last:]])


def lost(original: str, written: str) -> str:
    """Return the first word or number of the original that is not in what is written, in this order; else ""."""
    rest = "".join(char for char in written.lower() if char.isalnum())
    for word in re.findall(r"[^\W_]+", original.lower()):
        unit = _WITH_UNIT.fullmatch(word)
        kept = (word, word.lstrip("0") or "0", *_SWAPPED.get(word, ()), *((unit[1],) if unit else ()))
        found: str | None = next((each for each in kept if each in rest), None)
        if found is None:
            return str(word)
        rest = rest[rest.index(found) + len(found) :]
    return ""


def check_all(text: str) -> int:
    """Check what is proposed for a text; return how many proposals there were.

    With the proposal, nothing is said of its lines but what was said before, and which keys a table lacks.
    """
    count = 0
    told = problems(text)
    for problem, first, last, lines in proposals(told):
        count += 1
        mended = with_lines(text, first, last, lines)
        before = {(each.key, each.what) for each in told if each is not problem}
        again = [
            each
            for each in problems(mended)
            if each.line is not None and first <= each.line < first + len(lines)
            if (each.key, each.what) not in before and each.what != "this key is needed"
            if each.excerpt or "..." not in problem.cure  # of a hidden value only its grammar can be mended
        ]
        assert not again, f"{text!r}\n{problem}\nleads to\n{again[0]}"
        original = "\n".join(text.split("\n")[first - 1 : last])
        if "..." not in problem.cure and " counts " not in problem.cure:
            assert not lost(original, "\n".join(lines)), f"{text!r}\n{problem}"
    return count


@pytest.mark.parametrize("text", [text for text, _ in BROKEN])
def test_what_is_proposed_for_a_broken_file_mends_it_and_keeps_every_value(text: str) -> None:
    check_all(text)


def test_for_most_broken_files_a_line_is_proposed() -> None:
    known = [text for text, said in BROKEN if "There is no " not in said]
    assert sum(check_all(text) > 0 for text in known) > 0.7 * len(known)


STATEMENTS = (
    '[model]\nvoice = "marin"',
    "[model]\nvoice = 'it'   # soft",
    "[audio]\nvolume = 30",
    "[audio]\nvolume = 30   # loud",
    "[dialogue]\nlisten_window_s = 10.5",
    "[wake_word]\nenabled = true",
    '[audio.gate]\nsilero = "auto"',
    "[panel.light]\nrgb_pins = [5, 6, 17]",
    '[panel.light]\nrgb_pins = ["GPIO5", "GPIO6", 7] # pins',
    "[panel.light]\nrgb_pins = [\n  5, # red\n  6,\n  17,\n]",
    '[[tools.commands]]\nargv = ["/bin/echo", "a b", "it\'s"]',
    '[model]\nheaders = { X-Room = "kitchen", Y = "two" }',
    'board = "pirate-audio"',
    "audio.volume = 30",
    '[model]\ninstructions = """\nBe brief.\nBe "kind".\n"""',
    '[panel.button]\npin = "BOARD11"',
)
JUNK = "[]{}=.,:;#\"'\\/- 5a_%\u201c\u2013\u00a0"


@given(
    st.sampled_from(STATEMENTS),
    st.integers(0, 60),
    st.sampled_from(["", *JUNK]),
    st.booleans(),
    st.booleans(),
)
def test_what_is_proposed_for_a_slip_of_the_hand_mends_it_and_keeps_every_value(
    text: str, at: int, junk: str, over: bool, followed: bool
) -> None:
    at %= len(text)
    slipped = text[:at] + junk + text[at + (1 if over or not junk else 0) :]
    check_all(f"{slipped}\n[log]\nlevel = 'info'" if followed else slipped)


@given(
    st.lists(st.sampled_from(["5", "six", "'s'", '"t"', "GPIO7", "8.5", "true"]), min_size=1, max_size=4),
    st.data(),
)
def test_whatever_is_missing_of_a_list_its_elements_stay(elements: list[str], data: st.DataObject) -> None:
    opened, closed = (
        data.draw(st.sampled_from(["", "[", "(", "{"])),
        data.draw(st.sampled_from(["", "]", ")", "}"])),
    )
    between = data.draw(st.sampled_from([",", ", ", " ", "; ", ",,"]))
    check_all(f"[panel.light]\nrgb_pins = {opened}{between.join(elements)}{closed}")


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["", "# red", "  # a, b"])), min_size=3, max_size=3))
def test_the_commas_that_are_proposed_in_a_list_over_several_lines_mend_it(
    ends: list[tuple[bool, str]],
) -> None:
    elements = [
        f"  {pin}{',' if comma else ''} {comment}"
        for pin, (comma, comment) in zip((5, 6, 17), ends, strict=True)
    ]
    text = "\n".join(["[panel.light]", "rgb_pins = [", *elements, "]"])
    check_all(text)
    for _, first, last, lines in proposals(problems(text)):
        text = with_lines(text, first, last, lines)
    assert not problems(text)


@pytest.mark.parametrize("text", [text for text, said in BROKEN if "more than 30" not in said])
def test_what_is_wrong_above_a_mistake_is_told_as_well(text: str) -> None:
    assert (1, "wrong_name") in [(each.line, each.key) for each in problems(f"wrong_name = 1\n{text}")]


@pytest.mark.parametrize(
    "text", ["a = [1, 2, 3]]", "a = {b = 'x' c = 'y'}", "[audio]\necho_ = off", "a = 1 # x %\nb: 2"]
)
def test_no_line_is_proposed_for_a_setting_that_there_is_not(text: str) -> None:
    assert not list(proposals(problems(text)))
    assert all("no s" in f"{each.what} {each.cure}" for each in problems(text))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("rgb_pins = [5, six', 7]", "'six': this is no pin"),
        ("rgb_pins = [5; 6]", "rgb_pins needs three pins"),
        ("rgb_pins = 5, 6, BOARD6", "'BOARD6': pin 6 of the header is ground"),
        ("night_from = 29:00", "night_from = '29:00' is no time of day"),
    ],
)
def test_in_place_of_a_line_that_the_check_would_refuse_the_reason_is_told(line: str, reason: str) -> None:
    (told,) = problems(f"[panel.light]\n{line}")
    assert told.cure.startswith(f"Also: {reason}")
