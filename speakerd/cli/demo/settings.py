"""The settings of the demo: the defaults, with embedded and simulated parts."""

from __future__ import annotations

from speakerd.config.settings import Settings


def demo_settings(*, real_sound: tuple[str, str] | None = None) -> Settings:
    """Return settings with the embedded server, and simulated sound or the input and output of `real_sound`."""
    audio: dict[str, object] = {"driver": "simulated"}
    if real_sound is not None:
        audio = {"driver": "portaudio", "input": real_sound[0], "output": real_sound[1]}
    return Settings.model_validate(
        {
            "model": {"backend": "offline", "connection": "on_wake"},
            "audio": audio,
            "panel": {"kind": "none"},
            "control": {"enabled": False},
            # On a small or busy machine free speech is recognised slower than real time.
            "dialogue": {"response_timeout_s": 90},
        }
    )
