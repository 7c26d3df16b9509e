"""The files in config/alsa are read by ALSA itself, and lead to the cards they name."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.limits import limit

FOLDER = Path(__file__).parent.parent.parent / "config" / "alsa"
SOUND = Path(__file__).parent.parent / "data" / "goforward.wav"
ALSA = Path("/usr/share/alsa/alsa.conf")


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.conf")), ids=lambda file: file.stem)
@pytest.mark.parametrize(
    ("pcm", "words"), [("speaker", ["aplay", "-q"]), ("mic", ["arecord", "-q", "-d", "1"])]
)
def test_an_example_leads_from_its_name_to_the_card_it_names(
    file: Path, pcm: str, words: list[str], tmp_path: Path
) -> None:
    sound = SOUND if pcm == "speaker" else tmp_path / "sound.wav"
    done = subprocess.run(
        [*words, "-D", pcm, str(sound)],
        env={**os.environ, "ALSA_CONFIG_PATH": f"{ALSA}:{file}"}, capture_output=True, text=True, timeout=limit(20), check=False,
    )  # fmt: skip
    cards = set(re.findall(r"CARD=(\w+)", file.read_text(encoding="utf-8")))
    # There is no such card on the machine that tests; ALSA must have got as far as looking for it.
    assert "Unknown PCM" not in done.stderr
    assert any(f"Cannot get card index for {card}" in done.stderr for card in cards), done.stderr


def test_the_guide_names_every_example() -> None:
    guide = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert all(file.name in guide for file in FOLDER.glob("*.conf"))
