"""Plants the bugs of `mutants.toml`, one at a time, and asks the tests that should notice each of them: `make mutants`

The checkout is never changed: each bug goes into a copy that is thrown away. A bug is caught where the named tests pass without it and at
least one of them fails with it. A module that cannot be imported, a test that cannot be set up and a run out of time catch nothing.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TABLE = Path("tools") / "mutants.toml"
PAGE = Path("docs") / "design" / "mutants.md"
PATIENCE_S = 180.0
CAUGHT, SOMETHING_ELSE, REFUSED = 0, 1, 2
NO_PROOF = ("ImportError", "ModuleNotFoundError", "SyntaxError", "IndentationError", "NameError")
"""A program that cannot be loaded is no bug that a test has found."""


class Refused(Exception):
    """The table, the checkout or the question is not as it must be; the text says what to do."""


@dataclass(frozen=True)
class Mutant:
    """A bug: `old`, which stands once in `file`, becomes `new`. One of `tests` should fail then. `of` says where it was asked for."""

    name: str
    of: str
    breaks: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Unplantable:
    """A bug of the list that has no place in this product, and why."""

    name: str
    why: str


@dataclass(frozen=True)
class Outcome:
    """What pytest said: `first` is the first test that failed; `trouble` is why the run says nothing about the bug, or ""."""

    first: str = ""
    passed: bool = False
    trouble: str = ""


@dataclass(frozen=True)
class Verdict:
    mutant: Mutant
    caught_by: str
    seconds: float
    trouble: str = ""


def read_table(path: Path) -> tuple[list[Mutant], list[Unplantable]]:
    raw = tomllib.loads(path.read_text())
    mutants = [Mutant(**{**one, "tests": tuple(one["tests"])}) for one in raw["mutant"]]
    return mutants, [Unplantable(**one) for one in raw.get("unplantable", [])]


def planted(text: str, mutant: Mutant) -> str:
    """The text of the file with the bug in it. Raises Refused."""
    found = text.count(mutant.old)
    if found != 1:
        raise Refused(
            f"{mutant.name}: the old text stands {found} times in {mutant.file}. Correct it in {TABLE} so that it stands there once."
        )
    if mutant.old == mutant.new:
        raise Refused(f"{mutant.name}: the new text is the old one. Correct it in {TABLE}.")
    changed = text.replace(mutant.old, mutant.new)
    if mutant.file.endswith(".py"):
        try:
            compile(changed, mutant.file, "exec")
        except SyntaxError as error:
            raise Refused(f"{mutant.name}: {mutant.file} is no Python any more ({error}). Correct the new text in {TABLE}.") from None
    return changed


def copy_checkout(root: Path, copy: Path) -> None:
    """What git knows of, and what it would add, as it stands in the working tree."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=root, capture_output=True, text=True, check=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (root / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, copy / name)


def environment(copy: Path) -> dict[str, str]:
    """The copy's source comes before the checkout's, which is installed."""
    return {**os.environ, "PYTHONPATH": str(copy / "src")}


def require_own_source(copy: Path) -> None:
    asked = [sys.executable, "-c", "import rokuon; print(rokuon.__file__)"]
    found = subprocess.run(asked, cwd=copy, env=environment(copy), capture_output=True, text=True, check=False)
    if found.returncode or not Path(found.stdout.strip()).is_relative_to(copy):
        raise Refused(f"The copy does not import its own source: {found.stdout.strip() or found.stderr.strip()}")


