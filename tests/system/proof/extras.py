"""The optional parts, and settings that cannot be in force: the old speaker goes on, or a new start does without.

There is no network. What a part that is missing takes to come back is seen where speakerd is installed
(scripts/guest/install-job).
"""

import array
import shutil
import subprocess
import time
import wave
from pathlib import Path

from speakerd.audio.resample import resample

from . import machine, speaker
from .household import FILE
from .sound import ROOM_RATE_HZ, Room
from .start import start
from .table import aside, check, figure, title

EXTRAS = Path("/opt/speakerd/current/extras")
WAKE = '[wake_word]\nenabled = true\nmodel = "{}"\n'
UNWORKABLE = {
    # what: (what to replace, by what, the setting whose line is named)
    "a wake word that there is not": ("", WAKE.format("hey_you"), 'model = "hey_you"'),
    "silero, which is not installed": ("", '[audio.gate]\nsilero = "on"\n', "silero ="),
    "a sound card that is not there": ("CARD=Mic", "CARD=Gone", "input ="),
    "a pin that there is not": ("pin = 17", "pin = 99", "pin = 99"),
    "a key file that there is not": (
        'backend = "offline"',
        'backend = "remote"\nauth = "bearer"\napi_key_file = "/nowhere/key"',
        "api_key_file",
    ),
    "a program that there is not": (
        "",
        '[[tools.commands]]\nname = "lamp"\ndescription = "Light"\nargv = ["/nowhere/lamp"]\n',
        "argv =",
    ),
}


def unworkable() -> None:
    """Each of them by `ctl reload`: exit code 1, the line, and a conversation before and after."""
    title("settings that cannot be in force")
    good, main = FILE.read_text(), machine.unit("MainPID")
    shutil.copytree(EXTRAS / "silero", EXTRAS / ".kept")
    said = run("extras", "remove", "silero")
    check("silero is taken out", said.returncode == 0, said.stdout.strip())
    talks("before")
    for what, (old, new, line) in UNWORKABLE.items():
        FILE.write_text(good.replace(old, new) if old else good + new)
        number = 1 + next(i for i, text in enumerate(FILE.read_text().splitlines()) if line in text)
        said = run("ctl", "reload")
        words = said.stdout + said.stderr
        named = f"{FILE}:{number}: " in words
        check(f"{what}: refused, with the line", said.returncode == 1 and named, f"exit {said.returncode}")
        if not named:
            aside(f"wanted line {number} of\n{FILE.read_text()}\n{words}")
        talks("after it")
    FILE.write_text(good)
    (EXTRAS / "silero").rmdir()
    (EXTRAS / ".kept").rename(EXTRAS / "silero")
    check("the good file is taken again", run("ctl", "reload").returncode == 0)
    check("the same process all along", machine.unit("MainPID") == main)


def wake_word(room: Room) -> None:
    """Hands-free by one line; and a start without the part for it."""
    title("hands-free")
    check("no part is left out", speaker.ask("status")["left_out"] is None)
    good = FILE.read_text()
    said = run("set", "wake_word.enabled", "true", "--reload")
    check("one line, and it is in force", said.returncode == 0 and "in force" in said.stdout, said.stdout)
    speaker.to_idle()
    with speaker.Watch() as watch:
        at = time.monotonic()
        room.say(okay_nabu())
        heard = watch.phase("listening", at, 20)
        check('"okay nabu" wakes it', heard, f"{heard - at:.1f} s after it began" if heard else "")
    speaker.to_idle()
    said = run("extras", "remove", "wakeword")
    refused = said.returncode == 1 and "wake_word.enabled" in said.stderr
    check("what the settings need is not taken out", refused, said.stderr.strip())

    (EXTRAS / "wakeword").rename(EXTRAS / ".away")
    (EXTRAS / "wakeword").mkdir()
    said = run("extras", "add", "wakeword")
    check("add without a network: exit code 3, the cause", said.returncode == 3, said.stderr.strip())
    check("nothing is left of it", not any((EXTRAS / "wakeword").iterdir()))
    machine.run("systemctl", "stop", machine.UNIT)
    start("without the wake word's part")
    left_out = str(speaker.ask("status")["left_out"])
    check("the status names the cure", "sudo speakerd extras add wakeword" in left_out, left_out)
    check("so does systemctl", "extras add wakeword" in machine.unit("StatusText"))
    said = run("doctor", "--offline")
    check("doctor: in the way", said.returncode == 1 and "speakerd extras add wakeword" in said.stdout)
    said = run("check", "--quiet", "--no-key")
    check("check: exit code 3", said.returncode == 3, said.stderr.strip().rpartition("\n")[2].strip())
    with speaker.Watch() as watch:
        at = machine.press()
        check("the button does what it did", watch.phase("listening", at))
    speaker.to_idle()
    (EXTRAS / "wakeword").rmdir()
    (EXTRAS / ".away").rename(EXTRAS / "wakeword")
    said = run("ctl", "reload")
    check("it is there again: a reload takes it", said.returncode == 0, said.stdout.strip())
    check("nothing is left out any more", speaker.ask("status")["left_out"] is None)
    FILE.write_text(good)
    run("ctl", "reload")
    speaker.to_idle()


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """`speakerd`, as an owner types it."""
    return machine.run("/usr/local/bin/speakerd", *words)


def talks(when: str) -> None:
    """A conversation."""
    answer = speaker.answer_to("who are you")
    check(f"  a conversation {when}", answer, answer)
    speaker.to_idle()


def okay_nabu() -> Path:
    """The word, by espeak's voice, with a little silence around it."""
    words = ["espeak-ng", "-v", "en-us", "-s", "140", "--stdout", "okay nah boo"]
    wav = subprocess.run(words, capture_output=True, check=True).stdout
    spoken = resample(wav[44 : len(wav) // 2 * 2], 22_050, ROOM_RATE_HZ)
    figure("the word", f"{len(spoken) / 2 / ROOM_RATE_HZ:.1f} s, peak {max(array.array('h', spoken))}")
    path = Path("/run/okay.wav")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(ROOM_RATE_HZ)
        file.writeframes(spoken)
    return path
