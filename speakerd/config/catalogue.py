"""What is known of models from outside: until when a server has them, what takes their place, what they cost. Pure.

The rows are data in a TOML file; `retiring` compares them with the settings and a day.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from annotated_types import Ge
from pydantic import TypeAdapter, ValidationError

from speakerd.config.errors import ConfigErrors, Problem
from speakerd.config.line_numbers import line_of
from speakerd.config.model_settings import ModelSettings
from speakerd.config.validate import Document

NOTICE_DAYS = 90
"""From so many days before its end on, a model is warned of."""

TokenKind = Literal[
    "text_in",
    "text_cached",
    "text_out",
    "audio_in",
    "audio_cached",
    "audio_out",
    "image_in",
    "image_cached",
]
Price = Annotated[float, Ge(0)]


@dataclass(frozen=True, slots=True)
class CatalogueModel:
    """One model of one server, as published on one day."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    server: str
    """Host of `model.url`, or the domain that it is in."""
    name: str
    use: Literal["voice", "transcription"]
    as_of: dt.date
    """The day on which this was so."""
    source: str
    """Who says it."""
    shutdown: dt.date | None = None
    """The day from which it is refused; None if none is announced."""
    successor: str = ""
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    usd_per_million: dict[TokenKind, Price] = field(default_factory=dict)
    """US dollars for a million tokens, by kind."""
    usd_per_minute: Price | None = None
    """US dollars for a minute of sound."""


@dataclass(frozen=True, slots=True)
class Retirement:
    """A model in use that ends, or has ended: the setting that names it, what is the case, and what to do."""

    key: str
    what: str
    cure: str


def catalogue(document: Document) -> tuple[CatalogueModel, ...]:
    """Return the rows of a file.

    Raises:
        ConfigErrors: every mistake in it, with file and line.
    """
    try:
        rows = _ROWS.validate_python(document.data)
    except ValidationError as error:
        raise ConfigErrors(
            [_problem(document, item["loc"], item["msg"]) for item in error.errors()]
        ) from None
    return tuple(rows.models)


def merged(own: Iterable[CatalogueModel], below: Iterable[CatalogueModel]) -> tuple[CatalogueModel, ...]:
    """Return the rows of both; of two with the same server and name, the own one."""
    return tuple({(row.server, row.name): row for row in (*below, *own)}.values())


def retiring(model: ModelSettings, rows: Sequence[CatalogueModel], today: dt.date) -> Iterator[Retirement]:
    """Yield what ends within `NOTICE_DAYS`, or has ended, of the models that the settings name."""
    if model.backend == "offline":
        return
    named = {
        "model.model": (model.model, "voice"),
        "model.transcription": (model.transcription, "transcription"),
    }
    for key, (name, use) in named.items():
        row = next(
            (row for row in rows if row.name == name and row.use == use and _serves(row, model.url)), None
        )
        if row is None or row.shutdown is None or (row.shutdown - today).days > NOTICE_DAYS:
            continue
        yield Retirement(key, _told(row, row.shutdown, today), _cure(key, row))


def _serves(row: CatalogueModel, url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    return host == row.server or host.endswith(f".{row.server}")


def _told(row: CatalogueModel, end: dt.date, today: dt.date) -> str:
    days, day = (end - today).days, f"{end.day} {end:%B %Y}"
    source = f"as known on {row.as_of.day} {row.as_of:%B %Y} ({row.source})"
    if days <= 0:
        return f"{row.name} was to end on {day}, {source}; the server may refuse it"
    return f"{row.name} ends on {day}, in {days} day{'' if days == 1 else 's'}, {source}"


def _cure(key: str, row: CatalogueModel) -> str:
    if row.successor:
        return f"Its successor: sudo speakerd set {key} {row.successor}"
    none = " Or leave it empty, for no captions." if row.use == "transcription" else ""
    return f"No successor is known here; see what {row.server} offers.{none}"


@dataclass(frozen=True, slots=True)
class _Rows:
    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    models: list[CatalogueModel] = field(default_factory=list)


_ROWS = TypeAdapter(_Rows)


def _problem(document: Document, where: tuple[int | str, ...], what: str) -> Problem:
    path = tuple(map(str, where))
    return Problem(document.file, line_of(document.places, path), ".".join(path), what[:1].lower() + what[1:])
