"""What the session layer costs: import, memory, CPU per audio delta and per append; with `--peer` as ratios.

    scripts/bench/run session            ours
    scripts/bench/run session --peer     ours and openai-agents in the same run (its environment: .venv-peers)

Every figure is the median of several runs in fresh interpreters, interleaved between the two, so that a busy
machine hits both alike. Per delta: 100 ms of sound as the server sends it, from the JSON text to the session event
that carries the bytes. Per append: 20 ms from `send_audio`. "socket" is the same over a real loopback WebSocket,
CPU of the client's process only (the server runs in another).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PEER_PYTHON = ROOT / ".venv-peers" / "bin" / "python"
RUNS = 5

FIGURES = {
    "import_ms": "import, ms",
    "rss_mb": "memory of the import, MB",
    "delta_us": "CPU per audio delta, µs",
    "append_us": "CPU per 20 ms append, µs",
    "socket_delta_us": "CPU per audio delta over the socket, µs",
    "socket_append_us": "CPU per append over the socket, µs",
}


def measure(python: Path | str, layer: str) -> dict[str, float]:
    """One run in fresh interpreters."""
    figures: dict[str, float] = {}
    env = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "OPENAI_AGENTS_DISABLE_TRACING": "1",
        "OPENAI_API_KEY": "none",
    }
    for part in ("import", "cpu", "socket"):
        done = subprocess.run(
            [str(python), "-m", "scripts.bench.session_worker", part, layer],
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        if done.returncode:
            sys.exit(f"{layer}, {part}: {done.stderr}")
        figures |= json.loads(done.stdout.splitlines()[-1])
    return figures


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--peer", action="store_true", help="compare with openai-agents")
    parser.add_argument("--peer-python", default=str(PEER_PYTHON), help="an interpreter that has it")
    parser.add_argument("--runs", type=int, default=RUNS)
    options = parser.parse_args()
    layers = {"speakerd": sys.executable}
    if options.peer:
        if not Path(options.peer_python).exists():
            sys.exit("there is no .venv-peers yet: run scripts/conformance once, it makes it")
        layers["openai-agents"] = options.peer_python
    results: dict[str, list[dict[str, float]]] = {layer: [] for layer in layers}
    for run in range(options.runs):
        for layer, python in layers.items():
            print(f"run {run + 1} of {options.runs}: {layer}", file=sys.stderr)
            results[layer].append(measure(python, layer))
    median = {
        layer: {figure: statistics.median(run[figure] for run in runs) for figure in FIGURES}
        for layer, runs in results.items()
    }
    print("| | " + " | ".join(layers) + (" | ratio |" if options.peer else " |"))
    print("| --- |" + " ---: |" * (len(layers) + options.peer))
    for figure, words in FIGURES.items():
        values = [median[layer][figure] for layer in layers]
        row = f"| {words} | " + " | ".join(f"{value:.1f}" for value in values)
        print(row + (f" | {values[0] / values[1]:.2f} |" if options.peer else " |"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
