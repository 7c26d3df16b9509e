"""What `scripts/simulation` says of a cell, and that it says something."""

from __future__ import annotations

import sys

import pytest

from tests.simulation.__main__ import main


def test_a_cell_prints_all_that_happens_in_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        sys, "argv", ["simulation", "cell", "thinking/response.created/omitted/on_wake/wait/0"]
    )
    assert main() == 0
    printed = capsys.readouterr().out
    for what in (
        "-> response.create (0)",
        "<- response.done (1)",
        "sound:",
        "journal:",
        "phase: thinking",
        "0 problems",
    ):
        assert what in printed


def test_what_is_no_cell_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["simulation", "cell", "nonsense"])
    with pytest.raises(SystemExit, match="expected STAGE/EVENT/FAULT"):
        main()
