"""The fast readers of JSON and base64 read as the standard library does, whatever a server sends."""

from __future__ import annotations

import json
from base64 import b64encode
from binascii import a2b_base64
from typing import TYPE_CHECKING, Any

import pybase64
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speakerd.realtime.wire.codec import dump_base64, load_base64, load_json

if TYPE_CHECKING:
    from collections.abc import Callable

MANY = settings(derandomize=True, max_examples=400, deadline=None)


def outcome(read: Callable[[Any], Any], given_: object) -> tuple[str, str]:
    """What is read, with the types of numbers, the sign of zero, the order of names; or the error in full."""
    try:
        return "read", repr(read(given_))
    except RecursionError:
        return "error", "RecursionError"  # Its words differ with the depth of the caller.
    except Exception as error:  # noqa: BLE001  # whatever it is, it has to be the same
        return type(error).__name__, str(error)


def strict(text: Any) -> bytes:
    return a2b_base64(text, strict_mode=True)


def assert_same_json(frame: str | bytes) -> None:
    assert outcome(load_json, frame) == outcome(json.loads, frame)


ODD_JSON = {
    "not a number": "NaN",
    "infinite": "[Infinity, -Infinity]",
    "not a number, signed": "-NaN",
    "zeros": "[0, -0, 0.0, -0.0, 0e5, -0e5]",
    "beyond any float": "[1e999, -1e999, 1.7976931348623159e308, 1e-999, 5e-324]",
    "between floats": "[9007199254740993, 9007199254740993.0, 0.30000000000000004, 123456789.123456789123456789]",
    "big integers": "[18446744073709551616, -9223372036854775809, 123456789012345678901234567890]",
    "an integer as long as Python reads": "1" * 4300,
    "an integer longer than that": "1" * 4301,
    "a name twice": '{"a": 1, "b": 2, "a": 3}',
    "a high surrogate alone": '"\\ud83d"',
    "a low surrogate alone": '"\\ude00"',
    "surrogates the wrong way round": '"\\ude00\\ud83d"',
    "a pair and a half": '"\\uD83D\\uDE00\\ud83d"',
    "a surrogate among names": '{"\\ud83d": 1}',
    "a surrogate not escaped": '"\ud83d"',
    "a null character": '"\\u0000"',
    "a tab in a text": '"\t"',
    "a delete in a text": '"\x7f"',
    "line separators": '"\u2028\u2029"',
    "nested as deeply as the fast reader goes": "[" * 200 + "]" * 200,
    "nested more deeply than that": "[" * 210 + "]" * 210,
    "objects nested more deeply than that": '{"a":' * 300 + "1" + "}" * 300,
    "nested too deeply for either": "[" * 100_000 + "]" * 100_000,
    "a mark of the byte order": "\ufeff{}",
    "other spaces": "\u00a01",
    "two values": "1 2",
    "a comma too many": '{"a": 1,}',
    "single quotes": "{'a': 1}",
    "leading zero": "01",
    "sign of plus": "+1",
    "digits of another script": "\u0661",
    "underscore": "1_0",
    "cut off": '{"type": "respo',
    "nothing": "",
    "only space": " \n\t\r",
    "comment": "{} // no",
    "unknown escape": '"\\x41"',
}


@pytest.mark.parametrize("text", ODD_JSON.values(), ids=ODD_JSON)
def test_odd_json_is_read_or_refused_as_by_the_standard_library(text: str) -> None:
    assert_same_json(text)
    assert_same_json(text.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize(
    "frame",
    [b"\xff", b'"\xff"', b'"\xc3"', b'"\xed\xa0\xbd"', b'"\xc0\x80"', b'"\xf4\x90\x80\x80"', b'{"a\xff": 1}'],
    ids=ascii,
)
def test_bytes_that_are_not_utf_8_are_refused_as_by_the_standard_library(frame: bytes) -> None:
    assert_same_json(frame)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"])
@pytest.mark.parametrize("text", ['{"type": "é"}', "7", '"a"', "[]"])
def test_bytes_in_other_encodings_are_read_as_by_the_standard_library(text: str, encoding: str) -> None:
    assert_same_json(text.encode(encoding))


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(10**400), 10**400),
    st.floats(),
    st.text(st.characters(exclude_categories=())),
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
    max_leaves=20,
)


