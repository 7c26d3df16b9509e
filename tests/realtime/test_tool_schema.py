from __future__ import annotations

import dataclasses
import enum
import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field
from typing_extensions import TypedDict  # pydantic refuses that of `typing` before Python 3.12

from speakerd.realtime import FunctionTool, RunContextWrapper, ToolContext, UserError, function_tool
from speakerd.realtime.agents.argument_types import parameter_type
from speakerd.realtime.agents.tool_errors import ToolArgumentsError
from speakerd.realtime.agents.tool_schema import function_schema, parse_docstring
from tests.limits import limit


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Point(BaseModel):
    x: int
    y: int = 0


@dataclasses.dataclass
class Size:
    width: float


class Place(TypedDict):
    city: str


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        (str, {"type": "string"}),
        (int, {"type": "integer"}),
        (float, {"type": "number"}),
        (bool, {"type": "boolean"}),
        (Any, {}),
        (None, {"type": "null"}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (Sequence[str], {"type": "array", "items": {"type": "string"}}),
        (list, {"type": "array", "items": {}}),
        (dict[str, float], {"type": "object", "additionalProperties": {"type": "number"}}),
        (dict, {"type": "object", "additionalProperties": {}}),
        (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}),
        (Literal[1, 2], {"type": "integer", "enum": [1, 2]}),
        (Literal[1, "b"], {"enum": [1, "b"]}),
        (Colour, {"type": "string", "enum": ["red", "blue"]}),
        (int | None, {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        (Annotated[int, "how many"], {"type": "integer"}),
        (Annotated[int, Field(ge=1)], {"type": "integer", "minimum": 1}),
    ],
)
def test_an_annotation_has_the_schema_of_its_values(annotation: Any, schema: dict[str, Any]) -> None:
    assert parameter_type(annotation).schema == schema


@pytest.mark.parametrize(
    ("annotation", "given", "read"),
    [
        (str, "x", "x"),
        (str, 5, "5"),
        (int, 5, 5),
        (int, "5", 5),
        (int, 5.0, 5),
        (int, 2**80, 2**80),
        (float, "2.5", 2.5),
        (float, 2, 2.0),
        (bool, "true", True),
        (bool, "False", False),
        (bool, True, True),
        (bool, False, False),
        (None, None, None),
        (list[int], ["1", 2], [1, 2]),
        (dict[str, int], {"a": "1"}, {"a": 1}),
        (Literal["a", 1], 1, 1),
        (Colour, "blue", Colour.BLUE),
        (int | None, None, None),
        (int | str, "5", "5"),
        (int | None, "5", 5),
        (Point, {"x": 1}, Point(x=1)),
        (Size, {"width": 2}, Size(2.0)),
        (list[Place], [{"city": "Rome"}], [{"city": "Rome"}]),
        (Annotated[int, Field(ge=1)], 1, 1),
    ],
)
def test_a_value_is_read_as_what_the_annotation_asks_for(annotation: Any, given: Any, read: Any) -> None:
    found = parameter_type(annotation).read(given)
    assert found == read
    assert type(found) is type(read)


@pytest.mark.parametrize(
    ("annotation", "given"),
    [
        (str, None),
        (str, True),
        (int, "five"),
        (int, 5.5),
        (int, True),
        (int, float("inf")),
        (int, "inf"),
        (float, "much"),
        (float, False),
        (bool, 1),
        (bool, "yes"),
        (None, 0),
        (list[int], "1"),
        (list[int], ["x"]),
        (dict[str, int], []),
        (Literal["a"], "b"),
        (Literal[1], True),
        (int | None, "x"),
        (Point, {"y": 1}),
        (Annotated[int, Field(ge=1)], 0),
    ],
)
def test_a_value_that_does_not_fit_is_refused(annotation: Any, given: Any) -> None:
    with pytest.raises(ValueError):
        parameter_type(annotation).read(given)


def test_a_type_that_has_no_schema_is_refused() -> None:
    with pytest.raises(TypeError, match="no JSON schema"):
        parameter_type(object.__new__)


DOCS = {
    "google": """Start a timer.

        It rings.

        Args:
            minutes: How long
                it runs.
            label (str, optional): What for.
            **more: Else.

        Returns:
            Nothing of note.
        """,
    "numpy": """Start a timer.

        It rings.

        Parameters
        ----------
        minutes : int
            How long
            it runs.
        label
            What for.
        **more
            Else.

        Returns
        -------
        str
            Nothing of note.
        """,
    "sphinx": """Start a timer.

        It rings.

        :param int minutes: How long
            it runs.
        :param label: What for.
        :param more: Else.
        :returns: Nothing of note.
        """,
}


@pytest.mark.parametrize("style", DOCS)
def test_a_docstring_of_any_style_gives_description_and_parameters(style: str) -> None:
    description, parameters = parse_docstring(DOCS[style])
    assert description == "Start a timer.\n\nIt rings."
    assert parameters == {"minutes": "How long it runs.", "label": "What for.", "more": "Else."}


