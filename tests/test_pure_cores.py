"""What says of itself that it is pure is held to it, by the import contract and by the coverage gate."""

import ast
import re

from scripts.coverage_gate import ROOT, pure_cores

SAYS_SO = re.compile(r"(?:^|[.;]\s+)Pure\b", re.MULTILINE)
"""A sentence of its own: "Pure.", "Pure: times are arguments"."""
ABOUT_ANOTHER = re.compile(r"^- .*$", re.MULTILINE)
"""The line of a package's docstring about one of its modules."""


def says_it_is_pure(source: str) -> bool:
    """Whether the docstring of a module says that the module is pure."""
    return bool(SAYS_SO.search(ABOUT_ANOTHER.sub("", ast.get_docstring(ast.parse(source)) or "")))


def test_what_says_that_it_is_pure_is_named_in_the_contract() -> None:
    files = {file: file.read_text("utf-8") for file in (ROOT / "speakerd").rglob("*.py")}
    pure = {str(file.relative_to(ROOT)) for file, source in files.items() if says_it_is_pure(source)}
    assert len(pure) > 40
    assert not pure - set(pure_cores()), "add these to the contract `pure cores` in pyproject.toml"


def test_what_the_contract_names_is_there() -> None:
    assert [file for file in pure_cores() if not (ROOT / file).is_file()] == []


def test_a_docstring_that_says_so_is_recognised() -> None:
    for pure in ("Adds up. Pure.", "Adds up.\n\nPure: time is a parameter.", "Adds up; Pure and bounded."):
        assert says_it_is_pure(f'"""{pure}"""\n'), pure
    for other in ("Adds up.\n\n- `sums`: the sums. Pure\n- `files`: reads", "Checks are pure.", "Pureness"):
        assert not says_it_is_pure(f'"""{other}"""\n'), other
