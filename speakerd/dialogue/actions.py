"""The actions that rows of the table name. The only code that writes to the state.

Those about faults, flags and devices are in `actions_beside`; here is what moves a conversation.
"""

from collections.abc import Callable
from typing import Final, TypeAlias

from speakerd.audio.events import WakeWordHeard
from speakerd.dialogue import commands
from speakerd.dialogue.events import Ask, ResponseEnded, ResponseStarted, Say
from speakerd.dialogue.posture import uplink
from speakerd.dialogue.scene import Scene
from speakerd.panel.types import Gesture

Action: TypeAlias = Callable[[Scene], None]

_MAX_TOOLS: Final = 1000
"""More tools at once are not counted: a bound, not a rule."""


# -- the person's turn --------------------------------------------------------------------------------------


def _open_turn(s: Scene, window_s: float, since: float | None) -> None:
    st = s.state
    st.turn, st.since = True, since
    st.turn_at, st.window_until = s.now, s.now + window_s
    st.talking = st.heard = st.server_heard = st.stream = st.turn_over = st.sent = False


def _close_turn(s: Scene) -> None:
    st = s.state
    st.turn = st.talking = st.heard = st.server_heard = st.stream = st.turn_over = st.sent = False
    st.since = None


def _began_at(s: Scene) -> float | None:
    """From when on a person may have spoken: the press, the end of the wake word, or now."""
    if isinstance(s.event, Gesture):
        return s.event.at if s.event.pressed_at is None else s.event.pressed_at
    return s.event.at if isinstance(s.event, WakeWordHeard) else None


def begin(s: Scene) -> None:
    """Somebody wants to be heard; a voice in the room comes before text that waits."""
    s.state.text = None
    s.state.hands_free = s.settings.mode == "conversation"
    _open_turn(s, s.settings.listen_window_s, _began_at(s))
    if s.settings.sound_at_press or not isinstance(s.event, Gesture):
        s.out.append(commands.PlaySound("wake"))


def begin_wanted(s: Scene) -> None:
    """As a press said that was made during start-up."""
    st = s.state
    begin(s)
    st.since = st.wanted_at
    if st.press_open:
        st.press = "began"
    if st.wanted_talk:
        talk(s)
    forget(s)


def take_floor(s: Scene) -> None:
    """A new turn, after an interruption."""
    st = s.state
    if s.trigger in {"press", "start", "talk_start"}:
        st.hands_free = s.settings.mode == "conversation"
    st.ending = False
    _open_turn(s, s.settings.listen_window_s, _began_at(s))


def follow_up(s: Scene) -> None:
    """A new turn, after an answer."""
    trust(s)
    s.state.sounded = s.state.failed = False
    _open_turn(s, s.settings.follow_up_window_s, None)


def listen_again(s: Scene) -> None:
    """What was taken for speech was none."""
    _open_turn(s, s.settings.listen_window_s, None)


def open_window(s: Scene) -> None:
    """Wait for speech from now on; what was said while connecting counts."""
    s.state.window_until = s.now + s.settings.listen_window_s
    s.state.heard_at = s.now


def pause(s: Scene) -> None:
    """Speech was cut off by our own sound: it may go on."""
    s.state.heard = s.state.server_heard = False
    open_window(s)


def talk(s: Scene) -> None:
    """Push-to-talk: the hand ends the turn, and everything since the press belongs to it."""
    st = s.state
    st.talking, st.turn_over = True, False
    st.hands_free = s.settings.follow_up_after_talk and s.settings.mode == "conversation"
    if isinstance(s.event, Gesture):
        st.since = s.event.pressed_at
    if not st.heard:
        st.turn_at = s.now


def hear(s: Scene) -> None:
    """Speech."""
    st = s.state
    if not st.heard:
        st.heard, st.heard_at, st.turn_at = True, s.now, s.now
    st.turn_over = False


def hear_by_server(s: Scene) -> None:
    """The server hears it too."""
    hear(s)
    s.state.server_heard = True


def stream(s: Scene) -> None:
    """The server hears speech that we took for ended: it must hear on, or it waits for ever."""
    hear_by_server(s)
    s.state.stream = True


def end_turn(s: Scene) -> None:
    """The turn is over, but cannot be committed yet."""
    s.state.turn_over, s.state.over_at, s.state.talking = True, s.now, False


def discard(s: Scene) -> None:
    """Forget the turn."""
    if s.state.turn:
        s.out.append(commands.DiscardAudio(s.state.sent))
    _close_turn(s)


# -- asking -------------------------------------------------------------------------------------------------


def _ask(s: Scene) -> None:
    st = s.state
    _close_turn(s)
    st.asked, st.progress_at = True, s.now
    st.more_due = st.sounded = st.failed = st.sound_due = False


def commit(s: Scene) -> None:
    """The turn is over: the answer, please."""
    if uplink(s.state) == "hold":
        s.out.append(commands.SendHeld())
    s.out.append(commands.Commit())
    _ask(s)


def await_answer(s: Scene) -> None:
    """The turn is over, said the server, and answers by itself."""
    _ask(s)


def yield_floor(s: Scene) -> None:
    """The server speaks unasked, while nobody else does: after a tool, or because it was quiet for long."""
    _ask(s)
    s.state.asked = False


def begin_text(s: Scene) -> None:
    """A conversation by text: nobody is to be listened to."""
    s.state.hands_free = False
    keep_text(s)


