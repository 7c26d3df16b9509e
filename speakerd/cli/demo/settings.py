"""The demo's settings: the defaults, on embedded and simulated parts."""

from __future__ import annotations

from speakerd.config.settings import Settings


def demo_settings(*, real_sound: tuple[str, str] | None = None) -> Settings:
    """Offline model; simulated sound, or the input and output named by `real_sound`; panel by the caller."""
    audio: dict[str, object] = {"driver": "simulated"}
    if real_sound is not None:
        audio = {"driver": "portaudio", "input": real_sound[0], "output": real_sound[1]}
    return Settings.model_validate(
        {
            "model": {"backend": "offline", "connection": "on_wake"},
            "audio": audio,
            "panel": {"kind": "none"},
            "control": {"enabled": False},
            # Free speech is understood at a fraction of real time on a small or busy machine.
            "dialogue": {"response_timeout_s": 90},
        }
    )