@pytest.mark.parametrize(
    ("text", "description"),
    [
        (None, ""),
        ("Only this.", "Only this."),
        ("A fact.\n\nArgs: The current topic", "A fact.\n\nArgs: The current topic"),
        ("Do.\nSteps:\n    one", "Do.\nSteps:\n    one"),
        ("A\n-\nB", "A\n-\nB"),
    ],
)
def test_a_docstring_without_sections_is_all_description(text: str | None, description: str) -> None:
    assert parse_docstring(text) == (description, {})


def test_a_tool_is_described_by_its_function() -> None:
    @function_tool
    def set_timer(
        context: RunContextWrapper[None],
        minutes: int,
        label: str = "tea",
        loud: Annotated[bool | None, "With a bell."] = None,
    ) -> str:
        """Start a timer.

        Args:
            minutes: How long it runs.
        """
        return ""

    assert set_timer.to_dict() == {
        "type": "function",
        "name": "set_timer",
        "description": "Start a timer.",
        "parameters": {
            "type": "object",
            "properties": {
                "minutes": {"type": "integer", "description": "How long it runs."},
                "label": {"type": "string", "default": "tea"},
                "loud": {"anyOf": [{"type": "boolean"}, {"type": "null"}], "description": "With a bell."},
            },
            "required": ["minutes"],
            "additionalProperties": False,
        },
    }


def test_name_description_and_strictness_can_be_given() -> None:
    @function_tool(name_override="clock", description_override="Tells it.", strict_mode=False)
    def a() -> str:
        """Not this."""
        return ""

    assert (a.name, a.description) == ("clock", "Tells it.")
    assert "additionalProperties" not in a.params_json_schema
    assert function_tool(use_docstring_info=False)(lambda: "").description == ""


def test_types_that_refer_to_others_bring_their_definitions() -> None:
    class Line(BaseModel):
        start: Point
        end: Point

    def draw(line: Line) -> str:
        return f"{line.start.x} {line.end.y}"

    schema = function_schema(draw)
    assert set(schema.params_json_schema["$defs"]) == {"Point"}
    context = ToolContext(None)
    assert schema.bind(context, '{"line": {"start": {"x": 1}, "end": {"x": 2, "y": 3}}}')() == "1 3"

    def either(line: Line | None) -> str:
        return str(line)

    assert set(function_schema(either).params_json_schema["$defs"]) == {"Point"}


def test_arguments_are_bound_by_name_with_defaults_and_context() -> None:
    def f(ctx: ToolContext[str], a: int, /, b: int = 2, *, c: int = 3) -> tuple[str, int, int, int]:
        return (ctx.context, a, b, c)

    schema = function_schema(f)
    context = ToolContext("mine")
    assert schema.bind(context, '{"a": "1", "unknown": 7}')() == ("mine", 1, 2, 3)
    assert schema.bind(context, '{"a": 1, "b": 5, "c": 6}')() == ("mine", 1, 5, 6)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ("{", "not JSON"),
        ("[1]", "expected a JSON object"),
        ("", "a is missing; b is missing"),
        ('{"a": "x", "b": 1}', "a: expected a whole number, found 'x'"),
    ],
)
def test_arguments_that_do_not_fit_say_what_is_wrong(arguments: str, problem: str) -> None:
    def f(a: int, b: int) -> None: ...

    with pytest.raises(ToolArgumentsError, match="Wrong arguments for f") as caught:
        function_schema(f).bind(ToolContext(None), arguments)
    assert problem in str(caught.value)


def test_what_cannot_be_a_tool_is_refused_with_the_reason() -> None:
    def many(*numbers: int) -> None: ...
    def late(a: int, context: RunContextWrapper[None]) -> None: ...
    def unresolved(a: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821
    def strange(a: type(many)) -> None: ...  # type: ignore[valid-type]

    for function, reason in (
        (many, "numbers"),
        (late, "first"),
        (unresolved, "TYPE_CHECKING"),
        (strange, "JSON schema"),
    ):
        with pytest.raises(UserError, match=reason):
            function_tool(function)


def test_a_tool_with_an_impossible_timeout_is_refused() -> None:
    with pytest.raises(UserError, match="above 0"):
        function_tool(timeout=0)(lambda: "")
    with pytest.raises(UserError, match="timeout_behavior"):
        function_tool(timeout_behavior="hope")(lambda: "")  # type: ignore[call-overload]


def test_a_tool_by_hand_has_the_schema_it_was_given() -> None:
    async def invoke(_context: ToolContext[Any], arguments: str) -> Any:
        return json.loads(arguments)["x"]

    tool = FunctionTool("raw", "By hand.", {"type": "object"}, invoke)
    assert tool.to_dict()["parameters"] == {"type": "object"}


def test_simple_tools_do_not_load_pydantic() -> None:
    code = (
        "import sys\n"
        "from typing import Literal\n"
        "from speakerd.realtime import RealtimeAgent, RealtimeRunner, RealtimeSession, function_tool\n"
        "@function_tool\n"
        "def f(a: int, b: Literal['x'], c: list[str] | None = None) -> str: ...\n"
        "assert 'pydantic' not in sys.modules, 'pydantic'\n"
        "assert 'websockets' not in sys.modules, 'websockets'\n"
        "assert 'numpy' not in sys.modules, 'numpy'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=limit(30))
