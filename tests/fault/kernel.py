# SPDX-License-Identifier: MIT
"""This kernel, and one before 6.16, as far as ppiofs can tell: old_kernel.c."""
import os
import re

import pytest

OLD = os.environ.get("PPIOFS_OLD_KERNEL")  # a sanitizer wants to be loaded first: not there

kernels = pytest.mark.parametrize("kernel", (
    pytest.param({}, id="this kernel"),
    pytest.param({"LD_PRELOAD": OLD}, id="before 6.16",
                 marks=pytest.mark.skipif(not OLD, reason="old_kernel is not built")),
))


def version():
    return tuple(map(int, re.findall(r"\d+", os.uname().release)[:2]))


def can_resend():
    """Whether it sends again what a process that ended has read and not answered."""
    return version() >= (6, 9)
