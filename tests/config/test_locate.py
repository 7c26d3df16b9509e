import tomllib

import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from speakerd.config.line_numbers import line_of, locate

TEXT = '''\
top = 1 # [no.table]
"quoted key" = "a # no comment"
dotted.key.deep = [ # [still not a table]
  1, 2,
  { inner = "]" },
]
[audio] # a comment
volume = 50
text = """
[not.a.table]
volume = 3
"""
after = 1
[audio.gate]
x = 'single # quoted'
lines = \'\'\'
one " two
\'\'\'
[[tools.commands]]
name = "a"
[[tools.commands]]
name = "b"
[tools.commands.nested]
deep = true'''


def test_every_key_has_the_line_it_stands_on() -> None:
    tomllib.loads(TEXT)
    assert locate(TEXT) == {
        ("top",): 1,
        ("quoted key",): 2,
        ("dotted",): 3,
        ("dotted", "key"): 3,
        ("dotted", "key", "deep"): 3,
        ("audio",): 7,
        ("audio", "volume"): 8,
        ("audio", "text"): 9,
        ("audio", "after"): 13,
        ("audio", "gate"): 14,
        ("audio", "gate", "x"): 15,
        ("audio", "gate", "lines"): 16,
        ("tools",): 19,
        ("tools", "commands"): 19,
        ("tools", "commands", "0"): 19,
        ("tools", "commands", "0", "name"): 20,
        ("tools", "commands", "1"): 21,
        ("tools", "commands", "1", "name"): 22,
        ("tools", "commands", "1", "nested"): 23,
        ("tools", "commands", "1", "nested", "deep"): 24,
    }


def test_a_place_without_a_line_of_its_own_takes_its_parents() -> None:
    places = locate("[a]\nb = {c = 1}\n")
    assert line_of(places, ("a", "b", "c")) == 2
    assert line_of(places, ("z",)) is None


def test_a_list_is_passed_over_with_or_without_a_space_before_it() -> None:
    assert locate("a=[\n1,\n]\nb =[\n]\nc= 1\n") == {("a",): 1, ("b",): 4, ("c",): 6}


def test_windows_line_ends_count_once() -> None:
    assert locate("a = 1\r\n\r\n[b]\r\nc = 2\r\n")["b", "c"] == 4


names = st.sampled_from(
    ["a", "b-c", "d_e", "1", "with space", 'quo"te', "#", "[t]", "x = y", "dotted.name", "\u00e4"]
)
leaves = st.sampled_from(
    [0, -1.5, True, "", "text", "# no", "[x]", 'q"', "two\nlines", "\\", [1, 2], ["]", "#"], []]
)
tables = st.recursive(
    st.dictionaries(names, leaves, max_size=3),
    lambda inner: st.dictionaries(names, leaves | inner, max_size=3),
    max_leaves=6,
)


@given(tables)
def test_every_key_of_any_file_is_found_on_a_line_that_names_it(data: dict[str, object]) -> None:
    text = tomlkit.dumps(data)
    assert tomllib.loads(text) == data
    lines = text.splitlines()
    places = locate(text)

    def walk(table: dict[str, object], above: tuple[str, ...]) -> None:
        for name, value in table.items():
            line = places[*above, name]
            plain = name.replace('"', '\\"')
            assert any(form in lines[line - 1] for form in (name, plain)) or value == {}
            if isinstance(value, dict):
                walk(value, (*above, name))

    walk(data, ())
