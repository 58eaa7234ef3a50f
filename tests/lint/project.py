# SPDX-License-Identifier: MIT
"""What the lints share: which files are the project's, and how a lint reports.

A lint is a program of its own: `tests/lint/NAME [ROOT]`. It prints `file:line: what is wrong`, one
a line, and exits 1 if there was any. ROOT is another tree to look at, as the lints' own tests do.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

SKIPPED = 77  # to meson

GENERATED = ("build", "ppio")  # what .gitignore leaves out, for a tree without git
HIDDEN_JUNK = {".git", "__pycache__", ".pytest_cache"}


def root():
    given = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2]
    return pathlib.Path(given).resolve()


def files(top):
    """Every file of the project below @top, relative and sorted: git's view, else the directory."""
    found = _files_of_git(top) if (top / ".git").exists() else None
    if found is None:
        found = _files_of_directory(top)
    return sorted(path for path in found if (top / path).is_file())


def _files_of_git(top):
    """None where git is missing or refuses the directory (another's, for example)."""
    try:
        asked = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=top, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return {pathlib.Path(os.fsdecode(name)) for name in asked.stdout.split(b"\0") if name}


def _files_of_directory(top):
    found = set()
    for folder, folders, names in os.walk(top):
        here = pathlib.Path(folder).relative_to(top)
        folders[:] = [name for name in folders if name not in HIDDEN_JUNK and not (
            here == pathlib.Path(".") and name.startswith(GENERATED))]
        found.update(here / name for name in names)
    return found


def c_files(top):
    """Sources and headers."""
    return [path for path in files(top) if path.suffix in (".c", ".h")]


def lines(top, path):
    """(number, text) of each line; bytes that are no UTF-8 are no reason to stop."""
    text = (top / path).read_text(encoding="utf-8", errors="replace")
    return enumerate(text.splitlines(), start=1)


def interpreter(top, path):
    """The last word of a script's first line: sh, bash, python3; "" if it has none."""
    with open(top / path, "rb") as file:
        first = file.readline(200).decode(errors="replace")
    if not first.startswith("#!"):
        return ""
    return first[2:].split()[-1].rpartition("/")[2]


def need(tool, version=""):
    """Ends the lint as skipped unless @tool is here, in that version: another one finds other things."""
    if shutil.which(tool) is None:
        print(f"{tool} is not installed")
        sys.exit(SKIPPED)
    if version:
        told = subprocess.run([tool, "--version"], capture_output=True, text=True).stdout
        here = re.search(r"\d+(\.\d+)*", told)
        if here is None or not f"{here[0]}.".startswith(f"{version}."):
            print(f"{tool} here is {here[0] if here else 'unknown'}, this lint is written for {version}")
            sys.exit(SKIPPED)


def finish(problems):
    """Ends the lint: tells each (path, line, sentence)."""
    for path, line, sentence in problems:
        print(f"{path}:{line}: {sentence}")
    sys.exit(1 if problems else 0)


def run_over(top, command, paths):
    """Ends the lint with what @command says about @paths; nothing to look at is no success."""
    if not paths:
        sys.exit("nothing to look at")
    sys.exit(subprocess.run([*command, *map(str, paths)], cwd=top).returncode)
