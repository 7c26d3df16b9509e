import json
import stat
import tomllib
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Annotated

import annotated_types
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.config import schema, show
from speakerd.config.diff import diff
from speakerd.config.errors import ConfigErrors, ConfigFileError
from speakerd.config.load import default_file, load, read_text
from speakerd.config.secrets import MASK, masked
from speakerd.config.settings import Settings
from speakerd.config.toml_writer import toml_key, toml_value
from speakerd.config.write import edited, write

SECRET = """[model]
url = "wss://me:hunter2@host/v1/realtime?model=m&code=hunter2"
headers = { X-Room = "hunter2" }
"""


def test_what_is_shown_loads_to_the_same_settings() -> None:
    text = '[audio]\nvolume = 7\n[model]\ninstructions = "Be\\nbrief \\"now\\"."\n[[tools.commands]]\nname = "a"\ndescription = "d"\nargv = ["/bin/true"]\n'
    settings = read_text(text).settings
    assert read_text(show.show(settings)).settings == settings


def test_secrets_are_masked_and_the_rest_is_not() -> None:
    settings = read_text(SECRET).settings
    for shown in (show.show(settings), json.dumps(show.masked(settings))):
        assert "hunter2" not in shown
        assert MASK in shown
        assert "model=m" in shown
    assert show.masked(settings)["model"]["headers"] == {"X-Room": MASK}


def test_an_address_keeps_what_tells_the_server_apart_and_nothing_else() -> None:
    url = "wss://me:pw@host/v1?deployment=d&code=c&api-version=1&intent=i&empty="
    shown = f"wss://{MASK}@host/v1?deployment=d&code={MASK}&api-version=1&intent=i&empty={MASK}"
    assert masked(("model", "url"), url) == shown


def test_all_settings_are_shown_and_only_those_that_differ_name_their_default() -> None:
    shown = show.show(read_text("[audio]\nvolume = 7\n[model]\ninstructions = 'x'\n").settings).splitlines()
    assert "volume = 7   # default: 60" in shown
    assert f'echo = "{Settings().audio.echo}"' in shown
    default = toml_value(Settings().model.instructions).replace("\n", " ")
    assert f'instructions = "x"   # default: {default[:37]}...' in shown


def test_the_tables_for_machines_are_nested_as_in_the_file() -> None:
    tables = show.masked(Settings())
    assert tables["audio"]["gate"]["margin_db"] == Settings().audio.gate.margin_db
    assert tables["board"] == ""


def test_only_what_differs_with_its_default() -> None:
    shown = show.show(read_text("[audio]\nvolume = 7\n").settings, changed_only=True)
    assert shown == "[audio]\nvolume = 7   # default: 60\n"


def test_a_change_hides_secrets() -> None:
    changes = diff(Settings(), read_text(SECRET + "[audio]\nvolume = 7\n[log]\nlevel = 'debug'\n").settings)
    assert [change.key for change in changes] == [
        "model.url",
        "model.headers",
        "audio.volume",
        "log.level",
    ]
    assert "hunter2" not in repr(changes)
    assert (changes[2].old, changes[2].new) == (60, 7)
    assert json.dumps([change.new for change in changes])


def test_equal_settings_do_not_differ() -> None:
    assert diff(Settings(), Settings()) == ()


def test_a_single_changed_setting_is_the_single_change() -> None:
    settings = Settings()
    for key in ("audio.gate.hangover_ms", "dialogue.ring_every_s", "panel.gestures.hold_ms"):
        path = key.split(".")
        value = show.value_of(settings, tuple(path)) + 1
        changed = read_text(f"[{'.'.join(path[:-1])}]\n{path[-1]} = {value}\n").settings
        assert [change.key for change in diff(settings, changed)] == [key]


def test_an_edit_keeps_every_comment_and_all_else() -> None:
    text = default_file().read_text()
    new = edited(text, {"audio.volume": 33, "audio.gate.margin_db": 4.5})
    assert tomllib.loads(new)["audio"]["volume"] == 33
    before, after = text.splitlines(), new.splitlines()
    assert len(before) == len(after)
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 2
    assert "volume = 33   # 0 to 100" in after


def test_an_edit_adds_what_is_missing() -> None:
    new = edited("# mine\n", {"audio.gate.margin_db": 4.5, "board": "x", "audio.volume": 3})
    assert new.startswith("# mine\n")
    assert tomllib.loads(new) == {"board": "x", "audio": {"gate": {"margin_db": 4.5}, "volume": 3}}
    assert tomllib.loads(edited("audio = { volume = 1 }\n", {"audio.volume": 2})) == {"audio": {"volume": 2}}


def test_an_edit_of_nonsense_is_refused() -> None:
    with pytest.raises(ConfigErrors):
        edited("[[[", {"audio.volume": 1})
    with pytest.raises(ConfigErrors):
        edited("audio = 1\n", {"audio.volume": 1})


