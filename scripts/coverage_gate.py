"""Hold the pure cores to their coverage: at least 90 % of lines and branches each.

The list of pure cores is the one of the import contract `pure cores` in pyproject.toml, so that a file which
promises to do no I/O is also a file which promises to be tested. Reads the `.coverage` that pytest left.
"""

import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

GOAL_PERCENT = 90.0
ROOT = Path(__file__).resolve().parent.parent


def pure_cores() -> list[str]:
    """The dotted names of the modules that promise to do no I/O."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    return next(c["source_modules"] for c in contracts if c["name"].startswith("pure cores"))


def main() -> int:
    """Print what falls short; 0 if nothing does."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "coverage.json"
        command = [sys.executable, "-m", "coverage", "json", "-q", "-o", str(report)]
        subprocess.run(command, cwd=ROOT, check=True)
        files = json.loads(report.read_text())["files"]
    poor = 0
    total_hit = total = 0
    for module in pure_cores():
        path = module.replace(".", "/") + ".py"
        if path not in files:
            path = module.replace(".", "/") + "/__init__.py"
        summary = files[path]["summary"] if path in files else None
        if summary is None:
            print(f"{module}: named as a pure core, but no test has imported it")
            poor += 1
            continue
        hit = summary["covered_lines"] + summary["covered_branches"]
        here = summary["num_statements"] + summary["num_branches"]
        total_hit, total = total_hit + hit, total + here
        percent = 100.0 * hit / max(here, 1)
        if percent < GOAL_PERCENT:
            print(f"{module}: {percent:.1f} % of lines and branches, wanted {GOAL_PERCENT:.0f}")
            poor += 1
    print(f"pure cores: {100.0 * total_hit / max(total, 1):.1f} % of {total} lines and branches covered")
    return 1 if poor else 0


if __name__ == "__main__":
    sys.exit(main())
