"""openai-agents' own tests of its realtime layer, run against ours: those that touch no private name.

    python scripts/peer_tests.py SOURCE         SOURCE: the unpacked source distribution of openai-agents

Prints how many of its tests touch only public names, how many of these pass here, and why others do not. A test
counts as private if it, or anything of its module that it uses, reads an attribute, imports a name or patches a
path that begins with an underscore. `peer_adapter` makes `import agents` give our names under their module paths;
a name that we do not have gives a stand-in that fails when it is used.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIMIT_S = 600
EXAMPLES = ("app_server", "twilio")
"""Tests of example programs, which need web frameworks."""
PRIVATE = re.compile(r"(^|\.)_(?!_)\w")


def _is_private(node: ast.AST) -> bool:
    match node:
        case ast.Attribute(attr=name):
            return bool(PRIVATE.match(name))
        case ast.ImportFrom(module=module, names=names):
            return bool(PRIVATE.search(module or "")) or any(PRIVATE.match(each.name) for each in names)
        case ast.Constant(value=str() as text):
            # A path that is patched, or the name of an attribute.
            return re.fullmatch(r"[\w.]+", text) is not None and PRIVATE.search(text) is not None
    return False


def _names(node: ast.AST) -> set[str]:
    used = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    # Fixtures are used as parameters.
    return used | {each.arg for each in ast.walk(node) if isinstance(each, ast.arg)}


def public_tests(source: str) -> tuple[list[str], int]:
    """The ids of the tests of a module that touch no private name, and how many tests there are."""
    tree = ast.parse(source)
    defined: dict[str, ast.AST] = {}
    private: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            defined[node.name] = node
        elif isinstance(node, ast.Assign):
            defined |= {target.id: node for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.ImportFrom) and _is_private(node):
            hidden = PRIVATE.search(node.module or "") is not None
            private |= {each.asname or each.name for each in node.names if hidden or PRIVATE.match(each.name)}

    def touches(node: ast.AST, seen: set[str]) -> bool:
        if any(_is_private(each) for each in ast.walk(node)):
            return True
        names = _names(node)
        if names & private:
            return True
        for name in (names & defined.keys()) - seen:
            seen.add(name)
            if touches(defined[name], seen):
                return True
        return False

    tests: list[tuple[str, ast.AST]] = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            tests.append((node.name, node))
        elif isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            tests += [
                (f"{node.name}::{each.name}", each)
                for each in node.body
                if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and each.name.startswith("test")
            ]
    return [name for name, node in tests if not touches(node, {name})], len(tests)


def run(source: Path) -> int:
    """Run the public tests and print the table."""
    folder = source / "tests" / "realtime"
    wanted: dict[str, list[str]] = {}
    counts: dict[str, int] = {}
    for file in sorted(folder.glob("test_*.py")):
        if any(word in file.name for word in EXAMPLES):
            continue
        wanted[file.name], counts[file.name] = public_tests(file.read_text())
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory) / "report.json"
        (Path(directory) / "wanted.json").write_text(json.dumps(wanted))
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join([str(ROOT / "scripts" / "peer_adapter"), str(ROOT)]),
            "PEER_WANTED": str(Path(directory) / "wanted.json"),
            "PEER_REPORT": str(report),
            "OPENAI_API_KEY": "test",
        }
        command = [sys.executable, "-m", "pytest", "-q", "-p", "peer_plugin", "--rootdir", str(source)]
        options = [
            "-p",
            "no:cacheprovider",
            "--timeout=20",
            "--noconftest",
            "--continue-on-collection-errors",
            "-o",
            "asyncio_mode=auto",
            "-c",
            os.devnull,
        ]
        subprocess.run(
            [*command, *options, *(str(folder / name) for name, tests in wanted.items() if tests)],
            env=environment,
            cwd=source,
            check=False,
            timeout=LIMIT_S,
            stdout=sys.stderr,
        )
        results: dict[str, str] = json.loads(report.read_text())
    return _print(wanted, counts, results)


def _print(wanted: dict[str, list[str]], counts: dict[str, int], results: dict[str, str]) -> int:
    """Print the table; the exit code says whether anything could be run at all."""
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    passed: Counter[str] = Counter()
    run_: Counter[str] = Counter()
    for test, reason in results.items():
        file = Path(test.partition("::")[0]).name
        run_[file] += 1
        if reason:
            reasons[file][reason] += 1
        else:
            passed[file] += 1
    print("| their module | tests | public | run here | pass |\n| --- | --- | --- | --- | --- |")
    for file, tests in wanted.items():
        print(f"| {file} | {counts[file]} | {len(tests)} | {run_[file]} | {passed[file]} |")
    whole = (sum(counts.values()), sum(map(len, wanted.values())), run_.total(), passed.total())
    print(f"| all | {' | '.join(map(str, whole))} |")
    print("\n(A test with parameters is run once for each.)\n")
    for file, found in reasons.items():
        print(f"{file}:")
        for reason, count in found.most_common():
            print(f"  {count} of: {reason}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1]).resolve()))
