"""`speakerd calibrate`: measures noise floor, echo and round trip, and proposes settings.

Plays three sweeps through the loudspeaker and records them, ten seconds in all. `--write` puts the proposals into
the file and keeps its comments. Exit code 1 if the microphone did not hear the loudspeaker, 3 if a device cannot be
opened.
"""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING

from speakerd.cli.config_file import DEFAULT_FILE, add_file_argument, read_settings

if TYPE_CHECKING:
    import argparse

    from speakerd.audio.calibration import Measurement
    from speakerd.audio.settings import AudioSettings


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its arguments."""
    parser = sub.add_parser(
        "calibrate",
        help="measure room and devices; propose settings",
        description="Play three sweeps and listen, ten seconds in all, then propose settings. Be quiet "
        "meanwhile, and stop the service first: sudo systemctl stop speakerd",
    )
    add_file_argument(parser)
    parser.add_argument("--write", action="store_true", help="put the proposals into the file; comments stay")


def run(args: argparse.Namespace) -> int:
    """Measure, print the proposals, write them if asked to. Exit code 0, 1, 2 or 3."""
    from speakerd.audio.calibration import propose, report
    from speakerd.audio.errors import DeviceError
    from speakerd.config.errors import ConfigError

    try:
        settings = read_settings(args.file).audio
        if args.write and args.file is None and not DEFAULT_FILE.exists():
            print(f"--write needs a file, and there is no {DEFAULT_FILE}", file=sys.stderr)
            return 2
        print(
            f"Microphone {settings.input}, loudspeaker {settings.output}, volume {settings.volume}: "
            "three sweeps, ten seconds; please be quiet ...",
            file=sys.stderr,
        )
        found = _measure(settings)
        proposals = propose(found, settings, canceller=importlib.util.find_spec("livekit") is not None)
        print(report(found, proposals))
        if args.write and proposals:
            from speakerd.config.write import write

            path = args.file or DEFAULT_FILE
            write(path, {proposal.key: proposal.value for proposal in proposals})
            print(f"written to {path}; speakerd ctl reload, or systemctl start speakerd", file=sys.stderr)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    except (DeviceError, TimeoutError) as error:
        print(error, file=sys.stderr)
        return 3
    return 0 if found.heard else 1


def _measure(settings: AudioSettings) -> Measurement:
    from speakerd.audio.calibration import measure

    if settings.driver == "simulated":
        from speakerd.audio.simulation import RoomShape, SimulatedDevice

        simulated = SimulatedDevice(stepped=True, room=RoomShape())
        return measure(simulated, settings.volume, step=simulated.step)
    from speakerd.audio.devices import PyAudioDevice

    return measure(PyAudioDevice(settings), settings.volume)
