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
    """The files that promise to do no I/O, relative to the root; a package stands for all of its modules."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    names = next(c["source_modules"] for c in contracts if c["name"].startswith("pure cores"))
    files: list[str] = []
    for path in (ROOT / name.replace(".", "/") for name in names):
        found = sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
        files += [str(file.relative_to(ROOT)) for file in found]
    return files


def main() -> int:
    """Print what falls short; 0 if nothing does."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "coverage.json"
        command = [sys.executable, "-m", "coverage", "json", "-q", "-o", str(report)]
        subprocess.run(command, cwd=ROOT, check=True)
        files = json.loads(report.read_text())["files"]
    poor = 0
    total_hit = total = 0
    for path in pure_cores():
        summary = files[path]["summary"] if path in files else None
        if summary is None:
            print(f"{path}: named as a pure core, but no test has imported it")
            poor += 1
            continue
        hit = summary["covered_lines"] + summary["covered_branches"]
        here = summary["num_statements"] + summary["num_branches"]
        total_hit, total = total_hit + hit, total + here
        percent = 100.0 * hit / here if here else 100.0  # an `__init__` that only says what the package is
        if percent < GOAL_PERCENT:
            print(f"{path}: {percent:.1f} % of lines and branches, wanted {GOAL_PERCENT:.0f}")
            poor += 1
    print(f"pure cores: {100.0 * total_hit / max(total, 1):.1f} % of {total} lines and branches covered")
    return 1 if poor else 0


if __name__ == "__main__":
    sys.exit(main())
