"""What is known of models: whether one in use will soon be gone, and what takes its place."""

import datetime as dt
from pathlib import Path
from typing import Self

import pytest

from speakerd.cli import main
from speakerd.config import retirement
from speakerd.config.catalogue import NOTICE_DAYS, catalogue, merged, retiring
from speakerd.config.errors import ConfigErrors, Problem
from speakerd.config.load import read_text
from speakerd.config.model_settings import ModelSettings
from speakerd.config.retirement import SHIPPED, retirements
from speakerd.config.validate import parse

ROWS = catalogue(parse(SHIPPED.read_text("utf-8"), SHIPPED))
END = dt.date(2027, 1, 20)
DAY = dt.timedelta(days=1)
OLD = '[model]\nvoice = "marin"\nmodel = "gpt-realtime"\n'


def told(text: str, today: dt.date, file: Path | None = None) -> list[Problem]:
    return retirements(read_text(text, file or Path("x.toml")), file, today)


def test_the_default_models_are_not_about_to_end() -> None:
    assert not list(retiring(ModelSettings(), ROWS, dt.date.max))


def test_a_model_is_warned_of_from_ninety_days_before_its_end() -> None:
    assert not told(OLD, END - (NOTICE_DAYS + 1) * DAY)
    (problem,) = told(OLD, END - NOTICE_DAYS * DAY)
    assert (problem.key, problem.line, problem.severity) == ("model.model", 3, "warning")
    assert "gpt-realtime ends on 20 January 2027, in 90 days" in problem.what
    assert problem.cure == "Its successor: sudo speakerd set model.model gpt-realtime-2.1"


@pytest.mark.parametrize("days", [0, 1, 400])
def test_a_model_that_has_ended_is_told_as_such_and_the_file_stays_valid(days: int) -> None:
    (problem,) = told(OLD, END + days * DAY)
    assert "was to end on 20 January 2027" in problem.what
    assert problem.severity == "warning"


def test_both_models_of_a_file_are_looked_at() -> None:
    text = OLD + 'transcription = "gpt-4o-mini-transcribe"\n'
    assert [problem.key for problem in told(text, END)] == ["model.model", "model.transcription"]


@pytest.mark.parametrize(
    "other",
    [
        'url = "wss://home.example/v1/realtime"',
        'backend = "offline"',
        'url = "wss://notapi.openai.com.example/x"',
    ],
)
def test_another_server_has_models_of_its_own(other: str) -> None:
    assert not told(OLD + other + "\n", END)


def test_the_row_of_a_household_takes_the_place_of_ours_and_adds_servers(tmp_path: Path) -> None:
    file = tmp_path / "speakerd.toml"
    (tmp_path / "models.toml").write_text(
        """
[[models]]
server = "api.openai.com"
name = "gpt-realtime"
use = "voice"
as_of = 2027-01-01
source = "they changed their mind"

[[models]]
server = "home.example"
name = "small"
use = "voice"
as_of = 2027-01-01
source = "me"
shutdown = 2027-01-21
"""
    )
    assert not told(OLD, END, file)
    text = '[model]\nurl = "wss://voice.home.example/v1/realtime"\nmodel = "small"\n'
    (problem,) = told(text, END, file)
    assert "small ends on 21 January 2027, in 1 day, as known on 1 January 2027 (me)" in problem.what
    assert "No successor is known" in problem.cure


@pytest.mark.parametrize(
    ("text", "line", "key", "words"),
    [
        ("[[models]]\nname = 3\n", 2, "models.0.name", "string"),
        ('[[models]]\nserver = "a"\ncolour = "b"\n', 3, "models.0.colour", ""),
        ("[[models\n", 1, "models.0", "not closed"),
    ],
)
def test_a_mistake_in_it_is_told_with_its_line_and_ours_counts(
    tmp_path: Path, text: str, line: int, key: str, words: str
) -> None:
    own = tmp_path / "models.toml"
    own.write_text(text)
    problems = told(OLD, END, tmp_path / "speakerd.toml")
    assert any((p.file, p.line, p.key) == (own, line, key) and words in p.what for p in problems)
    assert all(problem.severity == "warning" for problem in problems)
    assert problems[-1].key == "model.model"


def test_our_own_row_is_replaced_by_server_and_name() -> None:
    assert merged(ROWS, ROWS) == ROWS


def test_rows_name_successors_that_there_are() -> None:
    names = {row.name: row for row in ROWS}
    for row in ROWS:
        if row.successor:
            assert names[row.successor].shutdown is None
            assert names[row.successor].use == row.use


def test_a_catalogue_of_another_shape_is_refused_as_a_whole() -> None:
    with pytest.raises(ConfigErrors):
        catalogue(parse("colour = 3"))


class _TwentyFirst(dt.datetime):
    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> Self:
        return cls(2027, 1, 21, tzinfo=tz)


@pytest.mark.parametrize("command", [["check", "--no-key"], ["set", "--config"]])
def test_on_the_day_after_the_commands_say_what_to_do_and_succeed(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "speakerd.toml"
    file.write_text("[panel.button]\npin = 17\n" + OLD)
    monkeypatch.setattr(dt, "datetime", _TwentyFirst)
    rest = ["model.speed", "1.2"] if command[0] == "set" else []
    code = main([*command, str(file), *rest])
    assert code == 0
    assert "sudo speakerd set model.model gpt-realtime-2.1" in capsys.readouterr().err


def test_the_catalogue_comes_along_with_the_package() -> None:
    assert retirement.SHIPPED.parent == Path(retirement.__file__).parent
