"""Keeps a device open: the threads and driver calls around `RecoveryState`, which decides.

Opening and closing may hang inside the driver, so every attempt runs in its own thread, and `tick` checks
whether it has returned. If one never does, `DeviceStuck` is reported. In simulated time (`AudioDevice.stepped`)
attempts run inside `tick`, so that tests are reproducible.
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
"""`close` waits no longer for the driver: the process ends anyway."""

CARDS_EVERY_S: Final = 0.5
"""How often the kernel's list of cards is read while a device is lost."""


class DeviceSupervisor:
    """Opens, reopens and closes `device`. Call `start` and `close` from one thread, the rest from one other."""

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
        self._next_card_check = 0.0
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
        """Whether a loss has been reported and the device has not returned yet."""
        return self._recovery.lost

    @property
    def idle(self) -> bool:
        """Whether no attempt to open or close is running."""
        return not any(thread is not None and thread.is_alive() for thread in (self._attempt, self._closer))

    def start(self, *, wait: bool) -> list[AudioEvent]:
        """Open the device for the first time. With `wait`, a failure is reported as a loss, and retried.

        Raises:
            DeviceError: only without `wait`; says what is wrong with the device.
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
        """Supervise the device; call it a few times a second. Never blocks, except in simulated time."""
        events = self._finish_attempt(now)
        events += self._recovery.watch(self._device.block_counts, self._device.failure, now)
        self._check_cards(now)
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
        """Reopen a device that runs but delivers nothing useful. Returns the events to report."""
        return self._recovery.reopen(direction, reason, now)

    def close(self) -> None:
        """Close the device for good. Idempotent; returns after about `CLOSE_LIMIT_S` even if the driver hangs."""
        self._closing = True
        if self._closer is None:
            self._closer = threading.Thread(target=self._close, name="audio-close", daemon=True)
            self._closer.start()
        self._closer.join(CLOSE_LIMIT_S)
        if self._closer.is_alive():
            log.error("the sound driver does not return from closing; it is left hanging")

    def _check_cards(self, now: float) -> None:
        """While the device is lost, retry soon when a card was plugged in or out."""
        if not self._recovery.lost:
            self._next_card_check = now
            return
        if now < self._next_card_check:
            return
        cards = self._cards()
        if self._next_card_check and cards != self._cards_before:
            self._recovery.cards_changed(now)
        self._cards_before = cards
        self._next_card_check = now + CARDS_EVERY_S

    def _reopen(self) -> None:
        try:
            self._device.stop()
            if not self._closing:
                self._device.start(self._on_capture, self._pull)
            self._outcome = None
        except DeviceError as error:
            self._outcome = (_direction(error), str(error))
        except Exception as error:  # without an outcome the recovery would wait for ever
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
