# SPDX-License-Identifier: MIT
"""-o watch: what changes shows at once and is written to changes.log, for `tail -f` under one descriptor."""

import os
import time

import mock_fleet


def wait_for(condition, seconds=8):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


def mounted(mount_factory, api):
    mount = mount_factory(options={"watch": 1, "ttl": 600})
    assert wait_for(lambda: api.count("list") >= 1)
    time.sleep(0.2)
    return mount


def lines(mount):
    text = (mount.path / "changes.log").read_text()
    return [line.split("\t") for line in text.splitlines()]


def test_there_is_no_changes_log_without_watch(mount):
    assert "changes.log" not in os.listdir(mount.path)
    assert not (mount.path / "changes.log").exists()


# semantics: watch-pushes
def test_a_change_shows_long_before_ttl_and_is_one_line(mount_factory, api):
    mount = mounted(mount_factory, api)
    status = mount.path / "instances/ca338f12f3/status"
    assert status.read_text() == "running\n"
    assert lines(mount) == []

    api.update("ca338f12f3", status={"status": "exited", "error": "", "message": ""})

    assert wait_for(lambda: status.read_text() == "exited\n")
    assert [line[1:] for line in lines(mount)] == [["ca338f12f3", "status", "running", "exited"]]


# semantics: changes-log-grows
def test_the_log_grows_under_one_descriptor(mount_factory, api):
    mount = mounted(mount_factory, api)
    with open(mount.path / "changes.log") as log:
        assert log.read() == ""
        api.update("ca338f12f3", name="renamed\tby\nhand")
        assert wait_for(lambda: os.fstat(log.fileno()).st_size > 0)
        assert log.read().split("\t", 1)[1] == (
            "ca338f12f3\tname\tvllm-qwen3-32b\trenamed\\tby\\nhand\n")


def test_instances_that_come_and_go_are_written(mount_factory, api):
    mount = mounted(mount_factory, api)
    assert "newcomer00" not in os.listdir(mount.path / "instances")
    record = dict(api.fleet["ca338f12f3"], id="newcomer00")
    api.add(record)
    assert wait_for(lambda: "newcomer00" in os.listdir(mount.path / "instances"))
    api.remove("newcomer00")
    assert wait_for(lambda: "newcomer00" not in os.listdir(mount.path / "instances"))
    assert [line[1:] for line in lines(mount)] == [
        ["newcomer00", "instance", "", "present"], ["newcomer00", "instance", "present", ""]]


def test_a_secret_is_named_and_not_shown(mount_factory, api):
    mount = mounted(mount_factory, api)
    api.update("ca338f12f3", envs=[{"key": "HF_TOKEN", "value": "hf_changed_secret"}])
    assert wait_for(lambda: len(lines(mount)) > 0)
    text = (mount.path / "changes.log").read_text()
    assert "envs/HF_TOKEN" in text
    for secret in ["hf_changed_secret", *mock_fleet.secrets(api.fleet["ca338f12f3"])]:
        assert secret not in text
