"""Actions that open the person's turn, move it, and end it by asking for an answer; typed requests, too."""

from speakerd.audio.events import WakeWordHeard
from speakerd.dialogue import commands
from speakerd.dialogue.actions import answer, hand, reports
from speakerd.dialogue.events import Ask
from speakerd.dialogue.microphone import uplink
from speakerd.dialogue.state import Turn
from speakerd.dialogue.transition import Transition
from speakerd.panel.types import Gesture


def _open(t: Transition, window_s: float, since: float | None) -> None:
    t.state.turn = Turn(since, window_until=t.now + window_s, limit_from=t.now)


def _began_at(t: Transition) -> float | None:
    """From when on a person may have spoken: the press, the end of the wake word, or now."""
    if isinstance(t.event, Gesture):
        return t.event.at if t.event.pressed_at is None else t.event.pressed_at
    return t.event.at if isinstance(t.event, WakeWordHeard) else None


def begin(t: Transition) -> None:
    """Open the first turn of a conversation. It comes before a typed request that waits."""
    reports.drop_text(t)
    t.state.hands_free = t.settings.mode == "conversation"
    _open(t, t.settings.listen_window_s, _began_at(t))
    if t.settings.sound_at_press or not isinstance(t.event, Gesture):
        t.out.append(commands.PlaySound("wake"))


def begin_early(t: Transition) -> None:
    """Open the first turn of a conversation, as asked for by a press during start-up, from that press on."""
    early = t.state.early_press
    begin(t)
    if early is not None:
        t.turn.since = early.at
        if t.state.hand.undecided:
            t.state.hand.press = "began"
        if early.talk:
            talk(t)
    hand.forget(t)


def take_floor(t: Transition) -> None:
    """Open a turn after an interruption of the answer. It comes before a typed request that waits."""
    reports.drop_text(t)
    if t.trigger in {"press", "wake", "talk_start"}:
        t.state.hands_free = t.settings.mode == "conversation"
    t.state.ending = False
    _open(t, t.settings.listen_window_s, _began_at(t))


def follow_up(t: Transition) -> None:
    """Open a turn after an answer, which is over."""
    answer.end_well(t)
    listen_on(t)


def listen_on(t: Transition) -> None:
    """Open the turn that follows an answer, at once or after an announcement."""
    _open(t, t.settings.follow_up_window_s, None)


def listen_again(t: Transition) -> None:
    """Open the turn anew, since what was taken for speech was none."""
    _open(t, t.settings.listen_window_s, None)


def open_window(t: Transition) -> None:
    """Give the person time to begin from now on; what was said while connecting counts."""
    t.turn.window_until = t.now + t.settings.listen_window_s
    if t.turn.heard:
        t.turn.heard_at = t.now


def pause(t: Transition) -> None:
    """Wait for speech to go on that was cut off, as if none had been heard yet."""
    t.turn.heard_at, t.turn.server_heard = None, False
    open_window(t)


def talk(t: Transition) -> None:
    """Make the turn push-to-talk: the hand ends it, and everything since the press belongs to it."""
    turn = t.turn
    turn.talking, turn.over_at = True, None
    t.state.hands_free = t.settings.follow_up_after_talk and t.settings.mode == "conversation"
    if isinstance(t.event, Gesture):
        turn.since = t.event.pressed_at
    if not turn.heard:
        turn.limit_from = t.now


def hear(t: Transition) -> None:
    """Record that speech is heard; the turn has not ended."""
    turn = t.turn
    if not turn.heard:
        turn.heard_at, turn.limit_from = t.now, t.now
    turn.over_at = None


def hear_by_server(t: Transition) -> None:
    """Record that the server hears speech."""
    hear(t)
    t.turn.server_heard = True


def stream(t: Transition) -> None:
    """Send everything from now on: the server hears speech that our gate took for ended, and must hear its end."""
    hear_by_server(t)
    t.turn.stream = True


def end(t: Transition) -> None:
    """End the turn, which cannot be committed yet."""
    t.turn.over_at, t.turn.talking = t.now, False


def discard(t: Transition) -> None:
    """Forget the turn and its sound, if one is open."""
    if t.state.turn is not None:
        t.out.append(commands.DiscardAudio(t.state.turn.sent))
    t.state.turn = None


def commit(t: Transition) -> None:
    """Send what was held of the turn, commit it, and expect an answer."""
    if uplink(t.state) == "hold":
        t.out.append(commands.SendHeld())
    t.out.append(commands.Commit())
    answer.expect(t)


def begin_text(t: Transition) -> None:
    """Begin a conversation by a typed request: nobody is to be listened to after its answer."""
    t.state.hands_free = False
    keep_text(t)


def keep_text(t: Transition) -> None:
    """Keep the typed request until it can be sent."""
    if isinstance(t.event, Ask):
        reports.drop_text(t)
        t.state.text = commands.SendText(t.event.text, request=t.event.request)


def send_text(t: Transition) -> None:
    """Send the typed request and expect an answer; a turn that is open is forgotten."""
    discard(t)
    if t.state.text is not None:
        t.out.append(t.state.text)
        reports.begun(t, t.state.text.request)
        t.state.text = None
    answer.expect(t)