def keep_text(s: Scene) -> None:
    """Keep what is to be asked."""
    if isinstance(s.event, Ask | Say):
        s.state.text = commands.SendText(s.event.text, "ask" if isinstance(s.event, Ask) else "say")


def send_text(s: Scene) -> None:
    """Ask it."""
    if s.state.turn:
        discard(s)
    if s.state.text is not None:
        s.out.append(s.state.text)
        s.state.text = None
    _ask(s)


# -- the answer ---------------------------------------------------------------------------------------------


def interrupt(s: Scene) -> None:
    """End the answer, silence what is queued, and forget that anything was due."""
    st = s.state
    s.out.append(commands.Interrupt())
    trust(s)
    reject_all(s, "interrupted")
    # The one that was interrupted before it began has now begun, and is the one that is interrupted here.
    st.stale_due = (st.stale_due or st.asked) and s.trigger != "response_started"
    st.asked = st.more_due = st.sound_due = st.playing = st.failed = st.sounded = False
    st.response_id, st.tools, st.silenced_at = None, 0, s.now


def adopt(s: Scene) -> None:
    """This response is the answer, or the next part of it."""
    st = s.state
    if isinstance(s.event, ResponseStarted):
        st.response_id = s.event.response_id
    st.asked = st.more_due = st.sound_due = st.response_sounded = False
    st.progress_at = s.now
    st.faults = tuple(fault for fault in st.faults if fault.kind != "account")


def over(s: Scene) -> None:
    """It has been generated."""
    st = s.state
    st.response_id, st.progress_at, st.stale_due = None, s.now, False
    if isinstance(s.event, ResponseEnded):
        st.more_due = s.event.tool_calls > 0
        st.sound_due = s.event.had_audio and not st.response_sounded
        st.failed = s.event.status == "failed"


def await_other(s: Scene) -> None:
    """It was the one interrupted before it began; ours is still due."""
    s.state.response_id, s.state.asked, s.state.stale_due, s.state.progress_at = None, True, False, s.now


def await_more(s: Scene) -> None:
    """A tool's result will be answered."""
    trust(s)
    s.state.progress_at = s.now


def sound(s: Scene) -> None:
    """It is heard."""
    st = s.state
    st.playing = st.sounded = st.response_sounded = True
    st.asked = st.sound_due = False
    st.progress_at = s.now


def drained(s: Scene) -> None:
    """What has come so far has been heard."""
    s.state.playing = s.state.sound_due = False
    s.state.progress_at = s.now


def give_up(s: Scene) -> None:
    """No more will come; what has come may be heard to its end."""
    st = s.state
    reject_all(s, "the connection was lost")
    st.response_id, st.tools = None, 0
    st.asked = st.more_due = st.stale_due = False


def mark_failed(s: Scene) -> None:
    """Say so when what has come has been heard."""
    s.state.failed = True


def mark_ending(s: Scene) -> None:
    """It is the last answer."""
    s.state.ending = True


def tool_started(s: Scene) -> None:
    """An answer to its result will follow."""
    s.state.tools = min(s.state.tools + 1, _MAX_TOOLS)
    s.state.more_due, s.state.progress_at = True, s.now


def tool_ended(s: Scene) -> None:
    """So it will, now."""
    s.state.tools -= 1
    s.state.progress_at = s.now


def suspect(s: Scene) -> None:
    """Somebody may be speaking over it."""
    s.state.suspected = True
    s.out.append(commands.Duck())


def trust(s: Scene) -> None:
    """Nobody is."""
    if s.state.suspected:
        s.state.suspected = False
        s.out.append(commands.Restore())


# -- approvals, as far as the answer depends on them --------------------------------------------------------


def reject_all(s: Scene, reason: str) -> None:
    """Nobody will say yes any more."""
    for approval in s.state.approvals:
        s.out.append(commands.Reject(approval.call_id, reason))
    s.state.approvals = ()


# -- the end ------------------------------------------------------------------------------------------------


def conclude(s: Scene) -> None:
    """What every way to `idle` does: forget the conversation, let go of what it held."""
    st = s.state
    discard(s)
    trust(s)
    reject_all(s, "the conversation was ended")
    st.hands_free = st.ending = st.failed = st.sounded = st.sound_due = st.more_due = st.asked = False
    st.text, st.response_id, st.tools = None, None, 0
    if not s.warm:
        st.connected = st.stale_due = False
        s.out.append(commands.Disconnect())


def leave(s: Scene) -> None:
    """The process ends: as `conclude`, and no timer rings."""
    st = s.state
    trust(s)
    reject_all(s, "the speaker is being switched off")
    _close_turn(s)
    st.ringing, st.text, st.press, st.connected = (), None, "none", False
    forget(s)
    s.out.append(commands.Disconnect())


def forget(s: Scene) -> None:
    """A press during start-up no longer counts."""
    s.state.wanted_at, s.state.wanted_talk = None, False


CONVERSATION_ACTIONS: Final[dict[str, Action]] = {
    action.__name__: action
    for action in (
        begin,
        begin_wanted,
        take_floor,
        follow_up,
        listen_again,
        open_window,
        pause,
        talk,
        hear,
        hear_by_server,
        stream,
        end_turn,
        discard,
        commit,
        await_answer,
        yield_floor,
        begin_text,
        keep_text,
        send_text,
        interrupt,
        adopt,
        over,
        await_other,
        await_more,
        sound,
        drained,
        give_up,
        mark_failed,
        mark_ending,
        tool_started,
        tool_ended,
        suspect,
        trust,
        leave,
        forget,
    )
}
