"""Settings of the dialogue (`[dialogue]`): the manners of a conversation.

What each gesture means is in `[panel.gestures]`, who ends a turn and when it is connected in `[model]`.
"""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Le

Seconds = Annotated[float, Ge(0.5), Le(3600)]


@dataclass(frozen=True, slots=True)
class DialogueSettings:
    """`[dialogue]`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    mode: Literal["conversation", "one_shot"] = "conversation"
    """conversation: after an answer it listens once more by itself. one_shot: each question needs a press."""
    listen_window_s: Seconds = 10.0
    """After a press or the wake word: if nobody speaks for this long, it stops listening."""
    follow_up_window_s: Seconds = 7.0
    """After an answer: how long it listens for the next question before it stops."""
    follow_up_after_talk: bool = False
    """Also after a question asked by push-to-talk. Off: whoever holds the button decides when it listens."""
    turn_limit_s: Annotated[float, Ge(5), Le(3600)] = 120.0
    """The longest turn, also by push-to-talk; then it is answered. Nothing stays open for ever."""

    sound_at_press: bool = False
    """A sound also when a press starts to listen (the wake word always has one). Off: the light is enough,
    and nothing covers the first word."""
    press_while_listening: Literal["end", "send"] = "end"
    """end: a press ends the conversation. send: what was said so far is answered; if nothing was, it ends."""
    press_while_answering: Literal["listen", "end"] = "listen"
    """A press while it thinks or speaks interrupts it at once, and then: listen to what comes, or end."""
    press_while_muted: Literal["refuse", "unmute"] = "refuse"
    """refuse: only what muted can unmute. unmute: a press is as good; the mute switch is always obeyed."""
    speech_while_thinking: Literal["listen", "ignore"] = "listen"
    """listen: who goes on speaking before the answer sounds takes the turn back."""
    mute_while_answering: Literal["stop", "finish"] = "stop"
    """stop: muting ends the answer too. finish: it is heard to its end; the microphone is shut at once."""
    text_while_muted: bool = False
    """Whether `speakerd ctl ask` still reaches the model while muted. Off: nothing leaves at all."""
    start_muted: bool = False
    """On: the microphone is shut from the start until someone unmutes."""
    remember_press_s: Annotated[float, Ge(0), Le(300)] = 20.0
    """A press during start-up counts when it is ready, if that is no more than this later. 0: it never does."""

    connect_timeout_s: Seconds = 10.0
    """Speech is kept for this long while it connects; then it says that it is offline."""
    response_timeout_s: Seconds = 20.0
    """Silence of the model, while an answer is due, that counts as an error."""
    tool_timeout_s: Seconds = 120.0
    """The same while a tool runs; tools have time limits of their own, this one is behind them."""
    server_start_limit_s: Seconds = 5.0
    """Server turns: speech here that the server does not notice within this time was none; it is discarded."""
    playback_limit_s: Annotated[float, Ge(10), Le(7200)] = 900.0
    """The longest a complete answer may take to be played; beyond, the sound device is taken to hang."""

    announcement_voice: Literal["local", "model"] = "local"
    """Who speaks what `speakerd ctl say` is given. local: espeak-ng, exactly these words, without a network, at no
    cost, muted or not. model: the voice of the conversation, which is asked for these words and paid for."""
    announcement_wait_s: Annotated[float, Ge(1), Le(86_400)] = 300.0
    """An announcement that finds no moment for this long (somebody talks, no loudspeaker) is dropped."""
    working_every_s: Annotated[float, Ge(1), Le(600)] = 8.0
    """A tool that runs for this long has a sound say that it is at work, and again each time after."""

    approval_press: Literal["approve", "reject", "none"] = "approve"
    """A tool waits for a yes: what a short press says. It is heard on release, never at the press."""
    approval_hold: Literal["approve", "reject", "none"] = "reject"
    """What holding the button says then."""
    approval_double: Literal["approve", "reject", "none"] = "reject"
    """What a double press says then."""
    approval_timeout_s: Seconds = 30.0
    """A tool not approved for this long is refused."""

    ring_every_s: Annotated[float, Ge(0.5), Le(60)] = 2.5
    """Time from one ring of a timer to the next."""
    ring_limit_s: Annotated[float, Ge(1), Le(3600)] = 300.0
    """A timer that nobody silences stops ringing after this."""
    error_shown_s: Annotated[float, Ge(0.5), Le(3600)] = 8.0
    """How long the light shows an error that has passed; one that lasts is shown while it lasts."""
