# SPDX-License-Identifier: MIT
"""What contrib/check ends with must not be better than the truth."""
import json
import pathlib
import subprocess

import pytest

TALLY = pathlib.Path(__file__).resolve().parents[1] / "tally.py"


@pytest.fixture
def tally(tmp_path):
    """tally((stdout, result)…): exit code and last line for programs that ended like that."""
    def run(*programs):
        log = tmp_path / "log.json"
        log.write_text("".join(
            json.dumps({"name": f"p{n}", "stdout": stdout, "result": result}) + "\n"
            for n, (stdout, result) in enumerate(programs)))
        ran = subprocess.run([TALLY, log], capture_output=True, text=True)
        return ran.returncode, ran.stdout.splitlines()[-1]
    return run


def test_each_test_of_a_program_counts(tally):
    assert tally(("ok 1 /a\nok 2 - /b\n1..2\n", "OK"), ("", "OK")) == (0, "3 passed, 0 failed")


def test_a_failed_test_counts_once(tally):
    assert tally(("ok 1 /a\nnot ok 2 - /b\n1..2\n", "FAIL")) == (1, "1 passed, 1 failed")


def test_a_skipped_test_is_neither(tally):
    assert tally(("ok 1 /a\nok 2 - /b # SKIP no fuse\n1..2\n", "OK")) == (
        0, "1 passed, 0 failed, 1 skipped")


@pytest.mark.parametrize("result", ["ERROR", "FAIL", "TIMEOUT", "INTERRUPT"])
def test_a_program_that_fails_between_its_tests_counts_as_one(tally, result):
    assert tally(("ok 1 /a\n", result)) == (1, "1 passed, 1 failed")


def test_a_failed_assertion_counts_as_one(tally):
    assert tally(("ok 1 /a\nBail out! x.c:7: no\n", "ERROR")) == (1, "1 passed, 1 failed")


@pytest.mark.parametrize("result", ["ERROR", "FAIL", "TIMEOUT", "UNEXPECTEDPASS"])
def test_a_program_without_tests_that_fails_counts_as_one(tally, result):
    assert tally(("", result)) == (1, "0 passed, 1 failed")


def test_what_a_program_prints_besides_is_no_test(tally):
    assert tally(("# ok 1 - no\nokay\n  ok 2\nok 1 /a\n1..1\n", "OK")) == (0, "1 passed, 0 failed")


def test_nothing_at_all_is_no_success(tally):
    assert tally()[0] == 1
