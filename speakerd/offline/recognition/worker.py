"""The recogniser's process: `python -m speakerd.offline.recognition.worker`, with messages on stdin and stdout.

It is a process of its own because pocketsphinx holds the interpreter's lock while it works, and because a crash in
pocketsphinx must not end the server. It ends when its stdin ends, and thus never outlives the server.
"""

from __future__ import annotations

import argparse
import os
import select
import signal
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from speakerd.offline.recognition.messages import (
    AUDIO,
    BEGIN,
    DROP,
    ERROR,
    FINISH,
    READY,
    RESULT,
    UNKNOWN_WORDS,
    Message,
    MessageDecoder,
    encode,
)
from speakerd.offline.recognition.scheduler import RecognitionScheduler

_READ_BYTES = 65_536


def main() -> int:
    """Load the decoders, report that, and serve until stdin ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--free-speech", choices=("while_listening", "after", "off"), required=True)
    parser.add_argument("--confidence", type=float, required=True)
    arguments = parser.parse_args()
    # Ctrl-C in a terminal is meant for the server, which then closes our stdin.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    out = os.dup(1)
    # What a library prints must not get between two messages.
    os.dup2(2, 1)
    try:
        with tempfile.TemporaryDirectory(prefix="speakerd-offline-") as folder:
            scheduler = _load(arguments, Path(folder), out)
    except Exception as error:  # noqa: BLE001  # any failure is reported to the server
        _write(out, encode(ERROR, 0, {"message": f"{type(error).__name__}: {error}"}))
        return 1
    _write(out, encode(READY, 0, {}))
    _serve(scheduler, out)
    return 0


def _load(arguments: argparse.Namespace, folder: Path, out: int) -> RecognitionScheduler:
    # Imported here, so that a failure to import it is reported, too.
    from speakerd.offline.recognition.sphinx import SphinxCommands, SphinxFree  # noqa: PLC0415

    def unknown(words: list[str]) -> None:
        _write(out, encode(UNKNOWN_WORDS, 0, {"words": words}))

    return RecognitionScheduler(
        SphinxCommands(folder, unknown),
        None if arguments.free_speech == "off" else SphinxFree(folder),
        threshold=arguments.confidence,
        ahead=arguments.free_speech == "while_listening",
        clock=time.monotonic,
    )


def _serve(scheduler: RecognitionScheduler, out: int) -> None:
    decoder = MessageDecoder()
    while True:
        while not select.select([0], [], [], 0)[0] and scheduler.work_ahead():
            pass
        data = os.read(0, _READ_BYTES)
        if not data:
            return
        for message in decoder.feed(data):
            _handle(scheduler, message, out)


def _handle(scheduler: RecognitionScheduler, message: Message, out: int) -> None:
    try:
        if message.kind == BEGIN:
            scheduler.begin(message.stream, tuple(message.json["phrases"]))
        elif message.kind == AUDIO:
            scheduler.feed(message.stream, message.payload)
        elif message.kind == DROP:
            scheduler.drop(message.stream)
        elif message.kind == FINISH:
            heard = scheduler.finish(message.stream)
            if heard is not None:
                _write(out, encode(RESULT, message.stream, asdict(heard)))
    except Exception as error:  # noqa: BLE001  # one bad utterance is reported and costs no other
        scheduler.drop(message.stream)
        _write(out, encode(ERROR, message.stream, {"message": f"{type(error).__name__}: {error}"}))


def _write(out: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(out, view) :]


if __name__ == "__main__":
    sys.exit(main())
