"""Warns of settings that the server they name cannot follow, as far as is known of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from speakerd.config.errors import Problem
from speakerd.daemon.model_config import compromises

if TYPE_CHECKING:
    from speakerd.config.load import Loaded


def server_limits(loaded: Loaded) -> list[Problem]:
    """Return a warning for each setting of `[model]` that the server cannot follow: what is the case instead."""
    problems = []
    for found in compromises(loaded.settings.model):
        where, line = loaded.place(found.key)
        problems.append(Problem(where, line, found.key, found.what, cure=found.cure, severity="warning"))
    return problems
