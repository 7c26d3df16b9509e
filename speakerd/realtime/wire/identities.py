"""An identity for whatever a server names badly.

Playback, history, tools and whoever reads the events tell responses, items and calls apart by their ids. Some
servers leave an id out, or use one again for something else: what was cut once would then be cut for ever, and what
was answered once never be answered again. So where the server's id is missing or was used before in the
conversation, an id made here takes its place on this side of the wire, and the server's own goes back to it.

Where the server's id is there and new, it is kept. Pure and bounded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from speakerd.realtime.bounded import BoundedDict, BoundedSet

if TYPE_CHECKING:
    from collections.abc import Callable

Name: TypeAlias = str | int
"""What tells one thing from the others of its response: the server's id of it, or the place where it stands."""

Names: TypeAlias = BoundedDict[Name, str]
"""The ids on this side, by name."""


class Identities:
    """The ids of one kind of thing, in one conversation.

    Args:
        make: Makes an id that no server has used.
    """

    def __init__(self, make: Callable[[], str]) -> None:
        self._make = make
        self._used: BoundedSet[str] = BoundedSet()
        self._theirs: BoundedDict[str, str] = BoundedDict()
        self.newest: Names = BoundedDict()
        """The latest that had each name, on this connection."""

    def of(self, names: Names, theirs: str, place: Name) -> str:
        """Return the id of what the server calls `theirs`, "" if it has no id, and which stands at `place`.

        `names` are those of the response that it belongs to; a new one is added.
        """
        ours = names.get(theirs or place)
        if ours is not None:
            return ours
        known = names.get(place)
        if known is None or self._theirs.get(known):
            ours = self.begin(theirs)
        else:  # It had no id so far.
            ours, self._theirs[known] = known, theirs
        for name in (theirs or place, place):
            names[name] = self.newest[name] = ours
        return ours

    def begin(self, theirs: str) -> str:
        """Return the id of something new that the server calls `theirs`, "" if it has no id."""
        ours = theirs if theirs and self._used.add(theirs) else self._make()
        self._theirs[ours] = theirs
        if theirs:
            self.newest[theirs] = ours
        return ours

    def latest(self, theirs: str) -> str:
        """Return the id of the latest thing that the server calls so; `theirs` itself if there is none yet."""
        return self.newest.get(theirs, theirs)

    def is_ambiguous(self, theirs: str) -> bool:
        """Return whether the server may mean something older by that id than the latest that had it."""
        return self.newest.get(theirs, theirs) != theirs

    def theirs(self, ours: str) -> str:
        """Return what the server calls the thing of that id; "" if it has no id there."""
        return self._theirs.get(ours, ours)

    def connected(self) -> None:
        """A new session begins: what is sent again in it has its id on both sides, and what comes in it is new."""
        self._theirs.clear()
        self.newest.clear()
