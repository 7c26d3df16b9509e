"""From settings to a speaker: which device, which panel, which model, which tools."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from speakerd.daemon.core import Assembly, LocalVoice, Speaker
from speakerd.daemon.session import BACKENDS, EmbeddedServer, SessionFactory
from speakerd.panel.factory import open_panel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from speakerd.audio.device import AudioDevice
    from speakerd.audio.settings import AudioSettings
    from speakerd.daemon.core import Voice
    from speakerd.daemon.live_settings import LiveSettings
    from speakerd.daemon.session import Backend, LiveApiKey
    from speakerd.panel.port import Panel
    from speakerd.panel.settings import PanelSettings


def open_device(settings: AudioSettings) -> AudioDevice:
    """Return the sound card that the settings name, not started."""
    if settings.driver == "simulated":
        from speakerd.audio.simulation import SimulatedDevice  # noqa: PLC0415  # the Pi never needs it

        return SimulatedDevice(record_s=0.0)  # Nobody asks a service for what it played.
    from speakerd.audio.devices import PyAudioDevice  # noqa: PLC0415  # loads PortAudio

    return PyAudioDevice(settings)


def assemble(
    settings: LiveSettings,
    *,
    key: LiveApiKey | None = None,
    state: Path | None = None,
    make_device: Callable[[AudioSettings], AudioDevice] = open_device,
    make_panel: Callable[[PanelSettings], Panel] = open_panel,
    voice: Voice | None = None,
    on_backend: Callable[[Backend], None] = lambda _backend: None,
    clock: Callable[[], float] = time.monotonic,
) -> Assembly:
    """Put the parts together; nothing is opened yet. Call it in the event loop that will run the speaker.

    Args:
        settings: All of them; the parts take other ones from it.
        key: What sessions are opened with; None where no key is needed.
        state: Folder of what outlives the process; None keeps nothing.
        make_device: Returns the sound card of the settings, not started.
        make_panel: Returns the button and the light of the settings, not started.
        voice: Speaks announcements; None: espeak-ng.
        on_backend: Called with which server answers, whenever a session was opened.
        clock: The device's, the panel's and the event loop's: monotonic seconds.
    """
    # Only a name: what the preset of a board changes is listed under its own keys.
    settings.subscribe("board", take=lambda _settings: None, when="now")
    embedded = EmbeddedServer(settings)

    def opened(backend: Backend) -> None:
        speaker.monitor.publish("answers", clock(), by=BACKENDS[backend])
        on_backend(backend)

    sessions = SessionFactory(settings, key=key, embedded=embedded, on_backend=opened, clock=clock)
    speaker = Speaker(
        settings,
        make_device=make_device,
        make_panel=make_panel,
        sessions=sessions,
        voice=voice or LocalVoice(settings),
        state=state,
        clock=clock,
    )
    return Assembly(speaker, sessions, embedded)
