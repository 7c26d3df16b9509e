"""Our half of `scripts/real_speech_to_speech`: holds the conversation, and looks at what the model then has."""

from __future__ import annotations

import asyncio
import json
import math
import struct
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speakerd.config.load import read_text
from speakerd.daemon.model_config import session_settings
from speakerd.realtime import RealtimeAgent, RealtimeRunner, function_tool
from speakerd.realtime.dialects import DIALECTS
from speakerd.realtime.transport import OpenAIRealtimeWebSocketModel

if TYPE_CHECKING:
    from speakerd.realtime import RealtimeSession

RATE = 16_000
LIMIT_S = 20.0


@function_tool
async def get_time() -> str:
    """Tell the time."""
    return "noon"


class Talk:
    """The session, and what comes of it."""

    def __init__(self, session: RealtimeSession[None], server: asyncio.StreamReader) -> None:
        self.session = session
        self.server = server
        self.ended: asyncio.Queue[Any] = asyncio.Queue()
        self.errors: list[str] = []

    async def read(self) -> None:
        """Take what the session reports."""
        async for event in self.session:
            if event.type == "agent_end":
                self.ended.put_nowait(event)
            elif event.type == "error":
                self.errors.append(str(event.error))

    async def say(self, *, by_hand: bool) -> None:
        """Be loud for a second; then let go of the button, or be silent."""
        loud = (int(8_000 * math.sin(at * 0.3)) for at in range(RATE))
        await self.session.send_audio(b"".join(struct.pack("<h", sample) for sample in loud))
        if by_hand:
            await self.session.commit_audio()
            await self.session.respond()
        else:
            await self.session.send_audio(bytes(RATE * 2))

    async def answered(self, what: str, status: str = "completed") -> list[list[str]]:
        """Wait for the end of an answer; return what the model had before it."""
        async with asyncio.timeout(LIMIT_S):
            event = await self.ended.get()
            lines: list[list[str]] = json.loads(await self.server.readline())
        good = event.status == status
        print(f"{'ok' if good else 'NO':<4}{what}: {event.status}; the model had {lines[1:]}")
        if not good:
            self.errors.append(f"{what}: {event.status}")
        return lines

    def expect(self, what: str, *, holds: bool) -> None:
        """Note it if something does not hold."""
        if not holds:
            print(f"NO  {what}")
            self.errors.append(what)


async def converse(talk: Talk, model: OpenAIRealtimeWebSocketModel) -> None:
    """A typed question, a tool, push-to-talk, an interruption, a lost connection."""
    await talk.session.send_message("hello")
    lines = await talk.answered("typed")
    talk.expect("the instructions are there", holds=lines[0] == ["instructions", "Be kind."])
    await talk.say(by_hand=False)
    await talk.answered("spoken, with a tool")
    lines = await talk.answered("the tool's answer")
    talk.expect("the tool's output is there", holds=lines[-1] == ["tool", "noon"])
    await talk.say(by_hand=True)
    lines = await talk.answered("push-to-talk")
    talk.expect("the turn is there, once", holds=[line[1] for line in lines].count("thank you") == 1)
    await talk.say(by_hand=True)
    await asyncio.sleep(1.5)
    await talk.session.interrupt()
    await talk.answered("interrupted", "cancelled")
    link = model._link  # noqa: SLF001  # to break it as a network does
    assert link is not None
    link.socket.transport.abort()
    await asyncio.sleep(3.0)
    await talk.session.send_message("do you remember")
    lines = await talk.answered("after a lost connection")
    known = [line[1] for line in lines if line[0] == "user"]
    told = ["hello", "what time is it", "thank you", "tell me a story", "do you remember"]
    talk.expect(f"what was said is there, once, in order: {known}", holds=known == told)
    await talk.say(by_hand=False)
    await talk.answered("spoken again")


async def main(python: str) -> int:
    """Start the server, talk, and say what went wrong."""
    program = str(Path(__file__).with_name("pretended.py"))
    server = await asyncio.create_subprocess_exec(python, program, stdout=asyncio.subprocess.PIPE)
    assert server.stdout is not None
    try:
        async with asyncio.timeout(60):
            port = json.loads(await server.stdout.readline())["port"]
        await asyncio.sleep(1.0)
        settings = read_text('[model]\nprovider = "speech-to-speech"\n').settings.model
        model = OpenAIRealtimeWebSocketModel()
        agent = RealtimeAgent[None]("A", instructions="Be kind.", tools=[get_time])
        runner = RealtimeRunner(agent, model=model, config={"model_settings": session_settings(settings)})
        session = await runner.run(
            model_config={
                "url": f"ws://127.0.0.1:{port}/v1/realtime",
                "headers": {},
                "dialect": DIALECTS["speech-to-speech"],
            }
        )
        async with session:
            talk = Talk(session, server.stdout)
            reading = asyncio.create_task(talk.read())
            await converse(talk, model)
            reading.cancel()
    finally:
        server.kill()
        await server.wait()
    for error in talk.errors:
        print(f"went wrong: {error}", file=sys.stderr)
    return 1 if talk.errors else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1])))
