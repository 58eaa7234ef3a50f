# SPDX-License-Identifier: MIT
"""Fixtures of the tests over the real mount: the mock API, mounts, and a watchdog over all."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from mock_api import MockApi  # noqa: E402
from mounting import Mount  # noqa: E402
from watchdog import Watchdog  # noqa: E402

TEST_SECONDS = 60


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "slow(seconds): may take so long before the watchdog takes its mounts down")


@pytest.fixture(scope="session")
def watchdog(request):
    # Its stderr is that of the run: what pytest captured is lost when the run has to be ended.
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        dog = Watchdog()
    yield dog
    dog.stop()


@pytest.fixture(autouse=True)
def time_limit(request, watchdog):
    """First in, last out: setting up and unmounting are watched, too."""
    slow = request.node.get_closest_marker("slow")
    watchdog.arm(slow.args[0] if slow else TEST_SECONDS, request.node.nodeid)
    yield
    watchdog.disarm()


@pytest.fixture
def api(time_limit):
    """A mock API with the sample fleet."""
    with MockApi() as running:
        yield running


@pytest.fixture
def mount_factory(api, tmp_path, watchdog):
    """mount_factory(options={…}, …): as Mount, at the test's api. Each has a directory of its own,
    unless tmp_path= names another's. All are unmounted at the end, each with its checks; of the
    failures the first is told."""
    mounts = []

    def make(api=api, **how):
        place = how.pop("tmp_path", tmp_path / f"mount{len(mounts)}")
        place.mkdir(exist_ok=True)
        mounts.append(Mount(api, place, watchdog=watchdog, **how))
        return mounts[-1]
    yield make
    failures = []
    for mount in reversed(mounts):
        try:
            mount.unmount()
        except Exception as failure:  # the others must come down as well
            failures.append(failure)
    if failures:
        raise failures[0]


@pytest.fixture
def mount(mount_factory):
    """ppiofs with its defaults, at the test's api."""
    return mount_factory()
