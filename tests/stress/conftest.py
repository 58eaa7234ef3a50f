# SPDX-License-Identifier: MIT
"""The fixtures of tests/mount, and the programs in C that these tests are made with."""
import importlib.util
import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), *(str(HERE.parent / part) for part in ("mount", "fault", ""))]


def _fixtures_of_mount():
    spec = importlib.util.spec_from_file_location("mount_fixtures", HERE.parent / "mount/conftest.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_mount_fixtures = _fixtures_of_mount()
watchdog = _mount_fixtures.watchdog
time_limit = _mount_fixtures.time_limit
api = _mount_fixtures.api
mount_factory = _mount_fixtures.mount_factory
mount = _mount_fixtures.mount

from namespace import enter_private_namespace  # noqa: E402


def pytest_configure(config):
    _mount_fixtures.pytest_configure(config)
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
