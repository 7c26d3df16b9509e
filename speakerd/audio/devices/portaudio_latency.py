"""Enlarges the card's capture buffer. PortAudio supports that, but PyAudio has no option for it.

PortAudio derives the size of ALSA's buffer from the requested latency: buffer = latency + one period
(`pa_linux_alsa.c`), and PyAudio always requests the device's `defaultLowInputLatency`. For a card of 44.1 or 48 kHz
that is 8 ms, so a microphone had two periods of 10 ms, and sound was lost when a callback was late by one. On a
loopback card, which counts in ticks of 4 ms, that was more than half of all sound, on an idle machine; with three
periods it was none. A larger capture buffer adds no latency, since each period is delivered when it is full.

So the default itself is changed: the field of PortAudio's `PaDeviceInfo` (portaudio.h, struct version 2) that
PyAudio reads a moment later. It is found through the library that PyAudio is linked with, and changed only if the
fields beside it hold what PyAudio reports for the same device. PortAudio builds the list anew each time it is
initialised.
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


def enlarge_capture_buffer(index: int, reported: Mapping[str, Any], seconds: float) -> bool:
    """Let streams that are opened on device `index` from now on buffer `seconds` more than one period.

    `reported` is PyAudio's description of the device. Call this while PortAudio is initialised, from the thread
    that opens the stream. Returns False, and changes nothing, if PortAudio's list is not laid out as expected.
    """
    try:
        # The extension module's own handle: its symbols are those of the very library that it uses.
        find = ctypes.PyDLL(cast("Any", pyaudio).pa.__file__).Pa_GetDeviceInfo
    except (OSError, AttributeError) as error:
        log.debug("PortAudio's list of devices cannot be reached (%s)", error)
        return False
    find.argtypes, find.restype = (ctypes.c_int,), ctypes.POINTER(_DeviceInfo)
    found = find(index)
    if not found or not _is_the_same(found.contents, reported):
        log.debug("PortAudio's list of devices is not as expected; captured sound may lag by its default")
        return False
    found.contents.default_low_input_latency = max(seconds, found.contents.default_low_input_latency)
    return True


def _is_the_same(info: _DeviceInfo, reported: Mapping[str, Any]) -> bool:
    return info.struct_version == _STRUCT_VERSION and (
        info.host_api,
        info.max_input_channels,
        info.max_output_channels,
        info.default_low_input_latency,
        info.default_sample_rate,
    ) == tuple(
        reported.get(key)
        for key in (
            "hostApi",
            "maxInputChannels",
            "maxOutputChannels",
            "defaultLowInputLatency",
            "defaultSampleRate",
        )
    )
