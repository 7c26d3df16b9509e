"""From settings to a speaker: which device, which panel, which model, which tools."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from speakerd.daemon.core import Assembly, Speaker, Toolbox
from speakerd.daemon.session import Embedded, Sessions
from speakerd.panel.factory import open_panel
from speakerd.realtime.agents import RealtimeAgent

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from speakerd.audio.device import AudioDevice
    from speakerd.audio.settings import AudioSettings
    from speakerd.config.settings import Settings
    from speakerd.daemon.session import Backend
    from speakerd.panel.port import Panel


def open_device(settings: AudioSettings) -> AudioDevice:
    """The sound card that the settings name, not started."""
    if settings.driver == "simulated":
        from speakerd.audio.simulation import SimulatedDevice  # noqa: PLC0415  # the Pi never needs it

        return SimulatedDevice()
    from speakerd.audio.devices import PyAudioDevice  # noqa: PLC0415  # loads PortAudio

    return PyAudioDevice(settings)


def assemble(
    settings: Settings,
    *,
    key: Callable[[], str | None] = lambda: None,
    state: Path | None = None,
    device: AudioDevice | None = None,
    panel: Panel | None = None,
    on_backend: Callable[[Backend], None] = lambda _backend: None,
    clock: Callable[[], float] = time.monotonic,
) -> Assembly:
    """Put the parts together; nothing is opened yet. Call it in the event loop that will run the speaker.

    Args:
        settings: All of them.
        key: Asked at each connect; None where no key is needed.
        state: Folder of what outlives the process; None keeps nothing.
        device: In place of the one that the settings name.
        panel: Likewise.
        on_backend: Told at each connect which server answers.
        clock: The device's, the panel's and the event loop's: monotonic seconds.
    """
    embedded = Embedded(settings.offline)
    toolbox = Toolbox(settings.tools, state=state, clock=clock)
    agent = RealtimeAgent[None](
        name="speakerd", instructions=settings.model.instructions, tools=list(toolbox.tools)
    )
    sessions = Sessions(settings.model, agent, key=key, embedded=embedded, on_backend=on_backend, clock=clock)
    speaker = Speaker(
        settings,
        make_device=open_device if device is None else lambda _settings: device,
        panel=panel or open_panel(settings.panel),
        open_session=sessions.open,
        companion=toolbox,
        state=state,
        clock=clock,
    )
    toolbox.attach(speaker)
    return Assembly(speaker, sessions, toolbox, embedded)
