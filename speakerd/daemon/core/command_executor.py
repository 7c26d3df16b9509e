"""Carries out the dialogue's commands; none of them waits.

Loudspeaker, light and microphone act at once; what goes to the model is queued in the link, in order.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, assert_never

from speakerd.daemon.core.journal_words import sentence
from speakerd.daemon.model_config import compromises, turn_detection
from speakerd.daemon.session import SetTurnDetection
from speakerd.dialogue import commands

if TYPE_CHECKING:
    from speakerd.config.settings import Settings
    from speakerd.daemon.core.announcer import Announcer
    from speakerd.daemon.core.audio_events import AudioEvents
    from speakerd.daemon.core.live_engine import LiveEngine
    from speakerd.daemon.core.request_book import RequestBook
    from speakerd.daemon.core.tool_host import ToolHost
    from speakerd.daemon.live_settings import LiveSettings
    from speakerd.daemon.session import SessionLink

log = logging.getLogger(__name__)


class CommandExecutor:
    """Acts on loudspeaker, microphone, session and tools. Event loop only."""

    def __init__(
        self,
        settings: LiveSettings,
        *,
        engine: LiveEngine,
        link: SessionLink,
        audio_events: AudioEvents,
        tools: ToolHost,
        announcer: Announcer,
        requests: RequestBook,
    ) -> None:
        self._engine = engine
        self._link = link
        self._audio_events = audio_events
        self._tools = tools
        self._announcer = announcer
        self._requests = requests
        self._by_hand = False
        self._take(settings.subscribe("model", take=self._take))

    def _take(self, settings: Settings) -> None:
        self._turn_detection = turn_detection(settings.model)
        for found in compromises(settings.model):
            log.warning("%s: %s. %s", found.key, found.what, found.cure)

    def perform(self, command: commands.Command) -> None:
        """Carry out a command of the dialogue, or begin to: nothing is waited for."""
        match command:
            case commands.Connect():
                self._link.connect()
            case commands.Disconnect():
                self._by_hand = False  # the next session begins with what the settings say
                self._link.disconnect()
            case commands.Listen(mode, since, ends_by):
                if mode != "closed":
                    self._detect_turns(by_hand=ends_by == "release")
                self._engine.listen(mode, since)
            case commands.ArmWakeWord(armed):
                self._audio_events.wake_word_armed = armed
            case commands.SendHeld():
                self._link.release()
            case commands.Commit() | commands.SendText() | commands.Approve() | commands.Reject():
                self._link.send(command)
            case commands.DiscardAudio(sent):
                self._link.uplink.forget_sound()
                if sent:
                    self._link.send(command)
            case commands.Interrupt(silence):
                if silence:
                    self._engine.cut_off()
                self._link.send(command)
            case commands.Announce(text, chime):
                self._announcer.begin(text, chime=chime)
            case commands.HushAnnouncement():
                self._announcer.hush()
            case commands.RequestReport():
                self._requests.report(command)
            case commands.SetVoice(mode):
                self._engine.current.set_voice(mode)
            case commands.PlaySound(name):
                self._engine.current.play_earcon(name)
            case commands.SilenceTimer(name):
                self._engine.current.stop_earcons()
                self._tools.silence(name)
            case commands.ChangeVolume(steps):
                self._tools.change_volume(steps)
            case commands.Log():
                level = logging.WARNING if command.problem else logging.INFO
                log.log(level, "%s", sentence(command), extra=_fields(command))
            case _:
                assert_never(command)

    def _detect_turns(self, *, by_hand: bool) -> None:
        """While a hand holds the button it ends the turn, not the server; where the server does otherwise."""
        config = self._turn_detection
        if config is not None and by_hand != self._by_hand:
            self._by_hand = by_hand
            self._link.send(SetTurnDetection(None if by_hand else config))


def _fields(command: commands.Log) -> dict[str, str]:
    fields = {f"SPEAKERD_{name.upper()}": str(value) for name, value in command.fields.items()}
    return {"SPEAKERD_EVENT": command.event, **fields}