def run_tests(copy: Path, tests: Sequence[str], patience_s: float) -> Outcome:
    """Up to the first failure."""
    report = copy.parent / "report.xml"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *tests]
    with (copy.parent / "output").open("w+") as output:
        process = subprocess.Popen(
            command, cwd=copy, env=environment(copy), stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
        try:
            code = process.wait(patience_s)
        except subprocess.TimeoutExpired:
            return Outcome(trouble=f"not over after {patience_s:g} s")
        finally:
            # Also what the tests started and a hard end left behind, all of it in the session that began here.
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        output.seek(0)
        last = [line.strip() for line in output if line.strip()][-1:]
    if code not in (0, 1) or not report.exists():
        return Outcome(trouble=f"pytest ended with {code}: {''.join(last)}")
    return judged(ET.parse(report).getroot(), code)


def judged(report: ET.Element, code: int) -> Outcome:
    """From pytest's report and exit code. An error outside of a test's own body is no failure."""
    failures, errors, ran = [], [], 0
    for case in report.iter("testcase"):
        name = f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name', '')}"
        ran += case.find("skipped") is None
        for failure in case.iter("failure"):
            said = failure.get("message", "")
            (errors if said.split(":")[0].strip() in NO_PROOF else failures).append((name, said))
        errors += [(name, error.get("message", "")) for error in case.iter("error")]
    if failures:
        return Outcome(first=failures[0][0])
    if errors:
        name, said = errors[0]
        return Outcome(trouble=f"an error and no failure: {name}: {said[:120]}")
    if code or not ran:
        return Outcome(trouble="no test ran" if not ran else f"pytest ended with {code} and named no failure")
    return Outcome(passed=True)


class Bench:
    """A clean copy of the checkout, and beside it one copy for the bug of the moment, in a folder that is thrown away."""

    def __init__(self, root: Path, folder: Path, patience_s: float) -> None:
        self._folder, self._clean, self._patience_s = folder, folder / "clean" / "checkout", patience_s
        self._without: dict[tuple[str, ...], Outcome] = {}
        self._clean.mkdir(parents=True)
        copy_checkout(root, self._clean)
        require_own_source(self._clean)

    def try_out(self, mutant: Mutant) -> Verdict:
        """Raises Refused where the bug cannot be planted."""
        changed = planted((self._clean / mutant.file).read_text(), mutant)
        if mutant.tests not in self._without:
            self._without[mutant.tests] = run_tests(self._clean, mutant.tests, self._patience_s)
        without = self._without[mutant.tests]
        if not without.passed:
            return Verdict(mutant, "", 0.0, f"the tests do not pass without the bug: {without.first or without.trouble}")
        begun = time.monotonic()
        broken = self._folder / "broken" / "checkout"
        # Linked, not copied: what is written anew below, and what Python compiles, gets a file of its own.
        shutil.copytree(self._clean, broken, symlinks=True, copy_function=os.link)
        try:
            path = broken / mutant.file
            path.unlink()
            path.write_text(changed)
            # Python tells a compiled module by size and second; a bug may have the size of what it replaces.
            shutil.rmtree(path.parent / "__pycache__", ignore_errors=True)
            found = run_tests(broken, mutant.tests, self._patience_s)
        finally:
            shutil.rmtree(broken.parent)
        return Verdict(mutant, found.first, time.monotonic() - begun, found.trouble)


def line(verdict: Verdict) -> str:
    found = verdict.caught_by or (f"NOT JUDGED: {verdict.trouble}" if verdict.trouble else "SURVIVED")
    return f"{verdict.mutant.name:<44} {verdict.seconds:>6.1f} s  {found}"


def page(verdicts: Sequence[Verdict], left_out: Sequence[Unplantable], begun: datetime, total_s: float, commit: str, load: str) -> str:
    rows = [
        f"| `{one.mutant.name}` | {one.mutant.of} | {one.mutant.breaks} | `{one.caught_by.partition('[')[0]}` | {one.seconds:.1f} |"
        for one in verdicts
    ]
    return "\n".join(
        [
            "# The test of the tests",
            "",
            "Each row is a bug that was planted in a copy of the source, and the first test that failed with it. The same tests pass",
            "without it. The bugs are listed in [`tools/mutants.toml`](../../tools/mutants.toml); `make mutants ARGS=--write` plants all",
            "and writes this page. It ends with 1 when a bug is not noticed. *5.4* is the list of the research on reliability; *reader*",
            "is what a careful reader would try.",
            "",
            f"{len(verdicts)} bugs, all caught, in {total_s / 60:.1f} minutes, on {begun:%Y-%m-%d} at commit {commit}. {load}",
            "Seconds are of the run with the bug, up to the first failure, with the copy.",
            "",
            "| Bug | From | What is broken | Caught by | Seconds |",
            "|---|---|---|---|---|",
            *rows,
            "",
            "## Not planted",
            "",
            "| Bug | Why |",
            "|---|---|",
            *[f"| {one.name} | {one.why} |" for one in left_out],
            "",
        ]
    )


def commit_of(root: Path) -> str:
    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True).stdout.strip()

    changed = git("status", "--porcelain", "--", "src", "tests", "tools")
    return f"`{git('rev-parse', '--short', 'HEAD')}`" + (" with changes that are not committed" if changed else "")


def tried(root: Path, mutants: Sequence[Mutant], patience_s: float) -> Iterator[Verdict]:
    with tempfile.TemporaryDirectory(prefix="rokuon-mutants-") as folder:
        # Tests of folders that the database's user reaches pass through this one.
        Path(folder).chmod(0o711)
        bench = Bench(root, Path(folder).resolve(), patience_s)
        for mutant in mutants:
            yield bench.try_out(mutant)


def work(root: Path, names: Sequence[str], *, write: bool, patience_s: float) -> int:
    """Raises Refused before anything runs where the question or a text of the table is wrong."""
    mutants, left_out = read_table(root / TABLE)
    if unknown := set(names) - {one.name for one in mutants}:
        raise Refused(f"No bug of this name is in {TABLE}: {', '.join(sorted(unknown))}")
    if write and names:
        raise Refused("The page is of the whole table: leave out the names, or --write.")
    chosen = [one for one in mutants if not names or one.name in names]
    for one in chosen:
        planted((root / one.file).read_text(), one)
    begun, started, before, commit = datetime.now(UTC), time.monotonic(), os.getloadavg()[0], commit_of(root) if write else ""
    verdicts = []
    for verdict in tried(root, chosen, patience_s):
        verdicts.append(verdict)
        print(line(verdict), flush=True)
    total_s = time.monotonic() - started
    caught = sum(bool(one.caught_by) for one in verdicts)
    load = f"Machine: {os.cpu_count()} cores, load {before:.1f} at the start and {os.getloadavg()[0]:.1f} at the end."
    print(f"{caught} of {len(verdicts)} caught in {total_s / 60:.1f} minutes. {load}")
    if caught < len(verdicts):
        return SOMETHING_ELSE
    if write:
        (root / PAGE).write_text(page(verdicts, left_out, begun, total_s, commit, load))
    return CAUGHT


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", help="bugs of the table; all without a name")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE} when all are caught")
    parser.add_argument("--patience", type=float, default=PATIENCE_S, help="seconds for one run of the tests")
    asked = parser.parse_args(arguments)
    try:
        return work(root, asked.names, write=asked.write, patience_s=asked.patience)
    except Refused as refused:
        print(refused, file=sys.stderr)
        return REFUSED


if __name__ == "__main__":
    # As Ctrl-C does: the run under way ends too, and its folder goes.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    raise SystemExit(main())
