"""Old names are understood for one version, with a warning; then their entries have to go."""

import pytest

from speakerd import __version__
from speakerd.config import renamed, schema
from speakerd.config.errors import ConfigErrors
from speakerd.config.load import read_text
from speakerd.config.renamed import RENAMED, Renamed, understood
from speakerd.config.settings import Settings
from speakerd.config.validate import parse

MADE_UP = {
    "sound.loudness": Renamed("audio.volume", "9.0.0"),
    "audio.talkback": Renamed("audio.barge_in", "9.0.0"),
    "audio.magic": Renamed("", "9.0.0", "It did nothing."),
}


@pytest.fixture(autouse=True)
def table(monkeypatch: pytest.MonkeyPatch) -> None:
    defaults = (MADE_UP,)
    monkeypatch.setattr(understood, "__defaults__", defaults)


def test_an_old_name_counts_as_the_new_one_and_is_warned_of() -> None:
    loaded = read_text("[panel.button]\npin = 17\n[sound]\nloudness = 33\n")
    assert loaded.settings.audio.volume == 33
    (warning,) = loaded.warnings
    assert (warning.line, warning.key, warning.severity) == (4, "sound.loudness", "warning")
    assert warning.what == "this is called audio.volume now; the old name is understood until 9.0.0"
    assert warning.cure == "Write audio.volume instead."


def test_a_whole_table_may_be_renamed() -> None:
    loaded = read_text("[panel.button]\npin = 17\n[audio.talkback]\nenabled = false\n")
    assert not loaded.settings.audio.barge_in.enabled
    assert len(loaded.warnings) == 1


def test_a_mistake_in_the_value_is_told_at_the_line_of_the_old_name() -> None:
    with pytest.raises(ConfigErrors) as caught:
        read_text("[sound]\n\nloudness = 300\n[audio.talkback]\nenabled = 1\n")
    found = [(problem.line, problem.key) for problem in caught.value.problems]
    assert found == [(3, "audio.volume"), (5, "audio.barge_in.enabled")]


def test_both_names_at_once_are_an_error() -> None:
    with pytest.raises(ConfigErrors) as caught:
        read_text("[audio]\nvolume = 3\n[sound]\nloudness = 5\n")
    (problem,) = caught.value.problems
    assert (problem.line, problem.what) == (
        4,
        "this is the old name of audio.volume, which is set too (line 2)",
    )


def test_a_setting_that_was_taken_out_is_passed_over() -> None:
    loaded = read_text("[panel.button]\npin = 17\n[audio]\nmagic = 5\nvolume = 7\n")
    assert loaded.settings.audio.volume == 7
    assert loaded.warnings[0].cure == "It did nothing. Delete this line."


def test_other_names_in_an_old_table_are_still_refused() -> None:
    with pytest.raises(ConfigErrors) as caught:
        read_text("[sound]\nloudness = 5\nother = 3\n")
    assert [problem.key for problem in caught.value.problems] == ["sound"]


def test_what_was_read_is_not_changed() -> None:
    document = parse("[sound]\nloudness = 5\n")
    understood(document)
    assert document.data == {"sound": {"loudness": 5}}


@pytest.mark.parametrize(("old", "entry"), RENAMED.items())
def test_each_entry_names_a_setting_that_there_is_and_has_not_run_out(old: str, entry: Renamed) -> None:
    assert schema.hint_at(Settings, tuple(old.split("."))) is None, "the old name is a setting again"
    assert not entry.new or schema.hint_at(Settings, tuple(entry.new.split("."))) is not None
    numbers = [tuple(map(int, version.split("."))) for version in (__version__, entry.until)]
    assert numbers[0] < numbers[1], f"delete the entry of {old} from {renamed.__name__}"
    assert entry.new or entry.why
