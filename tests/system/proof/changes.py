"""New settings while it speaks: a good file, a bad one."""

import os
import signal
import time

from . import machine, speaker
from .household import FILE
from .interruption import LONG
from .table import check, figure, title


def reloaded() -> None:
    """The answer goes on through all of it."""
    title("reload while it speaks")
    good = FILE.read_text()
    main = machine.unit("MainPID")
    with speaker.Watch() as watch:
        begun = time.monotonic()
        speaker.ask("ask", text=LONG)
        speaking = watch.phase("speaking", begun)
        check("it speaks", speaking)
        before = machine.this_moment()
        changed = good.replace("[audio]", "[audio]\nflush_ramp_ms = 6").replace(
            "led_pin = 22", "led_pin = 23"
        )
        FILE.write_text(changed + "\n[log]\nlevel = 'debug'\n")
        at = time.monotonic()
        said = machine.run("systemctl", "reload", machine.UNIT)
        check(
            "a good file: reload succeeds",
            said.returncode == 0,
            f"{time.monotonic() - at:.1f} s {said.stderr.strip()}",
        )
        machine.wait_until(lambda: machine.journal(before, "SPEAKERD_EVENT=reloaded"), 60, 1)
        told = [str(entry["MESSAGE"]) for entry in machine.journal(before)]
        for key, words in (
            ("log.level", "in force"),
            ("audio.flush_ramp_ms", "from the next conversation on"),
            ("panel.light.led_pin", "in force"),
        ):
            line = next((line for line in told if line.startswith(key)), "")
            check(f"{key}: named in the journal", words in line, line)

        FILE.write_text(good.replace("pin = 17", "pin = 17\ncolour = 3"))
        before = machine.this_moment()
        said = machine.run("systemctl", "reload", machine.UNIT)
        check("a bad file: systemctl reload fails", said.returncode != 0, f"exit code {said.returncode}")
        told = [
            str(entry["MESSAGE"]) for entry in machine.journal(before) if "colour" in str(entry["MESSAGE"])
        ]
        check("the mistake is in the journal", told, told[:1])
        before = machine.this_moment()
        os.kill(int(main), signal.SIGHUP)
        refused = machine.wait_until(lambda: machine.journal(before, "SPEAKERD_EVENT=reload_refused"), 60, 1)
        check("a bad file by a bare SIGHUP: refused", refused)

        FILE.write_text(good)
        machine.run("systemctl", "reload", machine.UNIT)
        check("the same process all along", machine.unit("MainPID") == main)
        phases = [(event["phase"], event["at"]) for event in watch.of("state", speaking)]
        left = [phase for phase, _ in phases if phase != "speaking"]
        if not left:
            check(
                "the answer was not disturbed", speaker.ask("status")["phase"] == "speaking", "still speaking"
            )
        else:
            ended = next(at for phase, at in phases if phase != "speaking")
            check("the answer was heard to its end", ended - speaking > 20, f"{ended - speaking:.1f} s")
    figure("status", machine.unit("StatusText"))
    speaker.to_idle()
