"""The light table as a person with a stopwatch would write it down: seconds after its beginning, perceived brightness.

Written by hand, not computed by the code under test. A state needs rows if its pattern or its colour has none yet.
`LOUD` states are also given a sound level.
"""

from speakerd.panel.types import LightState

ROWS: dict[LightState, list[tuple[float, float]]] = {
    "approval": [(0.0, 1.0), (1.0, 1.0), (1.04, 1.0), (1.1, 0.0), (1.35, 0.0), (1.45, 1.0)],
    "ringing": [(0.0, 1.0), (0.1, 1.0), (0.3, 0.0), (0.5, 1.0), (0.7, 0.0), (0.9, 1.0)],
    "starting": [(0.0, 0.0), (0.75, 0.3), (1.5, 0.6), (2.25, 0.3), (3.0, 0.0), (4.5, 0.6)],
    "connecting": [(0.0, 0.0), (0.25, 0.4), (0.5, 0.8), (0.75, 0.4), (1.0, 0.0), (1.5, 0.8)],
    "listening": [(0.0, 0.55), (0.5, 0.55), (5.0, 0.55)],
    "thinking": [(0.0, 0.05), (0.048, 0.525), (0.096, 1.0), (0.648, 0.145), (1.19, 0.06), (1.296, 1.0)],
    "speaking": [(0.0, 0.15), (0.5, 0.15), (5.0, 0.15)],
    "stopping": [(0.0, 0.6), (0.5, 0.3), (0.9, 0.06), (1.0, 0.0), (9.0, 0.0)],
    "error": [(0.1, 1.0), (0.3, 0.0), (0.5, 1.0), (0.7, 0.0), (0.9, 1.0), (1.1, 0.0), (2.5, 0.0), (2.7, 1.0)],
    "offline": [(0.0, 0.0), (0.192, 0.7), (0.45, 0.0), (0.72, 0.525), (1.0, 0.0), (2.3, 0.0), (2.592, 0.7)],
    "muted": [(0.0, 0.5), (0.1, 0.5), (0.2, 0.0), (1.5, 0.0), (2.9, 0.0), (3.05, 0.5)],
    "idle": [(0.0, 0.08), (0.5, 0.08), (3600.0, 0.08)],
}

RGB: dict[LightState, tuple[int, int, int]] = {
    "approval": (0xFF, 0x30, 0xC0),
    "ringing": (0xFF, 0xB4, 0x6B),
    "starting": (0xFF, 0xFF, 0xFF),
    "connecting": (0x00, 0xD0, 0xE0),
    "listening": (0x20, 0x50, 0xFF),
    "thinking": (0x90, 0x30, 0xFF),
    "speaking": (0x00, 0xD0, 0x40),
    "stopping": (0xFF, 0xFF, 0xFF),
    "error": (0xFF, 0x00, 0x00),
    "offline": (0xFF, 0xB0, 0x00),
    "muted": (0xFF, 0x00, 0x00),
    "idle": (0xFF, 0xFF, 0xFF),
}

LOUD: dict[LightState, float] = {"listening": 1.0, "speaking": 1.0}
"""Brightness while -12 dBFS or more is heard."""
