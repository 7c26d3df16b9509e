"""The settings of the running speaker: the one place through which its parts take new ones.

A part that is made from settings subscribes: it names the tables or keys it is made of, when it can take others,
and the method that takes them. It is asked once per change, and only if one of its own keys differs. Nothing else
in the daemon passes settings on, and nothing but a part keeps a copy of them, so that no reload can be missed.

A part takes new settings at one of two moments (`config.diff.WHEN` promises which):

- `live`: at once, also in the middle of an answer;
- `between_turns`: when no conversation is going on, so that nobody hears it.

The next step is to let a part try its new settings before any other takes them: `SettingsSubscription.take` is
the place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from speakerd.config.show import values

if TYPE_CHECKING:
    from collections.abc import Callable

    from speakerd.config.settings import Settings

Moment = Literal["live", "between_turns"]


@dataclass(slots=True)
class SettingsSubscription:
    """What one part is made of, and how it takes other settings."""

    keys: tuple[str, ...]
    """Tables ("audio") or single keys ("audio.gate.hangover_ms"), dotted."""
    but: tuple[str, ...]
    """Keys or tables of those that the part does not read."""
    moment: Moment
    take: Callable[[Settings], None]
    made_of: Settings
    """What it took last."""

    def reads(self, key: str) -> bool:
        """Whether the part is made of the setting `key`."""
        return _within(key, self.keys) and not _within(key, self.but)


class LiveSettings:
    """Hands new settings to the parts that are made of them. Event loop only."""

    def __init__(self, settings: Settings) -> None:
        self.latest = settings
        """The newest settings that were accepted. A part may still be made of older ones until it can take them."""
        self._subscriptions: list[SettingsSubscription] = []

    def subscribe(
        self,
        *keys: str,
        take: Callable[[Settings], None],
        but: tuple[str, ...] = (),
        moment: Moment = "between_turns",
    ) -> Settings:
        """Register a part; return the settings to make it of.

        Args:
            keys: Tables or single keys that the part is made of, dotted.
            take: Called with all settings when one of those keys has changed. In the order of subscription.
            but: Keys or tables within `keys` that it does not read.
            moment: When it may be called.
        """
        self._subscriptions.append(SettingsSubscription(keys, but, moment, take, self.latest))
        return self.latest

    def readers(self, key: str) -> tuple[SettingsSubscription, ...]:
        """The subscriptions of all parts that are made of the setting `key`."""
        return tuple(subscription for subscription in self._subscriptions if subscription.reads(key))

    def change(self, settings: Settings) -> None:
        """Accept new settings. Parts that can take them at once do; the others wait for `between_turns`."""
        self.latest = settings
        self._hand_out("live")

    def between_turns(self) -> None:
        """No conversation is going on: parts that waited for this take the newest settings. Cheap to call often."""
        self._hand_out("between_turns")

    def _hand_out(self, moment: Moment) -> None:
        for subscription in self._subscriptions:
            before = subscription.made_of
            if subscription.moment != moment or before is self.latest:
                continue
            subscription.made_of = self.latest
            old, new = values(before), values(self.latest)
            if any(old[key] != new[key] for key in new if subscription.reads(key)):
                subscription.take(self.latest)


def _within(key: str, tables: tuple[str, ...]) -> bool:
    return any(key == table or key.startswith(f"{table}.") for table in tables)
