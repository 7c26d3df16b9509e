"""Hears the audio room: captured speech to the uplink, levels to light and monitor, all else to the dialogue.

`AudioEvents.post` is called by the audio thread; what it reports is handled in the event loop, in order.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, assert_never

from speakerd.audio import events as audio
from speakerd.audio.pcm import SAMPLE_BYTES
from speakerd.daemon.model_config import TURNS, input_rate_hz
from speakerd.daemon.session import CapturedSpeech
from speakerd.host.journal import fields

if TYPE_CHECKING:
    from collections.abc import Callable

    from speakerd.config.settings import Settings
    from speakerd.daemon.core.announcer import Announcer
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
        announcer: Announcer,
        silenced: Callable[[str], bool],
        post: Callable[[Callable[[audio.AudioEvent], None], audio.AudioEvent], None],
        handle: Callable[[Event], None],
        die: Callable[[str], None],
    ) -> None:
        """`post` brings a call from any thread into the event loop; `handle` gives an event to the dialogue.

        `silenced` says whether the sound of an item has been flushed.
        """
        self._dialogue = dialogue
        self._link = link
        self._panel = panel
        self._monitor = monitor
        self._announcer = announcer
        self._silenced = silenced
        self._post = post
        self._handle = handle
        self._die = die
        self.light_follows_speaker = False
        """Whether the level shown by the light is the loudspeaker's, not the microphone's."""
        self.wake_word_armed = False
        """Whether a wake word counts now."""
        self.missing: dict[audio.Direction, str] = {}
        """Why there is no microphone or no loudspeaker, while there is none."""
        self._take(settings.subscribe("wake_word.pre_roll_ms", *TURNS, take=self._take))

    def _take(self, settings: Settings) -> None:
        self._pre_roll_s = settings.wake_word.pre_roll_ms / 1000
        self._link.uplink.bytes_per_second = SAMPLE_BYTES * input_rate_hz(settings.model)

    def post(self, event: audio.AudioEvent) -> None:
        """Take an event of the engine. Audio thread."""
        if isinstance(event, audio.Level):
            self._panel.set_level(event.speaker_dbfs if self.light_follows_speaker else event.mic_dbfs)
            if not self._monitor.watched:
                return
        self._post(self._arrived, event)

    def _arrived(self, event: audio.AudioEvent) -> None:
        match event:
            case audio.SpeechAudio(pcm):
                self._captured(pcm)
            case audio.Level():
                self._monitor.publish(
                    "level",
                    event.at,
                    mic=round(event.mic_dbfs, 1),
                    speaker=round(event.speaker_dbfs, 1),
                    gate=event.gate_open,
                )
            case audio.Xruns(direction, count):
                log.warning("%d xruns in %s", count, direction, extra=fields(event="xruns", count=count))
            case audio.PlaybackUnderrun(item_id):
                log.info("speech ran out for a moment", extra=fields(event="underrun", item=item_id))
                if not self._announcer.owns(item_id):
                    self._handle(event)
            case audio.CaptureSilent():
                log.warning("the microphone gives digital silence", extra=fields(event="capture_silent"))
            case audio.WakeWordHeard(word, at):
                if self.wake_word_armed:
                    # The sentence may begin within the word: "okay nabu what time" leaves no pause.
                    self._handle(audio.WakeWordHeard(word, at - self._pre_roll_s))
            case audio.DeviceStuck(reason):
                self._die(f"the sound device hangs: {reason}")
            case audio.DeviceLost(direction, reason):
                log.warning(
                    "%s lost: %s", direction, reason, extra=fields(event="device_lost", direction=direction)
                )
                self.missing[direction] = reason
                self._handle(event)
            case audio.DeviceReturned(direction):
                self.missing.pop(direction, None)
                log.info(
                    "%s runs again", direction, extra=fields(event="device_returned", direction=direction)
                )
                self._handle(event)
            # What is announced is none of the conversation's: its end is told by the announcer.
            case audio.PlaybackStarted(item_id) | audio.PlaybackResumed(item_id) if self._announcer.owns(
                item_id
            ):
                pass
            # It was on its way when the sound was cut off. It would never drain, and be waited for.
            case audio.PlaybackStarted(item_id) if self._silenced(item_id):
                pass
            case audio.PlaybackDrained() if self._announcer.drained():
                pass
            case (
                audio.SpeechStarted()
                | audio.SpeechEnded()
                | audio.BargeInSuspected()
                | audio.BargeInConfirmed()
                | audio.BargeInRejected()
                | audio.PlaybackStarted()
                | audio.PlaybackResumed()
                | audio.PlaybackDrained()
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
