# SPDX-License-Identifier: MIT
"""The fixtures of the tests over the real mount."""
from fixtures import (  # noqa: F401
    api, mount, mount_factory, pytest_configure, time_limit, watchdog)
