"""Small faults put into the package one at a time: how many do the tests see?

python -m benchmarks.mutate --count 200 [--seed 0] [--minutes 60]     (`make mutate`)

A fault is a change of one place of the syntax tree: a comparison, an arithmetic or logical
operator, a number, a truth value, a dropped keyword argument, a reversed condition. It is made in a
copy of the checkout, where the tests run that reach the place: the suite runs once before, under
coverage, to know which those are (kept in `.coverage.tests`; remove it when tests have changed). Of
what is executed by importing alone, such as defaults, they are the tests that name the module. A
fault is *caught* when one of them fails, *alive* when all of them pass.
"""

import argparse
import ast
import collections
import copy
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PARTS = (
    *("models", "training", "data", "inference", "export", "convert", "metrics", "losses"),
    *("layers", "colouring"),
)
_COMPARE = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_BINARY = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}


def _changes(node) -> list:
    """Functions that change a node in place, each returning what it did."""
    found = []

    def change(text, function):
        found.append((text, function))

    if isinstance(node, ast.Compare) and type(node.ops[0]) in _COMPARE:
        new = _COMPARE[type(node.ops[0])]
        change(f"comparison to {new.__name__}", lambda: node.ops.__setitem__(0, new()))
    elif isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        new = _BINARY[type(node.op)]
        change(f"operator to {new.__name__}", lambda: setattr(node, "op", new()))
    elif isinstance(node, ast.BoolOp):
        new = ast.And if isinstance(node.op, ast.Or) else ast.Or
        change(f"operator to {new.__name__}", lambda: setattr(node, "op", new()))
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        change("truth value", lambda: setattr(node, "value", not node.value))
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        change("number", lambda: setattr(node, "value", 2 * node.value + 1))
    elif isinstance(node, ast.If | ast.IfExp):
        turned = ast.UnaryOp(ast.Not(), node.test)
        change("condition reversed", lambda: setattr(node, "test", turned))
    elif isinstance(node, ast.Call) and node.keywords:
        change("keyword argument dropped", lambda: node.keywords.pop())
    return found


def _skipped(tree) -> set:
    """Nodes that compute nothing: annotations, error messages, logging."""
    skipped = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise):
            skipped |= set(map(id, ast.walk(node)))
        elif isinstance(node, ast.AnnAssign | ast.arg) and node.annotation:
            skipped |= set(map(id, ast.walk(node.annotation)))
        elif isinstance(node, ast.FunctionDef) and node.returns:
            skipped |= set(map(id, ast.walk(node.returns)))
        elif isinstance(node, ast.Expr) and "logger" in ast.unparse(node):
            skipped |= set(map(id, ast.walk(node)))
    return skipped


def places(path: Path) -> list[int]:
    """Numbers of the nodes of a module, in `ast.walk`'s order, that can be changed."""
    tree = ast.parse(path.read_text())
    skipped = _skipped(tree)
    return [
        k
        for k, node in enumerate(ast.walk(tree))
        if id(node) not in skipped and _changes(copy.copy(node))
    ]


def mutated(path: Path, place: int) -> tuple[str, int, str]:
    """The module's text with one place changed, its line, and what was done."""
    tree = ast.parse(path.read_text())
    node = list(ast.walk(tree))[place]
    text, function = _changes(node)[0]
    function()
    return ast.unparse(ast.fix_missing_locations(tree)), node.lineno, text


def trace(out: Path) -> None:
    """Runs the suite once under coverage, which notes the lines that each test reaches."""
    pytest = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "worksteal"]
    pytest += ["--cov=ganime_tf", "--cov-context=test", "--cov-report=", "--cov-append"]
    training = ["tests/contract", "tests/models", "tests/training"]
    environment = {**os.environ, "COVERAGE_FILE": str(out.with_suffix(".part"))}
    for tests in (training, ["tests", *(f"--ignore={each}" for each in training)]):
        subprocess.run([*pytest, *tests], cwd=ROOT, env=environment, check=False)
    out.with_suffix(".part").rename(out)


