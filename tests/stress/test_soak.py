# SPDX-License-Identifier: MIT
"""contrib/soak, for a short while. By itself it runs ten minutes."""
import os
import subprocess
import sys

import pytest
from mounting import REPOSITORY, binary

SECONDS = int(os.environ.get("PPIOFS_SOAK_SECONDS", 20))


@pytest.mark.slow(SECONDS + 120)
def test_a_short_soak_finds_nothing_wrong():
    done = subprocess.run([sys.executable, REPOSITORY / "contrib" / "soak", "--seconds",
                           str(SECONDS)], env={**os.environ, "PPIOFS_BIN": str(binary())},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                          timeout=SECONDS + 110)
    print(done.stdout)
    assert done.returncode == 0, done.stdout
