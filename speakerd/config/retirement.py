"""Warns of models that a server will no longer have, by the catalogue that comes along and the household's own."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

from speakerd.config.catalogue import catalogue, merged, retiring
from speakerd.config.errors import ConfigErrors, ConfigFileError, Problem
from speakerd.config.load import Loaded, file_text
from speakerd.config.validate import parse

SHIPPED = Path(__file__).with_name("models.toml")
OWN_NAME = "models.toml"
"""The household's own rows stand beside its configuration, under this name."""


def retirements(loaded: Loaded, file: Path | None, today: dt.date) -> list[Problem]:
    """Return a warning for each model in use that ends within 90 days, or has ended.

    A mistake in the household's own catalogue is one, too; the rows that come along are then used alone.

    Args:
        loaded: the settings in question.
        file: the file that they are from; its own catalogue stands beside it. None: there is none.
        today: the day to compare with.
    """
    rows, problems = catalogue(parse(file_text(SHIPPED), SHIPPED)), []
    own = file.with_name(OWN_NAME) if file else None
    if own and own.exists():
        try:
            rows = merged(catalogue(parse(file_text(own), own)), rows)
        except ConfigErrors as errors:
            problems += [replace(problem, severity="warning") for problem in errors.problems]
        except ConfigFileError as error:
            problems.append(Problem(own, None, "", str(error), severity="warning"))
    for found in retiring(loaded.settings.model, rows, today):
        where, line = loaded.place(found.key)
        problems.append(Problem(where, line, found.key, found.what, cure=found.cure, severity="warning"))
    return problems