def tests_of(path: Path, line: int, data, most: int) -> list[list[str]]:
    """What to run for a line, in this order: tests that reach it, then files whose fixtures do.

    Args:
        path: The module.
        line: In it.
        data: Of coverage.
        most: Tests, and files.
    """
    contexts = data.contexts_by_lineno(str(path)).get(line, [])
    reached = {test for test, _, when in (c.rpartition("|") for c in contexts) if when == "run"}
    files = {c.partition("::")[0] for c in contexts if c.endswith("|setup")}
    if not reached and not files:
        return [by_name(path, 4)]
    # One test of each file first, those with the module's name in front.
    count, ranked = collections.Counter(), []
    for test in sorted(reached):
        file = test.partition("::")[0]
        ranked.append((count[file], path.stem not in file, test))
        count[file] += 1
    tests = [test for *_, test in sorted(ranked)[:most]]
    return [each for each in (tests, sorted(files)[: most // 4]) if each]


def by_name(path: Path, most: int) -> list[str]:
    """Test files that name a module, those of its own name first."""
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    face, _, name = module.rpartition(".")
    exported = {
        node.name
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    }
    ranked = []
    for test in sorted((ROOT / "tests").rglob("test_*.py")):
        text = test.read_text()
        if "fixture" in test.parts or test.name == "test_architecture.py":
            continue
        score = 4 * (name in test.stem) + 2 * (module in text) + (name in text and face in text)
        if score or name in text:
            score += test.parent.name == path.relative_to(ROOT).parts[1]
        score += sum(word in text for word in exported) / (1 + len(exported))
        if score:
            ranked.append((-score, str(test.relative_to(ROOT))))
    return [test for _, test in sorted(ranked)[:most]]


def attempt(job, house: Path, data, most: int, seconds: int) -> dict:
    """Puts one fault into a copy and runs its tests."""
    path, place = job
    text, line, what = mutated(path, place)
    target = house / path.relative_to(ROOT)
    row = {"file": str(path.relative_to(ROOT)), "line": line, "what": what, "result": "alive"}
    row["tests"] = tests_of(path, line, data, most)
    target.write_text(text)
    end = time.monotonic() + seconds
    try:
        for tests in row["tests"]:
            command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
            code = subprocess.run(
                command,
                cwd=house,
                env={**os.environ, "PYTHONPATH": str(house)},
                capture_output=True,
                timeout=max(1.0, end - time.monotonic()),
                check=False,
            ).returncode
            if code not in (0, 5):
                row["result"] = "caught"
                break
    except subprocess.TimeoutExpired:
        row["result"] = "too long"  # endless, or its tests are slow: counted apart
    finally:
        shutil.copyfile(path, target)
    return row | {"tests": sum(map(len, row["tests"]))}


def main() -> None:
    """Prints each fault as it is tried, then the share caught by part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=600)
    parser.add_argument("--most", type=int, default=24, help="tests that are run for a fault")
    parser.add_argument("--seconds", type=int, default=240, help="that they may take")
    parser.add_argument("--trace", type=Path, default=ROOT / ".coverage.tests")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/mutate.json")
    args = parser.parse_args()
    if not args.trace.exists():
        trace(args.trace)
    import coverage

    data = coverage.CoverageData(str(args.trace))
    data.read()
    rng = random.Random(args.seed)
    jobs = []
    for part in PARTS:
        every = [
            (path, place)
            for path in sorted((ROOT / "ganime_tf" / part).rglob("*.py"))
            for place in places(path)
        ]
        jobs += rng.sample(every, min(len(every), -(-args.count // len(PARTS))))
    rng.shuffle(jobs)
    jobs, rows, begin = jobs[: args.count], [], time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        houses = []
        for k in range(2):
            houses.append(Path(folder) / str(k))
            shutil.copytree(
                ROOT, houses[-1], ignore=shutil.ignore_patterns(".venv", ".git", "runs", "demo")
            )

        def work(house):
            while jobs and time.monotonic() - begin < 60 * args.minutes:
                row = attempt(jobs.pop(), house, data, args.most, args.seconds)
                rows.append(row)
                print(f"{row['result']:9} {row['file']}:{row['line']} {row['what']}", flush=True)

        with ThreadPoolExecutor(len(houses)) as pool:
            list(pool.map(work, houses))
    args.out.write_text(json.dumps({"seed": args.seed, "rows": rows}, indent=1) + "\n")
    print(f"\n{'part':12} {'caught':>7} {'alive':>6} {'too long':>9}")
    for part in (*PARTS, ""):
        of = [row["result"] for row in rows if row["file"].startswith(f"ganime_tf/{part}")]
        if of:
            counts = [of.count(result) for result in ("caught", "alive", "too long")]
            print(f"{part or 'all':12} {counts[0]:7} {counts[1]:6} {counts[2]:9}")


if __name__ == "__main__":
    main()