def test_writing_keeps_the_mode_and_refuses_what_would_not_load(tmp_path: Path) -> None:
    path = tmp_path / "speakerd.toml"
    path.write_text("[audio]\nvolume = 1 # quiet\n")
    path.chmod(0o640)
    write(path, {"audio.volume": 9})
    assert path.read_text() == "[audio]\nvolume = 9 # quiet\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    with pytest.raises(ConfigErrors):
        write(path, {"audio.volume": 900})
    assert load(path).audio.volume == 9
    assert list(tmp_path.iterdir()) == [path], "nothing is left beside it"
    with pytest.raises(ConfigFileError):
        write(tmp_path / "none.toml", {})


toml_values = st.recursive(
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), inner, max_size=3)
    ),
    max_leaves=4,
)


@given(toml_values)
def test_any_value_is_written_as_toml_reads_it(value: object) -> None:
    assert tomllib.loads(f"x = {toml_value(value)}")["x"] == value


def test_a_long_text_keeps_its_lines_unless_one_of_them_cannot_be_seen() -> None:
    assert toml_value("a\nb") == '"""\na\nb"""'
    assert toml_value("a\n\x07b") == '"a\\n\\u0007b"'


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_any_key_is_written_as_toml_reads_it(name: str) -> None:
    assert tomllib.loads(f"{toml_key(name)} = 1") == {name: 1}


@dataclass(frozen=True)
class Part:
    """A table as a room may define one."""

    name: str
    level: Annotated[float, annotated_types.Gt(0), annotated_types.Lt(1)] = 0.5
    color: str | None = None


class Kind(Enum):
    ONE = "one"


def test_values_of_every_kind_that_a_room_may_use() -> None:
    assert toml_value(Kind.ONE) == '"one"'
    assert toml_value(Path("/x")) == '"/x"'
    assert toml_value(Part("a")) == '{ name = "a", level = 0.5 }'
    assert toml_value((1, 2)) == "[1, 2]"
    assert show.plain({"a": (Kind.ONE, Path("/x"), Part("b"))}) == {
        "a": ["one", "/x", {"name": "b", "level": 0.5, "color": None}]
    }


def test_limits_in_words() -> None:
    allowed = schema.allowed
    assert (
        allowed(Annotated[float, annotated_types.Gt(0), annotated_types.Lt(1)])
        == "a number above 0 and below 1"
    )
    assert allowed(Annotated[int, annotated_types.Ge(3)]) == "a whole number 3 or more"
    assert allowed(Annotated[int, annotated_types.Gt(3)]) == "a whole number above 3"
    assert allowed(Annotated[int, annotated_types.Le(3)]) == "a whole number 3 or less"
    assert allowed(Annotated[int, annotated_types.Lt(3)]) == "a whole number below 3"
    assert allowed(Annotated[int, annotated_types.Interval(ge=1, le=2)]) == "a whole number from 1 to 2"
    assert allowed(Annotated[int, annotated_types.MultipleOf(5)]) == "a whole number a multiple of 5"
    assert (
        allowed(Annotated[str, annotated_types.Len(2, 4)])
        == "a text in quotes at least 2 long, at most 4 long"
    )
    assert allowed(Part) == "a table with name, level, color"
    assert schema.hint_at(Settings, ("audio", "volume", "deeper")) is None
    assert schema.hint_at(Settings, ("no", "such")) is None


def test_a_secret_that_is_no_url_is_not_shown_as_one() -> None:
    assert masked(("model", "url"), "wss://[broken") == MASK
    assert masked(("x", "password"), "") == ""
    assert masked(("tools", "thing"), {"token": "abc", "name": "n"}) == {"token": MASK, "name": "n"}


def test_a_file_that_cannot_be_replaced_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "speakerd.toml"
    path.write_text("[audio]\nvolume = 1\n")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(ConfigFileError, match="No space left"):
        write(path, {"audio.volume": 2})
    assert path.read_text() == "[audio]\nvolume = 1\n"
    assert list(tmp_path.iterdir()) == [path]


def test_what_toml_cannot_hold_is_refused() -> None:
    with pytest.raises(TypeError):
        toml_value(None)


def test_words_for_types() -> None:
    allowed = schema.allowed
    assert allowed(int | None) == "a whole number"
    assert allowed(dict[str, str]) == "a table of names, each with a text in quotes"
    assert allowed(tuple[int, int]) == "[a whole number, a whole number]"
    assert allowed(tuple[str, ...]) == "a list, each a text in quotes"
    assert allowed(Path) == "a path in quotes"


def test_settings_are_frozen() -> None:
    settings = Settings()
    with pytest.raises(Exception, match="frozen"):
        settings.board = "x"
    assert replace(settings.log, level="debug").level == "debug"
