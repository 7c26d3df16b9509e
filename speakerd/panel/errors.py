"""What can go wrong with the button and the light.

The tree::

    PanelError
    ├── PinUnknownError(ValueError)     the settings name a pin that is not there, or cannot do the job
    ├── PinBusyError(OSError)           another process, or another line of the settings, holds the pin
    ├── GpioUnavailableError(OSError)   no GPIO here: not a Pi, no permission, no working directory to write into
    ├── DriverMissingError(ImportError) a Python package that the settings call for is not installed
    ├── SpiUnavailableError(OSError)    the light strip's SPI bus is off or not ours to open
    └── LampLostError(OSError)          a light worked and then failed; the others go on

Every message ends with what to do about it.
"""

from speakerd.panel.header import pin_name


class PanelError(Exception):
    """Root of what the button and the light raise. `key` is the setting that asks for what cannot be had."""

    key = "panel.kind"


def _setting(key: str, pin: object) -> str:
    """Return a setting with its pins by both of their numbers."""
    pins = pin if isinstance(pin, tuple) else (pin,)
    names = ", ".join(pin_name(each) for each in pins if isinstance(each, (int, str)))
    return f"{key} = {pin!r}" if names == str(pin) else f"{key} = {pin!r}, {names}"


class PinUnknownError(PanelError, ValueError):
    """`pin`, named by the setting `key`, does not exist or cannot be used for this."""

    def __init__(self, key: str, pin: object, reason: str) -> None:
        super().__init__(
            f"{_setting(key, pin)}: {reason}. Name a GPIO by its number (17), or a place on the header "
            f'("BOARD11"); `pinout` prints which there are.'
        )
        self.key = key


class PinBusyError(PanelError, OSError):
    """`pin`, named by the setting `key`, is held by another program or another setting."""

    def __init__(self, key: str, pin: object, reason: str) -> None:
        super().__init__(
            f"{_setting(key, pin)}: the pin is in use ({reason}). Give each part its own pin; if another "
            f"program has it (`gpioinfo` names the holder), stop that, or a device-tree overlay has claimed it."
        )
        self.key = key


class GpioUnavailableError(PanelError, OSError):
    """There are no GPIO pins that this process may use. `remedy` says what to do."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(f"no GPIO here: {reason}. {remedy}")


class DriverMissingError(PanelError, ImportError):
    """The Python module `module` is needed by setting `key`; `remedy` says how to get it."""

    def __init__(self, module: str, key: str, remedy: str) -> None:
        super().__init__(f"{key} needs the Python module {module!r}, which is not installed. {remedy}")
        if key.startswith("panel."):
            self.key = key


class SpiUnavailableError(PanelError, OSError):
    """The SPI device at `path` cannot be opened."""

    key = "panel.light.strip_leds"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(
            f"{path}: {reason}. Switch SPI on (`dtparam=spi=on` in /boot/firmware/config.txt, then "
            f"reboot), and let the user be in group spi; or set panel.light.strip_leds = 0."
        )


class LampLostError(PanelError, OSError):
    """The light `lamp` failed while it was on; it stays dark until the next start."""

    def __init__(self, lamp: str, reason: str) -> None:
        super().__init__(
            f"the {lamp} failed ({reason}) and stays dark until speakerd is restarted. Look at its wiring."
        )
