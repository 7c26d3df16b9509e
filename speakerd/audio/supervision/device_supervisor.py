"""Keeps a device open: the shell around `healing.RecoveryState`.

Opening and closing may hang inside the driver, so every attempt runs in a thread of its own and nobody waits
for it; `tick` looks whether it has come back. A thread that never does is what `DeviceStuck` reports. In
simulated time (`AudioDevice.stepped`) attempts run inside `tick`, so that a test is the same every time.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Final

from speakerd.audio.cards import SoundCard, sound_cards
from speakerd.audio.device import AudioDevice, OnCapture, PullPlayback
from speakerd.audio.errors import DeviceError
from speakerd.audio.events import AudioEvent, Direction
from speakerd.audio.settings import AudioSettings
from speakerd.audio.supervision.recovery import RecoveryState

log = logging.getLogger(__name__)

CLOSE_LIMIT_S: Final = 1.0
"""A driver that takes longer to close is left hanging: the process ends anyway."""

CARDS_EVERY_S: Final = 0.5
"""How often the kernel's list of cards is read while a device is lost."""


class DeviceSupervisor:
    """Owns when `device` is opened and closed. `start` and `close` from one thread, `tick` from one other."""

    def __init__(
        self,
        device: AudioDevice,
        settings: AudioSettings,
        on_capture: OnCapture,
        pull: PullPlayback,
        cards: Callable[[], Sequence[SoundCard]] = sound_cards,
    ) -> None:
        self._device = device
        self._cards = cards
        self._cards_before: Sequence[SoundCard] = ()
        self._next_look = 0.0
        self._on_capture = on_capture
        self._pull = pull
        self._recovery = RecoveryState(
            reopen_first_s=settings.reopen_first_s,
            reopen_longest_s=settings.reopen_longest_s,
            heartbeat_limit_s=settings.heartbeat_limit_s,
        )
        self._attempt: threading.Thread | None = None
        self._outcome: tuple[Direction, str] | None = None
        self._closer: threading.Thread | None = None
        self._closing = False

    @property
    def lost(self) -> bool:
        """A loss has been reported, and no return yet."""
        return self._recovery.lost

    @property
    def idle(self) -> bool:
        """No call into the driver is under way, other than the device's own threads."""
        return not any(thread is not None and thread.is_alive() for thread in (self._attempt, self._closer))

    def start(self, *, wait: bool) -> list[AudioEvent]:
        """The first opening. With `wait`, a device that is not there is lost and will be tried again.

        Raises:
            DeviceError: without `wait`, what is wrong with the device.
        """
        now = self._device.now()
        self._recovery.opening(now)
        try:
            self._device.start(self._on_capture, self._pull)
        except DeviceError as error:
            if not wait:
                raise
            return self._recovery.not_opened(_direction(error), str(error), now)
        self._recovery.opened(self._device.block_counts, self._device.now())
        return []

    def tick(self, now: float) -> list[AudioEvent]:
        """Look after the device; a few times a second at least. Never blocks, save in simulated time."""
        events = self._finish_attempt(now)
        events += self._recovery.watch(self._device.block_counts, self._device.failure, now)
        self._look_at_cards(now)
        if self._recovery.wants_reopening(now) and not self._closing:
            self._recovery.opening(now)
            self._attempt = threading.Thread(target=self._reopen, name="audio-reopen", daemon=True)
            if self._device.stepped:
                self._attempt.run()
                events += self._finish_attempt(now)
            else:
                self._attempt.start()
        return events

    def reopen(self, direction: Direction, reason: str, now: float) -> list[AudioEvent]:
        """The device runs, but what comes is useless: have it opened anew."""
        return self._recovery.reopen(direction, reason, now)

    def close(self) -> None:
        """Close the device for good. Idempotent; returns within `CLOSE_LIMIT_S` or so, whatever hangs."""
        self._closing = True
        if self._closer is None:
            self._closer = threading.Thread(target=self._close, name="audio-close", daemon=True)
            self._closer.start()
        self._closer.join(CLOSE_LIMIT_S)
        if self._closer.is_alive():
            log.error("the sound driver does not return from closing; it is left hanging")

    def _look_at_cards(self, now: float) -> None:
        """While the device is lost: has a card come or gone?"""
        if not self._recovery.lost:
            self._next_look = now
            return
        if now < self._next_look:
            return
        cards = self._cards()
        if self._next_look and cards != self._cards_before:
            self._recovery.cards_changed(now)
        self._cards_before = cards
        self._next_look = now + CARDS_EVERY_S

    def _reopen(self) -> None:
        try:
            self._device.stop()
            if not self._closing:
                self._device.start(self._on_capture, self._pull)
            self._outcome = None
        except DeviceError as error:
            self._outcome = (_direction(error), str(error))
        except Exception as error:  # the healer must hear of every outcome, or it would wait for ever
            log.exception("reopening the sound device failed in an unforeseen way")
            self._outcome = ("playback", f"unforeseen: {error!r}")

    def _finish_attempt(self, now: float) -> list[AudioEvent]:
        attempt = self._attempt
        if attempt is None or attempt.is_alive():
            return []
        self._attempt = None
        if self._outcome is not None:
            return self._recovery.not_opened(*self._outcome, now)
        self._recovery.opened(self._device.block_counts, now)
        return []

    def _close(self) -> None:
        attempt = self._attempt
        if attempt is not None and attempt.ident is not None:
            attempt.join()
        self._device.stop()


def _direction(error: DeviceError) -> Direction:
    return "capture" if error.direction == "capture" else "playback"
