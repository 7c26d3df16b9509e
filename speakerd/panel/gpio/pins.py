"""Opens GPIO pins, and turns the errors of that into the panel's own.

gpiozero is used with the lgpio factory only: the older ones do not know a Pi 5, or need a daemon.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gpiozero

from speakerd.panel.errors import (
    DriverMissingError,
    GpioUnavailableError,
    PanelError,
    PinBusyError,
    PinUnknownError,
)
from speakerd.panel.types import Pin

_INSTALL = "Install it: sudo speakerd extras add gpio."
_NO_PI = (
    'Without a button on pins, leave panel.button.pin = "" and all panel.light pins empty, or take the board '
    'usb-speakerphone; to try things out, set panel.kind = "terminal".'
)


def lgpio_factory() -> Any:
    """Return a gpiozero pin factory for this machine's GPIO chip; the caller closes it.

    Raises DriverMissingError without lgpio, GpioUnavailableError if this is no Pi, if the chip may not be
    opened, or
    if the working directory cannot be written to.
    """
    directory = os.environ.get("LG_WD", ".")
    if not os.access(directory, os.W_OK | os.X_OK):
        raise _not_writable(directory)
    try:
        from gpiozero.pins.lgpio import LGPIOFactory  # noqa: PLC0415  lgpio is only there where there are pins
    except ImportError as error:
        raise DriverMissingError("lgpio", "a button or light on GPIO pins", _INSTALL) from error
    except OSError as error:
        # lgpio makes its FIFO when it is imported; root passes the check above even where no file can be made.
        raise _not_writable(directory) from error
    try:
        return LGPIOFactory()
    except gpiozero.PinUnknownPi as error:
        raise GpioUnavailableError("this is not a Raspberry Pi", _NO_PI) from error
    except Exception as error:
        # lgpio raises a class of its own derived from Exception, with the reason as text.
        raise GpioUnavailableError(
            f"the GPIO chip cannot be opened ({error})",
            "Let the user be in group gpio, and /dev/gpiochip0 be there; in a container or a service, it must be "
            "allowed (DeviceAllow=char-gpiochip).",
        ) from error


def _not_writable(directory: str) -> GpioUnavailableError:
    return GpioUnavailableError(
        f"lgpio keeps a FIFO in its working directory, and {os.path.realpath(directory)} is not writable",
        "Start speakerd in a writable directory (its service does), or name one in $LG_WD.",
    )


@contextmanager
def pin_errors(key: str, pin: Pin | tuple[Pin, ...]) -> Iterator[None]:
    """Turn what gpiozero and lgpio raise about `pin` of the setting `key` into a PanelError."""
    try:
        yield
    except PanelError:
        raise
    except gpiozero.GPIOPinInUse as error:
        raise PinBusyError(key, pin, "named twice in the settings") from error
    except gpiozero.PinPWMUnsupported as error:
        raise PinUnknownError(key, pin, "this pin cannot be dimmed; use panel.light.led_pin") from error
    except gpiozero.PinFixedPull as error:
        raise PinUnknownError(
            key, pin, "it has a resistor of its own on the board, so the pull cannot be chosen"
        ) from error
    except gpiozero.PinInvalidPin as error:
        raise PinUnknownError(key, pin, "there is no GPIO of this name") from error
    except (gpiozero.GPIOZeroError, ValueError) as error:
        raise PinUnknownError(key, pin, str(error) or "the pin cannot be used so") from error
    except Exception as error:
        if "busy" in str(error).lower():
            raise PinBusyError(key, pin, "held by another program or by the kernel") from error
        raise GpioUnavailableError(
            f"{key} = {pin!r}: {error}", "Look at the wiring and at `gpioinfo`."
        ) from error
