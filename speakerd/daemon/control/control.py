"""What `speakerd ctl` may ask: the commands of the control socket."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from speakerd import __version__
from speakerd.daemon.core import NoVoiceError
from speakerd.dialogue.events import Ask, Say
from speakerd.dialogue.refusal import STOPPING, why_not
from speakerd.dialogue.requests import MUTE, PLAIN_REQUESTS, STOP, UNMUTE
from speakerd.host.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from speakerd.daemon.control.reload import Reloader
    from speakerd.daemon.core import Assembly, OpenRequest
    from speakerd.daemon.metrics import Subscription
    from speakerd.dialogue.requests import PlainRequest

_LONGEST_TEXT = 4_000

_LONGEST_WAIT_S = 86_400

_STORED_S = 3.0
"""How long an answer waits for the disk."""

_ARGUMENTS = {"volume": ("level", "change"), "say": ("text", "chime", "wait_s"), "ask": ("text", "wait_s")}
"""What each command takes; those that are not here take nothing."""

_ANSWER_S = 0.1
"""Time for an answer to leave before the process ends."""


class Control:
    """Carries out the commands of the control socket, or says why not. Event loop only.

    An answer without an error means that it was done, or, where it says so, that it waits for its moment.
    """

    def __init__(self, assembly: Assembly, reloader: Reloader) -> None:
        self._assembly = assembly
        self._speaker = assembly.speaker
        self._reloader = reloader
        self._since = time.monotonic()
        self._commands: dict[str, Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]] = {
            "status": self._status,
            **{request.word: partial(self._plain, request) for request in PLAIN_REQUESTS},
            "volume": self._volume,
            "say": self._say,
            "ask": self._ask,
            "reload": self._reload,
            "restart": self._restart,
            "new": self._new,
            "usage": self._usage,
        }

    async def handle(self, command: str, args: dict[str, Any]) -> dict[str, Any]:
        """Carry out `command`; return its answer, JSON-safe. Raises CommandError."""
        if command not in self._commands:
            known = ", ".join((*self._commands, "monitor"))
            raise CommandError("unknown_command", f"there is no command {command!r}; there are: {known}")
        if unknown := sorted(args.keys() - _ARGUMENTS.get(command, ())):
            takes = ", ".join(_ARGUMENTS.get(command, ())) or "no arguments"
            raise CommandError("bad_arguments", f"{command} takes {takes}; found {', '.join(unknown)}")
        if self._speaker.dialogue.phase == "stopping" and command not in {"status", "usage"}:
            raise CommandError("stopping", STOPPING)
        return await self._commands[command](args)

    async def _status(self, _args: dict[str, Any]) -> dict[str, Any]:
        speaker = self._speaker
        dialogue, engine = speaker.dialogue, speaker.engine
        return {
            "version": __version__,
            "uptime_s": round(time.monotonic() - self._since, 1),
            "phase": dialogue.phase,
            "light": dialogue.light,
            "flags": dataclasses.asdict(dialogue.flags),
            "connected": speaker.link.connected,
            "answers": self._assembly.answers,
            "wake_word": self._wake_word(),
            "volume": speaker.volume.value,
            "echo": engine.echo_mode,
            "missing": "; ".join(dict.fromkeys(speaker.missing)) or None,
            "left_out": "; ".join(map(str, self._assembly.left_out)) or None,
            "unstored": "; ".join(speaker.unstored) or None,
            "failed": "; ".join(map(str, speaker.settings.failures)) or None,
            "restart": ", ".join(speaker.settings.waiting("restart")) or None,
            "conversations": speaker.turns.conversation,
            "turns": speaker.turns.turns,
            "sound": {
                **dataclasses.asdict(speaker.live_engine.stats),
                "speech_dropped_s": round(speaker.link.uplink.dropped_s, 2),
            },
            "usage": speaker.usage.report(),
        }

    def _wake_word(self) -> str:
        settings = self._speaker.settings.latest.wake_word
        if not settings.enabled:
            return "off"
        listening = self._speaker.listens_for_wake_word
        return f"{settings.model}, {'listened for' if listening else 'not listened for now'}"

    async def _plain(self, request: PlainRequest, _args: dict[str, Any]) -> dict[str, Any]:
        self._speaker.handle(request)
        if reason := why_not(request, self._speaker.dialogue.state, self._speaker.settings.latest.dialogue):
            raise CommandError("refused", reason)
        if request in {MUTE, UNMUTE}:
            # A disk that hangs must not keep the answer back: the microphone is shut already.
            with suppress(TimeoutError):
                async with asyncio.timeout(_STORED_S):
                    if problem := await self._speaker.mute_stored():
                        return {**self._state(), "warning": problem}
        return self._state()

    async def _volume(self, args: dict[str, Any]) -> dict[str, Any]:
        volume = self._speaker.volume
        if len(args) > 1:
            raise CommandError("bad_arguments", "volume takes level or change, not both")
        if "level" in args:
            volume.set(_number(args["level"], "level", 0, 100))
        elif "change" in args:
            volume.change(_number(args["change"], "change", -100, 100))
        return {"volume": volume.value}

    async def _say(self, args: dict[str, Any]) -> dict[str, Any]:
        """Speak words exactly, at a fitting moment; with `wait_s`, answer when that has been done."""
        text, chime, wait_s = _text(args), args.get("chime", False), _seconds(args)
        if not isinstance(chime, bool):
            raise CommandError("bad_arguments", f"chime must be true or false, found {chime!r}")
        if self._speaker.settings.latest.dialogue.announcement_voice == "local":
            try:
                await self._speaker.announcer.prepare()
            except NoVoiceError as error:
                raise CommandError("no_voice", str(error)) from error
        request = self._speaker.requests.open()
        self._speaker.handle(Say(text, chime, request.number))
        if wait_s:
            await _within(wait_s, request)
            return {"spoken": True, **self._state()}
        if request.problem:
            raise CommandError("refused", request.problem)
        waiting = self._speaker.dialogue.state.announcements
        before = next((n for n, other in enumerate(waiting) if other.request == request.number), None)
        return {"now": before is None, **({} if before is None else {"before_it": before}), **self._state()}

    async def _ask(self, args: dict[str, Any]) -> dict[str, Any]:
        """Hand a question to the model and answer when it has it; with `wait_s`, when the reply was heard."""
        text, wait_s = _text(args), _seconds(args)
        request = self._speaker.requests.open()
        self._speaker.handle(Ask(text, request.number))
        await request.wait_until_begun()
        if request.problem:
            raise CommandError("refused", request.problem)
        if not wait_s:
            return self._state()
        watch = self._speaker.monitor.subscribe()
        said: list[str] = []
        listener = asyncio.create_task(_collect(watch, said), name="answer")
        try:
            async with asyncio.timeout(wait_s):
                await request.wait_until_over()
        except TimeoutError:
            so_far = f"; so far: {' '.join(said)}" if said else ""
            words = f"no answer was heard to its end within {wait_s:g} s{so_far}"
            if waiting := self._speaker.dialogue.state.approvals:
                words += f"; the tool {waiting[0].name} waits for a yes or a no at the button"
            raise CommandError("not_answered", words) from None
        finally:
            watch.close()
            await listener
        if request.problem:
            raise CommandError("not_answered", request.problem)
        return {"answer": " ".join(said), **self._state()}

    async def _reload(self, _args: dict[str, Any]) -> dict[str, Any]:
        return await self._reloader.reload()

    async def _restart(self, _args: dict[str, Any]) -> dict[str, Any]:
        # Once the answer is on its way.
        asyncio.get_running_loop().call_later(_ANSWER_S, self._speaker.restart)
        return self._state()

    async def _new(self, _args: dict[str, Any]) -> dict[str, Any]:
        """Forget the conversation: neither the model nor "say that again" knows of it any more."""
        self._speaker.handle(STOP)
        self._speaker.tools.forget()
        self._speaker.link.disconnect()
        if self._speaker.settings.latest.model.connection == "warm" or self._speaker.dialogue.flags.offline:
            self._speaker.link.connect()
        return self._state()

    async def _usage(self, _args: dict[str, Any]) -> dict[str, Any]:
        return {**self._speaker.usage.report(), "days": self._speaker.usage.by_day()}

    def _state(self) -> dict[str, Any]:
        return {"phase": self._speaker.dialogue.phase, "light": self._speaker.dialogue.light}


def _number(value: Any, name: str, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise CommandError(
            "bad_arguments", f"{name} must be a whole number from {least} to {most}, found {value!r}"
        )
    return value


async def _within(seconds: float, request: OpenRequest) -> None:
    """Wait until it was carried out wholly. Raises CommandError where it was not, or not within this time."""
    try:
        async with asyncio.timeout(seconds):
            await request.wait_until_over()
    except TimeoutError:
        raise CommandError("timeout", f"not within {seconds:g} s; it may still be done") from None
    if request.problem:
        raise CommandError("not_spoken" if request.begun else "refused", request.problem)


async def _collect(watch: Subscription, said: list[str]) -> None:
    """Take down what the speaker says, until the subscription is closed."""
    async for entry in watch:
        if entry["event"] == "caption" and entry["role"] == "assistant" and entry["final"]:
            said += [entry["text"]]


def _seconds(args: dict[str, Any]) -> float:
    """Return for how long the answer may be waited for; 0: it is not."""
    value = args.get("wait_s", 0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LONGEST_WAIT_S:
        raise CommandError("bad_arguments", f"wait_s must be 0 to {_LONGEST_WAIT_S} seconds, found {value!r}")
    return float(value)


def _text(args: dict[str, Any]) -> str:
    text = args.get("text")
    if not isinstance(text, str) or not text.strip() or len(text) > _LONGEST_TEXT:
        raise CommandError("bad_arguments", f"text must be 1 to {_LONGEST_TEXT} characters")
    return text.strip()
