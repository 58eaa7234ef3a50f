# SPDX-License-Identifier: MIT
"""Promise 19: time that passed in suspend has passed."""
import os
import re
import threading

import pytest

from helpers import ONE, errno_of, wait_for
from suspend import Suspend, needs_suspend

pytestmark = needs_suspend
TTL, HOUR = 300, 3600


@pytest.fixture
def asleep(troubled, tmp_path):
    """asleep(options) -> (mount, sleep): sleep(seconds) puts the machine to sleep."""
    suspend = Suspend(tmp_path)

    def make(**options):
        mount = troubled(env=suspend.env, options={"ttl": TTL, "detail_ttl": 2 * TTL, **options})

        def sleep(seconds):
            suspend.sleep(seconds)
            mount.read(".ppiofs/pid")  # a timer that the resume wakes is not to be had here
        return mount, sleep
    return make


def _age(mount):
    return float(re.search(r"list: .*?([\d.]+) s old", mount.read(".ppiofs/status"))[1])


# semantics: suspend-is-time
def test_nothing_that_is_older_than_ttl_counts_as_fresh(api, asleep):
    mount, sleep = asleep()
    place = mount.path / "instances" / ONE
    mount.ls("instances")
    before = (place / "ssh_command").read_text()
    held = os.open(place / "tools", os.O_RDONLY | os.O_DIRECTORY)
    assert "ssh" in os.listdir(held)
    api.update(ONE, status={"status": "exited"}, tools={"ssh": {"command": "ssh elsewhere"}})
    api.add({**api.fleet[ONE], "tools": {"other": {}}, "id": ONE})
    sleep(8 * HOUR)
    try:
        assert _age(mount) >= 8 * HOUR
        assert (place / "status").read_text() == "exited\n"
        assert errno_of((place / "ssh_command").read_text) == "ENOENT" and before
        assert os.listdir(held) == ["other"]
    finally:
        os.close(held)


def test_a_stale_answer_has_its_end_in_suspend_too(api, asleep):
    mount, sleep = asleep(max_stale=HOUR)
    names = mount.ls("instances")
    api.fault("*", status=500)
    sleep(TTL + 1)
    assert mount.ls("instances") == names
    sleep(2 * HOUR)
    assert errno_of(mount.ls, "instances") == "EIO"


def test_no_list_is_good_for_more_than_ten_minutes(api, asleep):
    """However long it took: this one slept for half an hour in the middle."""
    mount, sleep = asleep(ttl=1, timeout=HOUR)
    api.fault("list", delay=0.5, times=1)
    reader = threading.Thread(target=mount.ls, args=("instances",))
    reader.start()
    wait_for(lambda: api.count("list"))
    sleep(HOUR / 2)
    reader.join()
    lists = api.count("list")
    sleep(601)
    mount.ls("instances")
    assert api.count("list") == lists + 1


def test_a_command_that_brings_a_refused_key_is_run_less_and_less_often(api, troubled, tmp_path):
    """Half a minute in which each second somebody meets a 401."""
    suspend = Suspend(tmp_path)
    runs, config = tmp_path / "runs", tmp_path / "config"
    config.write_text(f"[defaults]\napi_key_command = sh -c 'echo >>{runs}; echo sk-refused'\n")
    config.chmod(0o600)
    mount = troubled(key=None, env=suspend.env, options={"config": config})
    for i in range(30):
        assert errno_of(mount.read, f"instances/nobody{i}/id") == "EACCES"
        suspend.sleep(1.1)
    assert api.count("get") == 30
    assert 3 <= len(runs.read_text().splitlines()) <= 8
