"""Words in, intents out: the grammar's every sentence, free speech, numbers and durations."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.offline.grammar import RULES, clean, jsgf, matches, words_of
from speakerd.offline.understanding.intents import Intent, IntentKind, seconds_of, understand
from speakerd.offline.understanding.numbers import duration_words, number, spelled


def any_sentence(rule: str, dice: random.Random) -> str:
    """A sentence that a rule allows, by a small reader of JSGF of its own."""
    symbols = (
        rule.replace("(", " ( ")
        .replace(")", " ) ")
        .replace("[", " [ ")
        .replace("]", " ] ")
        .replace("|", " | ")
        .split()
    )
    position = 0

    def alternatives(until: str) -> list[list[str]]:
        nonlocal position
        found: list[list[str]] = [[]]
        while position < len(symbols) and symbols[position] != until:
            symbol = symbols[position]
            position += 1
            if symbol == "|":
                found.append([])
            elif symbol in "([":
                choice = dice.choice(alternatives(")" if symbol == "(" else "]"))
                position += 1
                found[-1] += choice if symbol == "(" or dice.random() < 0.5 else []
            elif symbol.startswith("<"):
                found[-1] += any_sentence(RULES[symbol[1:-1]], dice).split()
            else:
                found[-1].append(symbol)
        return found

    return " ".join(dice.choice(alternatives("")))


@given(st.integers(0, 10**9), st.sampled_from(sorted(set(RULES["command"].replace("|", " ").split()))))
def test_every_sentence_of_the_grammar_is_one_and_is_understood(seed: int, reference: str) -> None:
    sentence = any_sentence(reference, random.Random(seed))
    assert matches(sentence), sentence
    assert understand(sentence).kind not in ("unknown", "nothing"), sentence


@given(st.integers(0, 10**9))
def test_a_sentence_broken_off_is_seldom_taken_for_a_whole_one(seed: int) -> None:
    sentence = any_sentence("<move> | <timer>", random.Random(seed))
    broken = " ".join(sentence.split()[:-1])
    if matches(broken):
        assert understand(broken).kind not in ("unknown", "nothing"), broken


@pytest.mark.parametrize(
    "beginning",
    ["what", "what is the", "go", "go forward ten", "set a timer for", "turn left ninety", "thank", ""],
)
def test_the_beginning_of_a_sentence_is_none(beginning: str) -> None:
    assert not matches(beginning)


def test_own_phrases_are_sentences_of_the_grammar() -> None:
    assert matches("open the gate", ["open the gate"])
    assert not matches("open the", ["open the gate"])
    assert "(open the gate)" in jsgf(["open the gate"])
    assert {"gate", "forward"} <= words_of(["open the gate"])


@pytest.mark.parametrize(
    ("phrase", "cleaned"),
    [
        ("Open the Gate!", "open the gate"),
        ("kitchen_light_on", "kitchen light on"),
        ("what\u2019s up", "what's up"),
        ("  a ;); <b> | (c) ", "a b c"),
        ("'quoted'", "quoted"),
        ("42", None),
        ("", None),
        ("\u00fcber", "ber"),
    ],
)
def test_phrases_are_brought_to_the_recognisers_spelling(phrase: str, cleaned: str | None) -> None:
    assert clean(phrase) == cleaned


@given(st.text(max_size=60))
def test_no_phrase_can_break_the_grammar(phrase: str) -> None:
    cleaned = clean(phrase)
    if cleaned is not None:
        assert not set(cleaned) & set("()|[]<>;=*+/\\\n")


SAID: list[tuple[str, IntentKind, dict[str, Any]]] = [
    ("go forward ten meters", "move", {"direction": "forward", "amount": 10, "unit": "meters"}),
    ("Go backwards, three steps.", "move", {"direction": "backward", "amount": 3, "unit": "steps"}),
    ("drive ahead", "move", {"direction": "forward"}),
    ("turn right ninety degrees", "turn", {"direction": "right", "amount": 90}),
    ("What time is it?", "time", {}),
    ("what's the time", "time", {}),
    ("could you tell me the time please", "time", {}),
    ("What day is it today?", "date", {}),
    ("what is today's date", "date", {}),
    ("set a timer for five minutes", "timer_set", {"seconds": 300}),
    ("Set a 10 minute timer", "timer_set", {"seconds": 600}),
    ("set an egg timer for three and a half minutes", "timer_set", {"seconds": 210, "label": "egg"}),
    ("set a timer for one hour and thirty minutes", "timer_set", {"seconds": 5400}),
    ("wake me in half an hour", "timer_set", {"seconds": 1800}),
    ("cancel all timers", "timer_cancel", {"label": "all"}),
    ("stop my timer", "timer_cancel", {}),
    ("how much time is left", "timer_list", {}),
    ("set the volume to forty five percent", "volume_set", {"percent": 45}),
    ("volume 30%", "volume_set", {"percent": 30}),
    ("turn it up", "volume_up", {}),
    ("a bit quieter", "volume_down", {}),
    ("Hello there!", "greeting", {}),
    ("thank you very much", "thanks", {}),
    ("good night", "goodbye", {}),
    ("What can you do?", "help", {}),
    ("stop", "stop", {}),
    ("who are you", "identity", {}),
    ("how are you today", "wellbeing", {}),
    ("repeat after me the sky is blue", "repeat_after_me", {"text": "the sky is blue"}),
    ("say that again", "repeat_last", {}),
]


@pytest.mark.parametrize(("text", "kind", "slots"), SAID, ids=[text for text, _, _ in SAID])
def test_what_people_say_is_understood(text: str, kind: IntentKind, slots: dict[str, Any]) -> None:
    assert understand(text) == Intent(kind, slots)


@pytest.mark.parametrize(
    "text",
    [
        "and mister john dashwood had then leisure to consider",
        "ask not what your country can do for you",
        "go away",
        "go forward ten bananas",
        "set a timer",
        "set a timer for nothing minutes",
        "set a timer for zero minutes",
        "the time has come",
        "stop the war",
    ],
)
def test_what_is_no_command_is_not_taken_for_one(text: str) -> None:
    assert understand(text) == Intent("unknown", {"text": text})


@pytest.mark.parametrize("text", ["", "   ", "?!", "\n"])
def test_no_words_are_nothing(text: str) -> None:
    assert understand(text) == Intent("nothing")


@given(st.text(max_size=200))
def test_any_text_is_understood_as_something(text: str) -> None:
    assert understand(text).kind


@given(st.integers(0, 999))
def test_a_number_in_words_is_read_back(value: int) -> None:
    assert number(spelled(value)) == value
    assert number(str(value)) == value


@pytest.mark.parametrize(
    ("words", "value"),
    [("a", 1), ("a hundred", 100), ("one hundred and five", 105), ("many", None), ("twenty-one", 21)],
)
def test_numbers_as_people_say_them(words: str, value: int | None) -> None:
    assert number(words) == value


@given(st.integers(1, 86_399))
def test_a_duration_in_words_is_read_back(seconds: int) -> None:
    assert seconds_of(duration_words(seconds)) == seconds


def test_no_time_at_all_has_words_too() -> None:
    assert duration_words(0) == "0 seconds"
    assert duration_words(3661) == "1 hour, 1 minute and 1 second"
