"""Answers: from what we know, by the client's tools, and what is said of a tool's output."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from speakerd.offline.settings import OfflineSettings
from speakerd.offline.understanding.intents import understand
from speakerd.offline.understanding.responder import CAN_DO, Responder, outcome
from speakerd.offline.understanding.tool_matching import call_by_name, call_for, intent_of_tool, tool_phrases
from tests.offline.talk import Talk, only, said


def tool(
    name: str, description: str = "", /, required: tuple[str, ...] = (), **properties: Any
) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": list(required)}
    return {"type": "function", "name": name, "description": description, "parameters": parameters}


INTEGER, TEXT, NUMBER = {"type": "integer"}, {"type": "string"}, {"type": "number"}


def ask(text: str, *tools: dict[str, Any], **session: Any) -> list[dict[str, Any]]:
    talk = Talk()
    talk.update(tools=list(tools), **session)
    return talk.ask(text)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("what time is it", "It is 12:05 PM."),
        ("what day is it", "Today is Sunday, the 1st of March 2026."),
        ("hello", "Hello! What can I do for you?"),
        ("help", CAN_DO),
        ("thanks", "You are welcome."),
        ("goodbye", "Goodbye!"),
        ("never mind", "All right."),
        (
            "go forward ten meters",
            "Understood: go forward ten meters. I have no wheels, so I stay where I am.",
        ),
        ("repeat after me the sky is blue", "the sky is blue"),
        ("repeat after me", "Say: repeat after me, and then the words, all in one go."),
        ("set a timer for five minutes", "You want a timer for 5 minutes, but I have no timers here."),
        ("cancel the timer", "There are no timers here."),
        ("volume to ten", "You want the volume at 10 percent, but I cannot change it from here."),
        ("louder", "I cannot change the volume from here."),
        ("say that again", "I have not said anything yet."),
        (
            "the moon is cheese",
            f"I understood: the moon is cheese. I do not know what to do with that. {CAN_DO}",
        ),
    ],
)
def test_without_tools_it_answers_from_what_it_knows(text: str, answer: str) -> None:
    assert said(ask(text)) == answer


def test_without_words_it_says_so() -> None:
    talk = Talk("")
    talk.append(bytes(48 * 500))
    talk.send("input_audio_buffer.commit")
    assert said(talk.respond()).startswith("I did not catch any words.")


def test_it_says_its_last_answer_again() -> None:
    talk = Talk()
    talk.ask("thanks")
    assert said(talk.ask("say that again")) == "You are welcome."


@pytest.mark.parametrize(
    ("hour", "minute", "words"),
    [(0, 0, "12 o'clock AM"), (9, 7, "9:07 AM"), (13, 0, "1 o'clock PM"), (23, 59, "11:59 PM")],
)
def test_the_time_is_told_as_people_do(hour: int, minute: int, words: str) -> None:
    talk = Talk()
    talk.protocol._responder = Responder(OfflineSettings(), lambda: datetime(2026, 11, 22, hour, minute))  # noqa: DTZ001  # local time
    assert said(talk.ask("what time is it")) == f"It is {words}."
    assert "the 22nd of November" in said(talk.ask("what day is it"))


CALLS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("what time is it", tool("get_time"), {}),
    ("what time is it", tool("currentTime"), {}),
    ("what time is it", tool("get_time", timezone={"anyOf": [TEXT, {"type": "null"}]}, required=("timezone",)), {"timezone": None}),
    ("what day is it", tool("get_time"), {}),
    ("what day is it", tool("get_date"), {}),
    ("set a timer for five minutes", tool("set_timer", seconds=INTEGER, required=("seconds",)), {"seconds": 300}),
    ("set a timer for five minutes", tool("start_timer", minutes=INTEGER), {"minutes": 5}),
    ("set a timer for ninety seconds", tool("start_timer", minutes=NUMBER), {"minutes": 1.5}),
    ("set a timer for five minutes", tool("timer_set", duration=TEXT), {"duration": "5 minutes"}),
    ("set a timer for five minutes", tool("set_timer", duration_s=NUMBER, name=TEXT), {"duration_s": 300}),
    ("set a tea timer for one hour", tool("add_timer", length=INTEGER, label=TEXT), {"length": 3600, "label": "tea"}),
    ("cancel the timer", tool("cancel_timer", name=TEXT), {}),
    ("cancel all timers", tool("cancel_timer", name=TEXT), {"name": "all"}),
    ("which timers are running", tool("list_timers"), {}),
    ("set the volume to thirty percent", tool("set_volume", percent=INTEGER, required=("percent",)), {"percent": 30}),
    ("volume to thirty", tool("set_volume", change={"type": ["integer", "null"]}, level={"type": ["integer", "null"]}), {"level": 30}),
    ("louder", tool("change_volume", delta=INTEGER), {"delta": 10}),
    ("quieter", tool("adjust_volume", direction={"type": "string", "enum": ["up", "down"]}), {"direction": "down"}),
    ("turn it up", tool("volume_up"), {}),
    ("goodbye", tool("end_conversation"), {}),
    ("say that again", tool("repeat_last_answer"), {}),
    ("go back three steps", tool("move", direction=TEXT, distance=NUMBER, unit=TEXT), {"direction": "backward", "distance": 3, "unit": "steps"}),
    ("turn left ninety degrees", tool("turn", direction={"enum": ["left", "right"]}, degrees=INTEGER), {"direction": "left", "degrees": 90}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "offered", "arguments"), CALLS, ids=[f"{t} {o['name']}" for t, o, _ in CALLS]
)
def test_what_a_tool_can_do_is_done_by_the_tool(
    text: str, offered: dict[str, Any], arguments: dict[str, Any]
) -> None:
    done = only(ask(text, tool("unrelated"), offered), "response.function_call_arguments.done")
    assert done["name"] == offered["name"]
    assert json.loads(done["arguments"]) == arguments


NO_CALLS: list[tuple[str, dict[str, Any]]] = [
    ("what time is it", tool("set_timer", seconds=INTEGER)),
    ("what time is it", tool("get_time", required=("city",), city=TEXT)),
    ("set a timer for five minutes", tool("cancel_timer")),
    ("set a timer for five minutes", tool("set_timer")),
    ("set a timer for ninety seconds", tool("set_timer", minutes=INTEGER)),
    ("set the volume to ten", tool("get_volume")),
    ("louder", tool("set_volume", percent=INTEGER, required=("percent",))),
    ("hello", tool("get_time")),
]


@pytest.mark.parametrize(("text", "offered"), NO_CALLS, ids=[f"{t} {o['name']}" for t, o in NO_CALLS])
def test_a_tool_that_cannot_do_it_is_not_called(text: str, offered: dict[str, Any]) -> None:
    events = ask(text, offered)
    assert not any(event["type"].startswith("response.function_call") for event in events)
    assert said(events)


def test_a_call_comes_in_the_protocols_order() -> None:
    kinds = [event["type"] for event in ask("what time is it", tool("get_time"))]
    assert kinds == [
        "response.created",
        "rate_limits.updated",
        "response.output_item.added",
        "conversation.item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "conversation.item.done",
        "response.done",
    ]


def test_a_tools_output_is_put_into_words() -> None:
    talk = Talk()
    talk.update(tools=[tool("get_time")])
    call = only(talk.ask("what time is it"), "response.function_call_arguments.done")
    item = {"type": "function_call_output", "call_id": call["call_id"], "output": "10:42"}
    talk.send("conversation.item.create", item=item)
    assert said(talk.respond()) == "It is 10:42."


def test_goodbye_is_said_before_the_conversation_is_ended_and_not_again() -> None:
    talk = Talk()
    talk.update(tools=[tool("end_conversation")])
    events = talk.ask("goodbye")
    assert said(events) == "Goodbye!"
    output = only(events, "response.done")["response"]["output"]
    assert [item["type"] for item in output] == ["message", "function_call"]
    item = {"type": "function_call_output", "call_id": output[1]["call_id"], "output": "ended"}
    talk.send("conversation.item.create", item=item)
    assert talk.respond()[-1]["response"]["output"] == []


def test_tool_choice_is_obeyed() -> None:
    assert said(ask("what time is it", tool("get_time"), tool_choice="none")) == "It is 12:05 PM."
    forced = ask("hello", tool("get_time"), tool("wave"), tool_choice={"type": "function", "name": "wave"})
    assert only(forced, "response.function_call_arguments.done")["name"] == "wave"


def test_ones_own_tools_are_called_by_their_words() -> None:
    light = tool("kitchen_light_on", "Turn the light in the kitchen on. It is the one over the table.")
    for text in ("kitchen light on", "Turn the light in the kitchen on!"):
        assert only(ask(text, light), "response.function_call_arguments.done")["name"] == "kitchen_light_on"
    assert call_by_name("kitchen", [light]) is None
    assert call_by_name("", [light]) is None


def test_the_recogniser_is_told_the_words_of_the_tools_and_ones_own() -> None:
    talk = Talk(phrases=("Open, Sesame!", "123"))
    talk.update(
        tools=[
            tool("kitchenLightOn", "Light."),
            tool("heat", "Warm the bath", needs=TEXT, required=("needs",)),
        ]
    )
    talk.append(bytes(48 * 200))
    assert talk.phrases == ("open sesame", "kitchen light on")
    assert said(talk.ask("open sesame")) == "Understood: open sesame."


def test_the_words_of_tools_are_bounded() -> None:
    assert (
        len(tool_phrases(tool(f"do_thing_{'x' * n}", f"Please do a thing {'y' * n}") for n in range(1, 129)))
        == 100
    )


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("ok", "Ok."),
        ("", "Done."),
        ("null", "Done."),
        ("true", "Done."),
        ("false", "That did not work."),
        ('"A timer is set."', "A timer is set."),
        ('{"message": "volume 40 percent"}', "Volume 40 percent."),
        ('{"error": "no such timer"}', "That did not work: no such timer."),
        ('{"volume": 40, "muted": false}', "Volume: 40, muted: That did not work."),
        ("[]", "There are none."),
        ('["tea: 5 minutes", "egg: 3 minutes"]', "Tea: 5 minutes; egg: 3 minutes."),
        ("42", "42."),
        ("line\none", "Line one."),
        ("[" * 5000, "["),
    ],
)
def test_outputs_are_put_into_words(output: str, words: str) -> None:
    assert outcome(None, output).startswith(words.rstrip(".")[:40])


def test_tools_are_known_by_their_names() -> None:
    assert intent_of_tool("end_conversation") == "goodbye"
    assert intent_of_tool("get_time") == "time"
    assert intent_of_tool("xyzzy") is None


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"properties": None},
        {"properties": [], "required": "x"},
        {"properties": {"a": 1}, "required": [5]},
    ],
)
def test_odd_schemas_are_lived_with(parameters: dict[str, Any]) -> None:
    offered = {"type": "function", "name": "get_time", "parameters": parameters}
    call = call_for(understand("what time is it"), [offered])
    assert call is not None
    assert call.arguments == "{}"


def test_without_a_schema_a_tool_takes_nothing() -> None:
    assert call_for(understand("what time is it"), [{"type": "function", "name": "time"}]) is not None
