"""What each gesture does, in words: the table for the README and for `speakerd lights`."""

from speakerd.panel.settings import ButtonSettings, GestureSettings, HoldAction

_ACTIONS: dict[HoldAction, str] = {
    "conversation": (
        "starts a conversation (it listens from the moment of the press); while it listens: ends it; "
        "while it speaks: interrupts; while a timer rings: silences it"
    ),
    "talk": "push-to-talk: it listens from the moment of the press, and answers when you let go",
    "mute": "mutes, and the next time unmutes; muted, nothing leaves the box",
    "stop": "silences everything and ends the conversation",
    "none": "nothing",
}


def table_markdown(gestures: GestureSettings | None = None, button: ButtonSettings | None = None) -> str:
    """The gesture table with these settings; inputs that `button` does not name are left out."""
    gestures, button = gestures or GestureSettings(), button or ButtonSettings()
    rows: list[tuple[str, str]] = [
        ("press", _ACTIONS[gestures.press]),
        (f"hold (longer than {gestures.hold_ms / 1000:g} s)", _ACTIONS[gestures.hold]),
        (f"press twice (within {gestures.double_tap_ms / 1000:g} s)", _ACTIONS[gestures.double]),
        (f"hold for {gestures.long_ms / 1000:g} s", _ACTIONS[gestures.long]),
    ]
    if button.mute_switch_pin != "":
        rows.append(("mute switch on", "mutes, and no press changes that, until it is off"))
    if button.volume_up_pin != "":
        rows.append(("volume up", "louder; held, it repeats"))
    if button.volume_down_pin != "":
        rows.append(("volume down", "softer; held, it repeats"))
    body = "".join(f"| {gesture} | {effect} |\n" for gesture, effect in rows)
    return f"| gesture | what it does |\n| --- | --- |\n{body}"
