"""Hears the audio room: captured speech to the uplink, levels to light and monitor, all else to the dialogue.

`AudioEvents.post` is called by the audio thread; what it reports is handled in the event loop, in order.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, assert_never

from speakerd.audio.events import (
    BargeInConfirmed,
    BargeInRejected,
    BargeInSuspected,
    CaptureSilent,
    DeviceLost,
    DeviceReturned,
    DeviceStuck,
    Level,
    PlaybackDrained,
    PlaybackStarted,
    PlaybackUnderrun,
    SpeechAudio,
    SpeechEnded,
    SpeechStarted,
    WakeWordHeard,
    Xruns,
)
from speakerd.daemon.session import CapturedSpeech
from speakerd.host.journal import fields

if TYPE_CHECKING:
    from collections.abc import Callable

    from speakerd.audio.events import AudioEvent
    from speakerd.config.settings import Settings
    from speakerd.daemon.live_settings import LiveSettings
    from speakerd.daemon.metrics import MonitorFeed
    from speakerd.daemon.session import SessionLink
    from speakerd.dialogue.events import Event
    from speakerd.dialogue.state_machine import Dialogue
    from speakerd.panel.port import Panel

log = logging.getLogger(__name__)


class AudioEvents:
    """Routes what the audio engine reports."""

    def __init__(
        self,
        settings: LiveSettings,
        *,
        dialogue: Dialogue,
        link: SessionLink,
        panel: Panel,
        monitor: MonitorFeed,
        post: Callable[[Callable[[AudioEvent], None], AudioEvent], None],
        handle: Callable[[Event], None],
        die: Callable[[str], None],
    ) -> None:
        """`post` brings a call from any thread into the event loop; `handle` gives an event to the dialogue."""
        self._dialogue = dialogue
        self._link = link
        self._panel = panel
        self._monitor = monitor
        self._post = post
        self._handle = handle
        self._die = die
        self.light_follows_speaker = False
        """Whether the level shown by the light is the loudspeaker's, not the microphone's."""
        self.wake_word_armed = False
        """Whether a wake word counts now."""
        self._take(settings.subscribe("wake_word.pre_roll_ms", take=self._take))

    def _take(self, settings: Settings) -> None:
        self._pre_roll_s = settings.wake_word.pre_roll_ms / 1000

    def post(self, event: AudioEvent) -> None:
        """Take an event of the engine. Audio thread."""
        if isinstance(event, Level):
            self._panel.set_level(event.speaker_dbfs if self.light_follows_speaker else event.mic_dbfs)
            if not self._monitor.watched:
                return
        self._post(self._arrived, event)

    def _arrived(self, event: AudioEvent) -> None:
        match event:
            case SpeechAudio(pcm):
                self._captured(pcm)
            case Level():
                self._monitor.publish(
                    "level",
                    event.at,
                    mic=round(event.mic_dbfs, 1),
                    speaker=round(event.speaker_dbfs, 1),
                    gate=event.gate_open,
                )
            case Xruns(direction, count):
                log.warning("%d xruns in %s", count, direction, extra=fields(event="xruns", count=count))
            case PlaybackUnderrun(item_id):
                log.info("speech ran out for a moment", extra=fields(event="underrun", item=item_id))
            case CaptureSilent():
                log.warning("the microphone gives digital silence", extra=fields(event="capture_silent"))
            case WakeWordHeard(word, at):
                if self.wake_word_armed:
                    # The sentence may begin within the word: "okay nabu what time" leaves no pause.
                    self._handle(WakeWordHeard(word, at - self._pre_roll_s))
            case DeviceStuck(reason):
                self._die(f"the sound device hangs: {reason}")
            case DeviceLost(direction, reason):
                log.warning(
                    "%s lost: %s", direction, reason, extra=fields(event="device_lost", direction=direction)
                )
                self._handle(event)
            case DeviceReturned(direction):
                log.info(
                    "%s runs again", direction, extra=fields(event="device_returned", direction=direction)
                )
                self._handle(event)
            case (
                SpeechStarted()
                | SpeechEnded()
                | BargeInSuspected()
                | BargeInConfirmed()
                | BargeInRejected()
                | PlaybackStarted()
                | PlaybackDrained()
            ):
                self._handle(event)
            case _:
                assert_never(event)

    def _captured(self, pcm: bytes) -> None:
        match self._dialogue.uplink:
            case "open":
                self._link.send(CapturedSpeech(pcm))
            case "hold":
                self._link.uplink.hold(CapturedSpeech(pcm))
            case "closed":
                pass
            case uplink:
                assert_never(uplink)
