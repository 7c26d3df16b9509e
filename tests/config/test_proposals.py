"""A line that a message tells to write is TOML, mends what it is said of, and keeps all that the person wrote."""

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.config.errors import ConfigErrors, Problem
from speakerd.config.load import read_text
from speakerd.config.validate import parse_as_far
from tests.config.broken import BROKEN

_LEAD = re.compile(
    r"(?:Write(?: in line (\d+)| in place of lines (\d+) to (\d+))?|.*\n    Its line would be):[ \n]"
)
_REMARK = re.compile(r"   \([^#]*\)$")

_SWAPPED = {
    **dict.fromkeys(("yes", "on", "enabled", "ja"), ("true", "on")),
    **dict.fromkeys(("no", "off", "disabled", "nein"), ("false", "none", "off")),
    **dict.fromkeys(
        ("none", "null", "nil", "undefined", "set", "let", "export", "pin", "rem", "s", "ms", "min"), ("",)
    ),
}
"""Words that may become something else, or nothing."""
_WITH_UNIT = re.compile(r"(\d+)(?:[a-z]{1,8})")


def proposals(text: str) -> Iterator[tuple[Problem, int, int, list[str]]]:
    """Yield the problems that tell what to write, with the lines from which to which it is to stand, and them."""
    try:
        read_text(text)
    except ConfigErrors as errors:
        for problem in errors.problems:
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
    """Check what is proposed for a text; return how many proposals there were."""
    count = 0
    for problem, first, last, lines in proposals(text):
        count += 1
        mended = with_lines(text, first, last, lines)
        _, further = parse_as_far(mended)
        again = [
            each for each in further if each.line is not None and first <= each.line < first + len(lines)
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
    assert sum(check_all(text) > 0 for text, _ in BROKEN) > 0.7 * len(BROKEN)


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
