"""One name for one thing: no public class or type alias of speakerd is defined twice."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import speakerd

ROOT = Path(speakerd.__file__).parent
ALLOWED = {
    # name: why more than one file defines it
    "ListenMode": "the same three words on both sides of a wall: the dialogue does not import the audio room",
    "ResponseStatus": "the same words on both sides of a wall: the dialogue does not import the session layer",
    "TurnOwner": "the same words on both sides of a wall: the dialogue does not import the audio room",
}


def defined_names(file: Path) -> Iterator[str]:
    """Names of the public classes and type aliases that a file defines at its top level."""
    for node in ast.parse(file.read_text("utf-8")).body:
        match node:
            case ast.ClassDef(name=name):
                pass
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                if name.isupper():
                    continue
            case _:
                continue
        if name[0].isupper():
            yield name


def test_no_name_has_two_meanings() -> None:
    homes: dict[str, list[str]] = defaultdict(list)
    for file in sorted(ROOT.rglob("*.py")):
        for name in defined_names(file):
            homes[name].append(str(file.relative_to(ROOT.parent)))
    assert len(homes) > 300
    doubles = {name: files for name, files in homes.items() if len(files) > 1}
    assert not {name: files for name, files in doubles.items() if name not in ALLOWED}, (
        "give each its own name"
    )
    assert not ALLOWED.keys() - doubles.keys(), "take these from ALLOWED, they are no longer defined twice"


def test_classes_and_aliases_are_found(tmp_path: Path) -> None:
    file = tmp_path / "some.py"
    file.write_text(
        "class One: ...\nclass _Two: ...\nThree = int | str\nFour: TypeAlias = int\nMAX_5 = 1\nf = 2\nG, H = 1, 2\n"
    )
    assert list(defined_names(file)) == ["One", "Three", "Four"]