@MANY
@given(values, st.booleans(), st.sampled_from([None, 0, 2]))
def test_every_value_is_read_as_by_the_standard_library(
    value: object, escaped: bool, indent: int | None
) -> None:
    text = json.dumps(value, ensure_ascii=escaped, indent=indent)
    assert_same_json(text)
    assert_same_json(text.encode("utf-8", "surrogatepass"))


@MANY
@given(values, st.data())
def test_what_has_become_of_a_frame_on_the_way_is_read_as_by_the_standard_library(
    value: object, data: st.DataObject
) -> None:
    frame = bytearray(json.dumps({"type": "x", "v": value}).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(frame) - 1))
        frame[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
        frame = frame or bytearray(b" ")
    assert_same_json(bytes(frame))
    assert_same_json(frame.decode("utf-8", "replace"))


@MANY
@given(st.text('{}[]",:\\ud8-+.eE0123456789 truefalsn\n\t', max_size=12))
def test_any_text_of_the_characters_of_json_is_read_as_by_the_standard_library(text: str) -> None:
    assert_same_json(text)


def test_a_frame_of_32_mb_is_read_as_by_the_standard_library() -> None:
    frame = json.dumps({"type": "conversation.item.retrieved", "audio": dump_base64(bytes(24 * 1024 * 1024))})
    assert load_json(frame) == json.loads(frame)


@MANY
@given(st.binary(max_size=2000))
def test_bytes_come_back_from_base64(data: bytes) -> None:
    text = dump_base64(data)
    assert text == b64encode(data).decode()
    assert load_base64(text) == data


@MANY
@given(st.text("ABwxyz01+/=-_ \n\0é", max_size=13))
def test_any_text_is_read_or_refused_as_strict_base64(text: str) -> None:
    assert outcome(load_base64, text) == outcome(strict, text)


@MANY
@given(st.binary(min_size=1, max_size=300), st.data())
def test_base64_that_was_changed_is_read_or_refused_as_strict_base64(
    data: bytes, choice: st.DataObject
) -> None:
    text = b64encode(data).decode()
    at = choice.draw(st.integers(0, len(text)))
    changed = text[:at] + choice.draw(st.text(max_size=2)) + text[at + choice.draw(st.integers(0, 2)) :]
    assert outcome(load_base64, changed) == outcome(strict, changed)


ODD_BASE64 = {
    "nothing": "",
    "without its padding": "AAA",
    "half its padding": "AA=",
    "too much padding": "AAAA=",
    "padding only": "====",
    "padding in the middle": "AA==AA==",
    "padding in front": "=AAA",
    "one character": "A",
    "space at the end": "AAAA ",
    "a line break": "AAAA\nAAAA",
    "the alphabet of addresses": "-_-_",
    "bits left over": "AB==",
    "another script": "ÄÖÜß",
    "a surrogate": "AAA\ud83d",
    "a null character": "AAAA\0AAA",
    "wrong after a megabyte": "A" * 1_000_000 + "*AAA",
}


@pytest.mark.parametrize("text", ODD_BASE64.values(), ids=ODD_BASE64)
def test_odd_base64_is_read_or_refused_as_strict_base64(text: str) -> None:
    assert outcome(load_base64, text) == outcome(strict, text)


@pytest.mark.parametrize("value", [None, 5, 1.5, [], {}, ["AAAA"]], ids=repr)
def test_what_is_no_text_is_no_base64(value: Any) -> None:
    with pytest.raises(TypeError):
        load_base64(value)


def test_base64_is_read_by_compiled_code() -> None:
    # On a machine without a wheel pybase64 installs itself without it, and is slower than the standard library.
    assert "C extension" in pybase64.get_version()
