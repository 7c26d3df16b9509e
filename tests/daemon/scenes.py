"""What a person does, and what the server does, in the runs that show what a setting does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from speakerd.dialogue.events import Ask, ResponseEnded, ResponseStarted, Say, TimerRinging, ToolStarted
from speakerd.dialogue.requests import MUTE, UNMUTE
from speakerd.realtime.testing.server_events import (
    audio_delta,
    call_response,
    response_created,
    response_done,
    spoken_begin,
    spoken_end,
    spoken_item,
    transcript_delta,
    usage,
)
from tests.audio.recordings import load
from tests.audio.test_wake_word import say as spoken
from tests.daemon.bench import GO_FORWARD, Household, tone, tone_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from speakerd.panel.simulated import SimulatedPanel
    from speakerd.realtime.testing.loopback import LoopbackConnection

    Scene = Callable[[Household], Any]

# -- servers ---------------------------------------------------------------------------------------------------


async def mute_server(connection: LoopbackConnection) -> None:
    """Take everything, and say nothing."""
    await asyncio.sleep(3_600)


def late(seconds: float, ms: int = 600) -> Callable[[LoopbackConnection], Any]:
    """Answer so many seconds after it was asked."""

    async def script(connection: LoopbackConnection) -> None:
        turn = 0
        while True:
            await connection.expect("response.create", within_s=600)
            turn += 1
            await asyncio.sleep(seconds)
            for event in tone_response(f"resp_{turn}", f"item_{turn}", "Certainly.", ms):
                await connection.send(event)

    return script


async def slow_talker(connection: LoopbackConnection) -> None:
    """Send 100 ms of speech every 100 ms, for three seconds."""
    await connection.expect("response.create", within_s=600)
    await connection.send(response_created("resp_1"))
    for event in spoken_begin("resp_1", "item_1"):
        await connection.send(event)
    for _ in range(30):
        await connection.send(audio_delta("resp_1", "item_1", tone(100)))
        await asyncio.sleep(0.1)
    await connection.send(transcript_delta("resp_1", "item_1", "So."))
    for event in spoken_end("resp_1", "item_1", "So."):
        await connection.send(event)
    await connection.send(response_done("resp_1", output=[spoken_item("item_1", "So.")]))
    await asyncio.sleep(3_600)


def calling(
    *calls: tuple[str, str], tokens: int = 0, pause_s: float = 0.0
) -> Callable[[LoopbackConnection], Any]:
    """Call these tools, one after the other, each with its arguments as JSON; then speak.

    Each call costs so many tokens, and comes so long after it was asked for.
    """

    async def script(connection: LoopbackConnection) -> None:
        for number, (name, arguments) in enumerate(calls):
            await connection.expect("response.create", within_s=600)
            await asyncio.sleep(pause_s)
            ids = {"call_id": f"call_{number}", "item_id": f"item_call_{number}"}
            *events, done = call_response(f"resp_call_{number}", name, arguments, **ids)
            if tokens:
                done = {**done, "response": {**done["response"], "usage": usage(tokens, 10)}}
            for event in (*events, done):
                await connection.send(event)
        await late(0)(connection)

    return script


# -- people ----------------------------------------------------------------------------------------------------


async def talk(house: Household) -> None:
    """Press, speak, hear the answer, and say nothing more."""
    house.panel.tap()
    house.device.say(GO_FORWARD, after_s=0.2)
    await asyncio.sleep(15)


async def ask_for_much(house: Household) -> None:
    """Ask what needs some tools one after the other."""
    house.assembly.speaker.handle(Ask("what time is it, and what will it be?"))
    await asyncio.sleep(12)


async def announce(house: Household) -> None:
    """Have something announced, with a chime."""
    house.assembly.speaker.handle(Say("dinner is ready", chime=True))
    await asyncio.sleep(3)


async def announce_while_it_listens(house: Household) -> None:
    """Press, say nothing, and have something announced."""
    house.panel.tap()
    await asyncio.sleep(1)
    house.assembly.speaker.handle(Say("dinner is ready"))
    await asyncio.sleep(15)


async def ask(house: Household) -> None:
    """Ask by text, and hear the answer."""
    house.assembly.speaker.handle(Ask("hello"))
    await asyncio.sleep(3)


def wait(seconds: float) -> Scene:
    """Do nothing."""

    async def scene(house: Household) -> None:
        await asyncio.sleep(seconds)

    return scene


async def press_and_say_nothing(house: Household) -> None:
    house.panel.tap()
    await asyncio.sleep(14)


async def interrupt(house: Household) -> None:
    """Press while it speaks."""
    house.assembly.speaker.handle(Ask("talk"))
    await asyncio.sleep(2)
    house.panel.tap()
    await asyncio.sleep(3)


async def speak_over_it(house: Household) -> None:
    """Talk while it speaks."""
    house.panel.tap()
    house.device.say(GO_FORWARD, after_s=0.2)
    await asyncio.sleep(6)
    house.device.say(GO_FORWARD)
    await asyncio.sleep(5)


def chopped() -> bytes:
    """Speech of which every third 40 ms are silence."""
    pcm = bytearray(load("goforward").pcm)
    for at in range(2_560, len(pcm), 3_840):
        pcm[at : at + 1_280] = bytes(len(pcm[at : at + 1_280]))
    return bytes(pcm)


async def talk_choppily(house: Household) -> None:
    """Press, and say something that breaks off again and again."""
    house.panel.tap()
    house.device.say(chopped(), after_s=0.2)
    await asyncio.sleep(12)


async def speak_choppily_over_it(house: Household) -> None:
    house.panel.tap()
    house.device.say(GO_FORWARD, after_s=0.2)
    await asyncio.sleep(6)
    house.device.say(chopped())
    await asyncio.sleep(5)


async def speak_right_after_it(house: Household) -> None:
    """Go on talking as soon as it has answered."""
    house.panel.tap()
    house.device.say(GO_FORWARD, after_s=0.2)
    await house.phase("speaking")
    await house.phase("listening")
    house.device.say(GO_FORWARD)
    await asyncio.sleep(6)


async def speak_twice(house: Household) -> None:
    """Go on talking while it thinks."""
    house.panel.tap()
    house.device.say(GO_FORWARD, after_s=0.2)
    await house.phase("thinking")
    house.device.say(GO_FORWARD)
    await asyncio.sleep(6)


async def press_in_the_sentence(house: Household) -> None:
    house.panel.tap()
    house.device.say(GO_FORWARD, after_s=0.2)
    await asyncio.sleep(1.7)
    house.panel.tap()
    await asyncio.sleep(4)


async def stop_it(house: Household) -> None:
    """End the daemon while it speaks."""
    house.assembly.speaker.handle(Ask("talk"))
    await asyncio.sleep(2)
    house.assembly.speaker.stop()
    await house.stopped()


async def mute_and_unmute(house: Household) -> None:
    house.assembly.speaker.handle(MUTE)
    await asyncio.sleep(1)
    house.assembly.speaker.handle(UNMUTE)
    await asyncio.sleep(1)


async def mute_and_press(house: Household) -> None:
    house.assembly.speaker.handle(MUTE)
    await asyncio.sleep(1)
    house.panel.tap()
    await asyncio.sleep(2)


async def mute_and_ask(house: Household) -> None:
    house.assembly.speaker.handle(MUTE)
    await ask(house)


async def mute_it_while_it_speaks(house: Household) -> None:
    house.assembly.speaker.handle(Ask("talk"))
    await asyncio.sleep(1.5)
    house.assembly.speaker.handle(MUTE)
    await asyncio.sleep(3)


def hold(seconds: float, button: Any = "button") -> Scene:
    """Hold a button, and talk meanwhile."""

    async def scene(house: Household) -> None:
        house.device.say(GO_FORWARD, after_s=0.1)
        house.panel.press(button)
        await asyncio.sleep(seconds)
        house.panel.release(button)
        await asyncio.sleep(5)

    return scene


def taps(*pauses_s: float, down_s: float = 0.1) -> Scene:
    """Press briefly, again after each of these pauses."""

    async def scene(house: Household) -> None:
        for pause_s in (*pauses_s, 3.0):
            house.panel.press()
            await asyncio.sleep(down_s)
            house.panel.release()
            await asyncio.sleep(pause_s)

    return scene


async def ring(house: Household) -> None:
    """Let a timer ring, and let it be."""
    house.assembly.speaker.handle(TimerRinging("tea"))
    await asyncio.sleep(10)


async def a_tool_that_does_not_end(house: Household) -> None:
    house.assembly.speaker.handle(Ask("do it"))
    await asyncio.sleep(0.5)
    house.assembly.speaker.handle(ToolStarted("slow"))
    await asyncio.sleep(30)


async def a_tool_that_takes_long(house: Household) -> None:
    handle = house.assembly.speaker.handle
    handle(Ask("do it"))
    await asyncio.sleep(0.5)
    handle(ResponseStarted("resp_1"))
    handle(ToolStarted("slow", "call_1"))
    handle(ResponseEnded("resp_1", had_audio=False, tool_calls=1))
    await asyncio.sleep(20)


def approve(gesture: Scene) -> Scene:
    """Ask for what needs a yes, and answer by hand."""

    async def scene(house: Household) -> None:
        house.assembly.speaker.handle(Ask("open the door"))
        await asyncio.sleep(1)
        await gesture(house)
        await asyncio.sleep(2)

    return scene


async def pull_the_plug(house: Household) -> None:
    """Take the sound card away for ten seconds."""
    house.device.unplug()
    await asyncio.sleep(10)
    house.device.plug_in()
    await asyncio.sleep(12)


async def deafen(house: Household) -> None:
    house.device.deafen()
    await asyncio.sleep(8)


async def stall(house: Household) -> None:
    """A sound card that opens and never gives a block."""
    for _ in range(1_000):
        house.device.stall("capture")
        await asyncio.sleep(0.01)


async def say_the_word(house: Household) -> None:
    """Say the wake word and at once a sentence; and the word alone some seconds later."""
    word = spoken("okay nah boo")
    house.device.say(word[: len(word) - 32_000])
    house.device.say(GO_FORWARD)
    await asyncio.sleep(18)
    house.device.say(word)
    await asyncio.sleep(6)


def tap_early(panel: SimulatedPanel) -> None:
    """Press while it starts."""
    panel.tap()


async def wait_for_an_answer(house: Household) -> None:
    """Ask, and wait for long."""
    house.assembly.speaker.handle(Ask("hello"))
    await asyncio.sleep(15)
