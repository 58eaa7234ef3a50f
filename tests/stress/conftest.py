# SPDX-License-Identifier: MIT
"""The fixtures of tests/mount, and the programs in C that these tests are made with."""
import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), *(str(HERE.parent / part) for part in ("mount", "fault", ""))]

import fixtures  # noqa: E402
from fixtures import api, mount, mount_factory, time_limit, watchdog  # noqa: E402,F401
from namespace import enter_private_namespace  # noqa: E402


def pytest_configure(config):
    fixtures.pytest_configure(config)
    if os.geteuid() == 0:
        enter_private_namespace()


@pytest.fixture(scope="session")
def fsx(tmp_path_factory):
    """The read-only exerciser of fsx.c: $PPIOFS_FSX, else made on the spot."""
    if "PPIOFS_FSX" in os.environ:
        return pathlib.Path(os.environ["PPIOFS_FSX"]).resolve()
    program = tmp_path_factory.mktemp("fsx") / "fsx"
    subprocess.run([os.environ.get("CC", "cc"), "-std=gnu11", "-D_GNU_SOURCE", "-O2", "-o", program,
                    HERE / "fsx.c"], check=True)
    return program
