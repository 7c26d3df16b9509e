import io
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from speakerd.host.journal import Journal, fields, is_journal, journal_handler
from speakerd.host.log_filters import Redactor, RepeatLimit
from speakerd.host.secret import Secret

KEY = "sk-proj-0123456789abcdefABCDEF"
log = logging.getLogger("speakerd.test_room.part")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def out(clock: Clock) -> Iterator[io.StringIO]:
    stream = io.StringIO()
    journal = Journal(burst=2, window_s=10, environment={}, stream=stream, clock=clock)
    journal.redactor.add(Secret("hunter2hunter2"))
    yield stream
    journal.close()


def test_a_line_for_the_eye_has_time_room_and_message_and_no_fields(out: io.StringIO) -> None:
    log.info("answered", extra=fields(event="turn", latency_ms=430, nothing=None))
    line = out.getvalue()
    assert line[2] == line[5] == ":"
    assert line[8:] == " test_room: answered\n"


def test_levels_that_matter_are_named(out: io.StringIO) -> None:
    log.warning("careful")
    log.debug("not at this level")
    assert out.getvalue().endswith(" WARNING test_room: careful\n")
    assert out.getvalue().count("\n") == 1


def test_repeats_are_held_back_by_kind_and_counted(out: io.StringIO, clock: Clock) -> None:
    for attempt in range(7):
        log.warning("device lost: %s", attempt)
    log.warning("another thing")
    clock.now = 10.0
    log.warning("device lost: %s", 7)
    assert [line.partition("test_room: ")[2] for line in out.getvalue().splitlines()] == [
        "device lost: 0",
        "device lost: 1",
        "another thing",
        "device lost: 7 (and 5 more like this were not written)",
    ]


def test_the_ordinary_course_of_things_is_not_a_repeat(out: io.StringIO) -> None:
    for turn in range(20):
        log.info("turn %s", turn)
    assert out.getvalue().count("turn") == 20


def test_even_that_is_bounded(out: io.StringIO) -> None:
    for turn in range(1000):
        log.info("turn %s", turn)
    assert out.getvalue().count("turn") == 100


def test_no_secret_is_written_whoever_logs_it_and_how(out: io.StringIO) -> None:
    log.error("key %s and %s", KEY, Secret("hunter2hunter2").reveal())
    log.error("headers: {'Authorization': 'Bearer %s', 'api-key': '%s'}", "abc.def.ghi", "0123")
    log.error("wss://me:pass@host/v1", extra=fields(event=KEY))
    try:
        raise RuntimeError(f"server said: bad key {KEY}")
    except RuntimeError:
        log.exception("died with %s", "hunter2hunter2")
    text = out.getvalue()
    for secret in (KEY, "hunter2", "abc.def.ghi", "0123", "me:pass@"):
        assert secret not in text
    assert "RuntimeError: server said: bad key sk-********" in text
    assert "wss://me:********@host/v1" in text


def test_ordinary_words_are_left_alone() -> None:
    redact = Redactor()
    redact.add(Secret("short"))
    for text in (
        "a short answer",
        "task-list of 12345678901234",
        "the bearer of bad news",
        "http://host:80/x",
    ):
        assert redact(text) == text


def test_a_secret_of_six_characters_is_replaced_and_one_that_holds_another_is_replaced_whole() -> None:
    redact = Redactor()
    redact.add(Secret("hunter"))
    redact.add(Secret("hunter2hunter2"))
    assert redact("hunter, hunter2hunter2") == "********, ********"


def test_the_journal_gets_named_fields_and_nothing_that_may_hold_a_secret() -> None:
    sent: list[tuple[str, dict[str, Any]]] = []
    redact = Redactor()
    handler = journal_handler(redact, lambda message, **values: sent.append((message, values)))
    logger = logging.Logger("speakerd.daemon")  # noqa: LOG001 - apart from the tree, so that no other handler sees it
    logger.addHandler(handler)
    try:
        raise ValueError(KEY)
    except ValueError:
        logger.exception(
            "no answer to %s", KEY, extra=fields(event="error", conversation="c1", latency_ms=12)
        )
    ((message, values),) = sent
    assert message.startswith("no answer to sk-********\nTraceback")
    assert KEY not in f"{message}{values}"
    assert values["PRIORITY"] == "3"
    assert values["SYSLOG_IDENTIFIER"] == "speakerd"
    assert (values["SPEAKERD_EVENT"], values["SPEAKERD_CONVERSATION"], values["SPEAKERD_LATENCY_MS"]) == (
        "error",
        "c1",
        "12",
    )
    assert "EXCEPTION_INFO" not in values
    assert "CODE_ARGS" not in values
    assert isinstance(values["CODE_LINE"], int)
    assert all(name.isupper() for name in values)


@pytest.mark.parametrize(
    ("level", "priority"),
    [("debug", "7"), ("info", "6"), ("warning", "4"), ("error", "3"), ("critical", "2")],
)
def test_priorities(level: str, priority: str) -> None:
    sent: list[str] = []
    handler = journal_handler(Redactor(), lambda message, **values: sent.append(values["PRIORITY"]))
    logger = logging.Logger("x")  # noqa: LOG001 - as above
    logger.addHandler(handler)
    getattr(logger, level)("x")
    assert sent == [priority]


def test_whether_stderr_is_the_journal() -> None:
    with Path(os.devnull).open("w") as stream:
        status = os.fstat(stream.fileno())
        assert is_journal(stream, {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"})
        assert not is_journal(stream, {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino + 1}"})
        assert not is_journal(stream, {})
        assert not is_journal(stream, {"JOURNAL_STREAM": "x"})
    assert not is_journal(io.StringIO(), {"JOURNAL_STREAM": "1:2"})


def test_closing_gives_the_root_logger_back() -> None:
    before = (list(logging.getLogger().handlers), logging.getLogger().level)
    journal = Journal("debug", environment={}, stream=io.StringIO())
    assert logging.getLogger("websockets").level == logging.WARNING, "its debug output shows frames and keys"
    journal.set("warning", 1, 1)
    journal.close()
    journal.close()
    assert (list(logging.getLogger().handlers), logging.getLogger().level) == before


def test_repeats_remember_a_bounded_number_of_kinds() -> None:
    limit = RepeatLimit(1, 60)
    for kind in range(10_000):
        assert limit.admit(kind, 0) == 0
    assert len(limit._kinds) <= 256
    assert limit.admit(9_999, 1) is None
    assert limit.admit(0, 1) == 0, "the oldest was forgotten"


def test_each_window_lets_as_many_pass_as_the_first() -> None:
    limit = RepeatLimit(2, 10)
    admitted = [(now, limit.admit("kind", now)) for now in (5, 6, 7, 14, 15, 16, 17, 24, 25)]
    assert admitted == [
        (5, 0),
        (6, 0),
        (7, None),
        (14, None),
        (15, 2),
        (16, 0),
        (17, None),
        (24, None),
        (25, 2),
    ]
