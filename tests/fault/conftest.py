# SPDX-License-Identifier: MIT
"""The fixtures of tests/mount, in a mount namespace of the run's own, and the tables that tell at
the end how long things took."""
import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "mount"), str(HERE.parent)]

import fixtures  # noqa: E402
from fixtures import api, mount, mount_factory, time_limit, watchdog  # noqa: E402,F401
from namespace import enter_private_namespace  # noqa: E402

REPORTS = pytest.StashKey[dict]()


def pytest_configure(config):
    fixtures.pytest_configure(config)
    config.stash[REPORTS] = {}
    if os.geteuid() == 0:
        enter_private_namespace()


@pytest.fixture
def report(request):
    """report(title, text): a line of the table @title at the end of the run."""
    reports = request.config.stash[REPORTS]
    return lambda title, text: reports.setdefault(title, []).append(text)


def pytest_terminal_summary(terminalreporter, config):
    for title, lines in config.stash[REPORTS].items():
        terminalreporter.section(title)
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture
def troubled(mount_factory):
    """As mount_factory; what goes wrong may be logged as a warning."""
    def make(*args, **how):
        mount = mount_factory(*args, **how)
        mount.expect_stderr("warning: ")
        return mount
    return make
