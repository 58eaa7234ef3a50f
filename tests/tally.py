#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Adds up what `meson test` wrote down: each test of a TAP program counts, not the program.

Usage: tally.py LOG.json...; prints what failed and where it is told, then `N passed, N failed`, and how
many were skipped if any.
"""
import json
import pathlib
import re
import sys

RESULT = re.compile(r"(ok|not ok)\b(?:\s+\d+)?(?:\s+-)?\s*([^#]*)(?:#\s*(SKIP|TODO)\S*\s*(.*))?",
                    re.IGNORECASE)
GOOD = {"OK", "EXPECTEDFAIL"}


def _last_words(program):
    """What it bailed out with (an assertion, in most cases), or how meson calls its end."""
    for line in program["stdout"].splitlines():
        if line.startswith("Bail out!"):
            return line.removeprefix("Bail out!").strip()
    return f"{program['result']} outside of its tests"


class Tally:
    def __init__(self):
        self.passed = 0
        self.failed = []  # sentences
        self.skipped = []

    def add_log(self, path):
        """One line of JSON for each program that ran."""
        for line in pathlib.Path(path).read_text().splitlines():
            program = json.loads(line)
            self._add_program(program, program.get("log", pathlib.Path(path).with_suffix(".txt")))

    def _add_program(self, program, log):
        name = program["name"]
        cases = [match.groups() for line in (program.get("stdout") or "").splitlines()
                 if (match := RESULT.fullmatch(line.rstrip()))]
        good = program["result"] in GOOD
        if program["result"] == "SKIP" and not cases:
            reason = (program.get("stdout") or "").strip().rpartition("\n")[2]
            self.skipped.append(f"{name} ({reason})" if reason else name)
        elif not cases:
            self._add_case(good, name, name, log)
        for outcome, case, directive, reason in cases:
            if directive and directive.upper() == "SKIP" and outcome.lower() == "ok":
                self.skipped.append(f"{name}: {case.strip()} ({reason.strip()})")
            else:
                self._add_case(outcome.lower() == "ok", f"{name}: {case.strip()}", name, log)
        # A program can fail without saying which test it was: a crash, a leak, too much time.
        if cases and not good and program["result"] != "SKIP" and not any(
                outcome.lower() == "not ok" for outcome, *_ in cases):
            self._add_case(False, f"{name}: {_last_words(program)}", name, log)

    def _add_case(self, good, sentence, program, log):
        if good:
            self.passed += 1
        else:
            self.failed.append(f"{sentence} (see {program} in {log})")

    def tell(self):
        if self.skipped:
            print(f"\n{len(self.skipped)} skipped:", *self.skipped, sep="\n  ")
        if self.failed:
            print(f"\n{len(self.failed)} failed:", *self.failed, sep="\n  ")
        print(f"\n{self.passed} passed, {len(self.failed)} failed"
              + (f", {len(self.skipped)} skipped" if self.skipped else ""))


def main():
    tally = Tally()
    for path in sys.argv[1:]:
        tally.add_log(path)
    tally.tell()
    return 1 if tally.failed or not tally.passed else 0


if __name__ == "__main__":
    sys.exit(main())
