"""Actions about announcements: words that are spoken exactly, once, in order, at a fitting moment."""

from speakerd.dialogue import commands
from speakerd.dialogue.actions import answer, reports
from speakerd.dialogue.events import AnnouncementEnded, Say
from speakerd.dialogue.state import Announcement, Answer
from speakerd.dialogue.transition import Transition


def queue(t: Transition) -> None:
    """Let an announcement wait for its moment, which may be now."""
    if isinstance(t.event, Say):
        until = t.now + t.settings.announcement_wait_s
        waiting = Announcement(t.event.text, t.event.chime, t.event.request, until)
        t.state.announcements = (*t.state.announcements, waiting)


def _next(t: Transition) -> Announcement:
    first, *others = t.state.announcements
    t.state.announcements = tuple(others)
    return first


def begin(t: Transition) -> None:
    """Speak the next one by the local voice."""
    answer.trust(t)
    announced = _next(t)
    t.state.announced = announced
    t.state.answer = Answer(progress_at=t.now, asked=False, playing=True)
    t.out.append(commands.Announce(announced.text, announced.chime))
    if announced.request:
        t.out.append(commands.RequestReport(announced.request, "begun"))


def hand_to_model(t: Transition) -> None:
    """Let the model speak the next one, as soon as it can be asked."""
    announced = _next(t)
    if announced.chime:
        t.out.append(commands.PlaySound("announcement"))
    t.state.text = commands.SendText(announced.text, "say", announced.request)


def over(t: Transition) -> None:
    """Record that the one that was heard is over."""
    announced = _leave(t)
    problem = t.event.problem if isinstance(t.event, AnnouncementEnded) else ""
    if announced is not None and problem:
        _fail(t, announced, problem, fault=True)
    elif announced is not None:
        reports.done(t, announced.request)


def silence(t: Transition) -> None:
    """Cut off the one that is heard; those that wait come later."""
    t.out.append(commands.HushAnnouncement())
    announced = _leave(t)
    if announced is not None:
        _fail(t, announced, reports.cause(t.trigger))


def give_up(t: Transition) -> None:
    """Wait no longer for the end of the one that is heard."""
    t.out.append(commands.HushAnnouncement())
    announced = _leave(t)
    if announced is not None:
        _fail(t, announced, "its sound did not end in time", fault=True)


def silence_all(t: Transition) -> None:
    """Cut off the one that is heard, and drop those that wait: a person wants quiet."""
    silence(t)
    drop_all(t)


def drop_all(t: Transition) -> None:
    """Drop those that wait, and the one that is heard: the daemon fades it. Not more than a report of each."""
    announced = _leave(t)
    for dropped in (*(() if announced is None else (announced,)), *t.state.announcements):
        _fail(t, dropped, reports.cause(t.trigger))
    t.state.announcements = ()


def _fail(t: Transition, announced: Announcement, reason: str, *, fault: bool = False) -> None:
    reports.failed(t, announced.request, reason)
    t.out.append(commands.Log("announcement_failed", {"reason": reason}, problem=fault))


def _leave(t: Transition) -> Announcement | None:
    announced, t.state.announced = t.state.announced, None
    if announced is not None:
        answer.trust(t)
        t.state.answer = None
    return announced


def expire(t: Transition) -> None:
    """Drop those that have waited for too long."""
    late = tuple(waiting for waiting in t.state.announcements if waiting.until <= t.now)
    if not late:
        return
    t.state.announcements = tuple(waiting for waiting in t.state.announcements if waiting.until > t.now)
    for waiting in late:
        _fail(t, waiting, f"no fitting moment came within {t.settings.announcement_wait_s:g} s", fault=True)
