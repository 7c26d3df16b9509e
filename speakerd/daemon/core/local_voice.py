"""The local voice: espeak-ng, as the embedded server speaks, for announcements. No network, no session, no cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from speakerd.config.settings import Settings
    from speakerd.daemon.live_settings import LiveSettings
    from speakerd.offline.espeak import SpeechSynthesizer


class NoVoiceError(Exception):
    """There is no local voice, or it failed; the text says what to do."""


class LocalVoice:
    """Makes speech of text, in the language of the settings. Event loop only."""

    def __init__(self, settings: LiveSettings) -> None:
        """Nothing runs yet. `[offline]` says how it sounds, `model.language` in which language."""
        self._synthesizer: SpeechSynthesizer | None = None
        keys = ("offline.voice", "offline.speed_wpm", "offline.pitch", "model.language")
        self._take(settings.subscribe(*keys, take=self._take, when="now"))

    def _take(self, settings: Settings) -> None:
        self._settings = settings
        self._synthesizer = None

    async def prepare(self) -> None:
        """Look for espeak-ng. Raises NoVoiceError."""
        from speakerd.offline.errors import OfflineError  # noqa: PLC0415  # loaded where wanted
        from speakerd.offline.espeak import SpeechSynthesizer  # noqa: PLC0415  # as above

        if self._synthesizer is not None:
            return
        synthesizer = SpeechSynthesizer(self._settings.offline)
        try:
            await synthesizer.start()
        except OfflineError as error:
            raise NoVoiceError(f'{error}; or set announcement_voice = "model" under [dialogue]') from error
        self._synthesizer = synthesizer

    async def speak(self, text: str) -> AsyncGenerator[bytes, None]:
        """Yield the sound of `text` as it is made: 24 kHz, 16 bit, mono. Raises NoVoiceError."""
        from speakerd.offline.errors import OfflineError  # noqa: PLC0415  # loaded where wanted

        await self.prepare()
        assert self._synthesizer is not None  # noqa: S101  # prepared
        try:
            async for pcm in self._synthesizer.speak(text, self._name(), 1.0):
                yield pcm
        except OfflineError as error:
            raise NoVoiceError(str(error)) from error

    def _name(self) -> str:
        """The voice of the settings, unless the household speaks another language than that."""
        voice, language = self._settings.offline.voice, self._settings.model.language
        return voice if voice.partition("-")[0] == language.partition("-")[0] else language or voice
