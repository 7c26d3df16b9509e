"""A strip or ring of APA102 (DotStar) or SK9822 LEDs on the SPI bus: all LEDs show the same.

Needs the extra `apa102` (the package spidev) and SPI switched on. The bytes are made by `frames.apa102`.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from speakerd.panel.errors import DriverMissingError, SpiUnavailableError
from speakerd.panel.frames import Frame, apa102
from speakerd.panel.light_settings import LightSettings

_CLOCK_HZ = 1_000_000
"""Slow enough for a hand-made cable; 300 LEDs take 10 ms."""


class SpiBus(Protocol):
    """The part of `spidev.SpiDev` that is used."""

    def writebytes2(self, data: Sequence[int] | bytes) -> None:
        """Send `data`, in parts if it is longer than the driver's buffer."""
        ...

    def close(self) -> None:
        """Release the device."""
        ...


def open_spi(bus: int, device: int) -> SpiBus:
    """Open /dev/spidev`bus`.`device`, mode 0.

    Raises DriverMissingError without spidev, SpiUnavailableError without the device or the right to it.
    """
    try:
        import spidev  # noqa: PLC0415  an extra, needed only with a strip
    except ImportError as error:
        raise DriverMissingError(
            "spidev", "panel.light.strip_leds", "Install it: sudo speakerd extras add apa102."
        ) from error
    path = f"/dev/spidev{bus}.{device}"
    spi: SpiBus = spidev.SpiDev()
    try:
        spi.open(bus, device)  # type: ignore[attr-defined]  # used here only, not part of what a lamp needs
    except OSError as error:
        raise SpiUnavailableError(path, error.strerror or str(error)) from error
    spi.max_speed_hz = _CLOCK_HZ  # type: ignore[attr-defined]  # as above
    return spi


class Apa102Lamp:
    """The strip of the settings; tests pass a `bus`.

    Raises DriverMissingError without spidev, SpiUnavailableError without the device or the right to it.
    """

    def __init__(self, settings: LightSettings, bus: SpiBus | None = None) -> None:
        self.name = f"light strip on /dev/spidev{settings.strip_bus}.{settings.strip_device}"
        self._gamma = settings.gamma
        self._leds = settings.strip_leds
        self._current = settings.strip_current
        self._bus: SpiBus | None = open_spi(settings.strip_bus, settings.strip_device) if bus is None else bus
        self._shown = b""
        self._frame: Frame | None = None

    def show(self, frame: Frame) -> None:
        """Show colour and brightness on all LEDs."""
        data = apa102(frame, self._gamma, leds=self._leds, current=self._current)
        if self._bus is not None and data != self._shown:
            self._bus.writebytes2(data)
            self._shown = data
        self._frame = frame

    def close(self) -> None:
        """Put the strip out and release the device; it would keep its last colour otherwise."""
        bus, self._bus = self._bus, None
        if bus is None:
            return
        with contextlib.suppress(OSError):
            if self._frame is not None:
                dark = replace(self._frame, brightness=0.0)
                bus.writebytes2(apa102(dark, self._gamma, leds=self._leds, current=self._current))
        with contextlib.suppress(OSError):
            bus.close()
