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


class PanelError(Exception):
    """Root of what the button and the light raise."""


class PinUnknownError(PanelError, ValueError):
    """`key` in the settings names `pin`, which this board cannot use so."""

    def __init__(self, key: str, pin: object, reason: str) -> None:
        super().__init__(key, pin, reason)
        self.key = key
        self.pin = pin
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"{self.key} = {self.pin!r}: {self.reason}. Name a GPIO by its number (17), or a place on the header "
            f'("BOARD11"); `pinout` prints which there are.'
        )


class PinBusyError(PanelError, OSError):
    """`pin` of setting `key` is held by somebody else."""

    def __init__(self, key: str, pin: object, reason: str) -> None:
        super().__init__(key, pin, reason)
        self.key = key
        self.pin = pin
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"{self.key} = {self.pin!r}: the pin is in use ({self.reason}). Give each part its own pin; if another "
            f"program has it (`gpioinfo` names the holder), stop that, or a device-tree overlay has claimed it."
        )


class GpioUnavailableError(PanelError, OSError):
    """There are no GPIO pins that this process may use."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason, remedy)
        self.reason = reason
        self.remedy = remedy

    def __str__(self) -> str:
        return f"no GPIO here: {self.reason}. {self.remedy}"


class DriverMissingError(PanelError, ImportError):
    """The Python module `module` is needed by setting `key`; `remedy` says how to get it."""

    def __init__(self, module: str, key: str, remedy: str) -> None:
        super().__init__(module, key, remedy)
        self.module = module
        self.key = key
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.key} needs the Python module {self.module!r}, which is not installed. {self.remedy}"


class SpiUnavailableError(PanelError, OSError):
    """The SPI device at `path` cannot be opened."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"{self.path}: {self.reason}. Switch SPI on (`dtparam=spi=on` in /boot/firmware/config.txt, then "
            f"reboot), and let the user be in group spi; or set panel.light.strip_leds = 0."
        )


class LampLostError(PanelError, OSError):
    """The light `lamp` failed while it shone; it is left dark until the next start."""

    def __init__(self, lamp: str, reason: str) -> None:
        super().__init__(lamp, reason)
        self.lamp = lamp
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"the {self.lamp} failed ({self.reason}) and stays dark until speakerd is restarted. "
            f"Look at its wiring."
        )
