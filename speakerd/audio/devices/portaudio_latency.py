"""How much sound the card may hold before it is lost: PortAudio can be told, PyAudio does not offer it.

PortAudio derives the size of ALSA's buffer from the latency that is asked for: buffer = latency + one period
(`pa_linux_alsa.c`), and PyAudio always asks for the device's `defaultLowInputLatency`. For a card of 44.1 or 48 kHz
that is 8 ms, so a microphone had two periods of 10 ms: whoever was late by one lost sound. On a loopback card,
which counts in ticks of 4 ms, that was more than half of all sound, on an idle machine; with three periods none. A
larger buffer for capture costs no latency, since each period is handed over when it is full.

So the default itself is changed: the field of PortAudio's `PaDeviceInfo` (portaudio.h, struct version 2) that
PyAudio reads a moment later. It is found through the library that PyAudio is linked with, and touched only if its
neighbours hold what PyAudio says of the same device; otherwise all stays as it is. PortAudio makes the list anew
each time it is initialised.
"""

import ctypes
import logging
from collections.abc import Mapping
from typing import Any, Final, cast

import pyaudio

log = logging.getLogger(__name__)

_STRUCT_VERSION: Final = 2


class _DeviceInfo(ctypes.Structure):
    """`PaDeviceInfo` of portaudio.h."""

    _fields_ = (
        ("struct_version", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("host_api", ctypes.c_int),
        ("max_input_channels", ctypes.c_int),
        ("max_output_channels", ctypes.c_int),
        ("default_low_input_latency", ctypes.c_double),
        ("default_low_output_latency", ctypes.c_double),
        ("default_high_input_latency", ctypes.c_double),
        ("default_high_output_latency", ctypes.c_double),
        ("default_sample_rate", ctypes.c_double),
    )


def enlarge_capture_buffer(index: int, as_told: Mapping[str, Any], seconds: float) -> bool:
    """Let streams opened from device `index` from now on hold a period and `seconds` more of captured sound.

    `as_told` is PyAudio's description of the device. Call it while PortAudio is initialised, from the thread that
    opens. False if PortAudio's list is not what we take it for; nothing was changed then.
    """
    try:
        # The extension module's own handle: its symbols are those of the very library that it uses.
        find = ctypes.PyDLL(cast("Any", pyaudio).pa.__file__).Pa_GetDeviceInfo
    except (OSError, AttributeError) as error:
        log.debug("PortAudio's list of devices cannot be reached (%s)", error)
        return False
    find.argtypes, find.restype = (ctypes.c_int,), ctypes.POINTER(_DeviceInfo)
    found = find(index)
    if not found or not _is_the_same(found.contents, as_told):
        log.debug("PortAudio's list of devices is not as expected; captured sound may lag by its default")
        return False
    found.contents.default_low_input_latency = max(seconds, found.contents.default_low_input_latency)
    return True


def _is_the_same(info: _DeviceInfo, as_told: Mapping[str, Any]) -> bool:
    return info.struct_version == _STRUCT_VERSION and (
        info.host_api,
        info.max_input_channels,
        info.max_output_channels,
        info.default_low_input_latency,
        info.default_sample_rate,
    ) == tuple(
        as_told.get(key)
        for key in (
            "hostApi",
            "maxInputChannels",
            "maxOutputChannels",
            "defaultLowInputLatency",
            "defaultSampleRate",
        )
    )
