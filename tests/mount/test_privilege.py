# SPDX-License-Identifier: MIT
"""What the daemon may do besides reading the API, in each way to start it; it serves, and goes."""
import os

import pytest
from helpers import ALL, ONE, wait_for
from mounting import KEY
from stage import NOBODY, SOMEBODY, not_sanitized, stage  # noqa: F401

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as other users")

CAPABILITY = {"DAC_OVERRIDE": 1 << 1, "DAC_READ_SEARCH": 1 << 2, "SYS_ADMIN": 1 << 21}
ONLY_MOUNTING = CAPABILITY["SYS_ADMIN"]
SERVICE = ("setpriv", "--no-new-privs", "--bounding-set=-all,+sys_admin", "--inh-caps=-all")
SERVICE_OF_SYSTEMD = (*SERVICE[:2], "--bounding-set=-all,+sys_admin,+dac_override", SERVICE[3])
MOUNT_FUSE = ("mount.fuse3", "ppiofs#ppio", "{path}", "-o")


def rights(mount):
    """Of all threads, which must agree: what they have, what they could get, whether they may."""
    found = {(int(task["CapEff"], 16) | int(task["CapPrm"], 16), int(task["CapBnd"], 16),
              task["NoNewPrivs"], int(task["CapInh"], 16) | int(task["CapAmb"], 16))
             for task in mount.tasks()}
    (has, bound, no_new, passed_on), = found
    assert passed_on == 0
    return has, bound, no_new == "1"


def serves(mount, user=0):
    done = mount.stage.run(["cat", f"{mount.path}/instances/{ONE}/name"], user)
    assert done.stdout == ALL[ONE]["name"] + "\n", done.stderr + mount.stderr()


@pytest.mark.parametrize("how", ("fusermount3", "SIGTERM"))
def test_a_user_has_nothing_to_give_up_and_unmounts_with_fusermount3(api, stage, how):
    mount = stage.mount(api, NOBODY)
    serves(mount, NOBODY)
    has, _, no_new = rights(mount)
    assert (has, no_new) == (0, False)  # fusermount3 is setuid: it must not be kept from it
    mount.unmount(how)


@pytest.mark.parametrize("background", (False, True), ids=("foreground", "background"))
@pytest.mark.parametrize("how", ("umount", "fusermount3", "SIGTERM"))
def test_root_keeps_only_what_unmounting_takes(api, stage, background, how):
    mount = stage.mount(api, background=background)
    serves(mount)
    assert rights(mount) == (ONLY_MOUNTING, ONLY_MOUNTING, True)
    mount.unmount(how)


@pytest.mark.parametrize("prefix", (SERVICE, SERVICE_OF_SYSTEMD), ids=("alone", "of two"))
def test_a_service_of_root_needs_one_capability(api, stage, prefix):
    mount = stage.mount(api, prefix=prefix)
    serves(mount)
    assert rights(mount)[0::2] == (ONLY_MOUNTING, True)
    mount.unmount("SIGTERM")


def test_mount_fuse3_gives_a_daemon_of_a_user_without_any_capability(api, stage):
    words = [*MOUNT_FUSE, "{options},setuid=nobody,drop_privileges"]
    mount = stage.mount(api, command=words, key_owner=NOBODY)
    serves(mount, NOBODY)
    assert rights(mount) == (0, 0, True)
    (task, *_) = mount.tasks()
    assert task["Uid"].split() == [str(NOBODY)] * 4
    mount.unmount("umount")


def test_mount_fuse3_gives_a_daemon_of_a_user(api, stage):
    """Without drop_privileges it unmounts itself, with the help of fusermount3."""
    words = [*MOUNT_FUSE, "{options},setuid=nobody"]
    mount = stage.mount(api, command=words, key_owner=NOBODY, mountpoint=stage.directory(
        "theirs", NOBODY))
    serves(mount, NOBODY)
    assert rights(mount)[0::2] == (0, False)
    mount.unmount("SIGTERM")


@pytest.mark.parametrize("words", (
    ("mount", "-t", "fuse.ppiofs", "ppio", "{path}", "-o", "{options},nofail,_netdev"),
    ("/mnt/bin/mount.ppiofs", "ppio", "{path}", "-o", "{options},rw,user"),
), ids=("mount -t fuse.ppiofs", "mount.ppiofs"))
def test_mount_starts_it(api, stage, words):
    mount = stage.mount(api, command=words, background=True)
    serves(mount)
    assert rights(mount) == (ONLY_MOUNTING, ONLY_MOUNTING, True)
    mount.unmount("umount")


READS_ALL, WRITES_ALL = CAPABILITY["DAC_READ_SEARCH"], CAPABILITY["DAC_OVERRIDE"]


@pytest.mark.parametrize("prefix, keeps", (((), READS_ALL), (SERVICE_OF_SYSTEMD, WRITES_ALL)),
                         ids=("root", "service"))
def test_root_may_mount_in_a_home_that_is_closed_to_others(api, stage, prefix, keeps):
    stage.directory("closed", SOMEBODY, mode=0o700)
    mount = stage.mount(api, mountpoint=stage.directory("closed/mnt", SOMEBODY), prefix=prefix)
    serves(mount)
    has, _, no_new = rights(mount)
    assert has == ONLY_MOUNTING | keeps and no_new
    mount.unmount("SIGTERM")


def test_the_key_is_read_again_with_what_is_left(api, stage):
    stage.directory("closed", SOMEBODY, mode=0o700)
    key_file = stage.file("/mnt/closed/key", KEY + "\n")
    mount = stage.mount(api, options={"api_key_file": key_file})
    serves(mount)
    api.key = "sk-the-next-one-0123456789"
    stage.file(key_file, api.key + "\n")
    mount.stage.run(["kill", "-HUP", str(mount.pid_of_daemon())])
    wait_for(lambda: "using a new API key" in mount.stderr())
    serves(mount)


def test_a_key_command_of_root_runs_as_root_does_every_time(api, stage):
    """It may be a program that changes its user: nothing is kept from it."""
    stage.directory("closed", SOMEBODY, mode=0o700)
    key_file = stage.file("/mnt/closed/key", KEY + "\n", SOMEBODY)
    config = stage.file("/mnt/config", f"[defaults]\napi_key_command = setpriv --reuid={SOMEBODY} "
                        f"--clear-groups cat {key_file}\n")
    mount = stage.mount(api, key=None, options={"config": config})
    serves(mount)
    has, _, no_new = rights(mount)
    assert (has, no_new) == (ONLY_MOUNTING, False)
    api.key = "sk-the-next-one-0123456789"
    stage.file(key_file, api.key + "\n", SOMEBODY)
    mount.stage.run(["kill", "-HUP", str(mount.pid_of_daemon())])
    wait_for(lambda: "using a new API key" in mount.stderr())
    serves(mount)


def test_auto_unmount_outlives_what_was_given_up(api, stage):
    """Not for a user: fusermount3 before 3.15 looks at the dead mount as root, which may not."""
    mount = stage.mount(api, options={"auto_unmount": True})
    serves(mount)
    mount.process.kill()
    mount.process.wait()
    wait_for(lambda: not mount.is_mounted())


@not_sanitized
def test_a_daemon_is_closed_to_other_processes_of_its_user(api, stage):
    """No debugger, no look into its memory, no core: PR_SET_DUMPABLE is 0."""
    mount = stage.mount(api, NOBODY)
    serves(mount, NOBODY)
    proc = f"/proc/{mount.pid_of_daemon()}"
    for name in ("environ", "mem", "maps", "auxv", "fd/0"):
        done = stage.run(["head", "-c1", f"{proc}/{name}"], NOBODY)
        assert done.returncode != 0 and "Permission denied" in done.stderr, name
    assert os.stat(f"{proc}/environ").st_uid == 0
    limits = open(f"{proc}/limits").read()
    core, = [line.split() for line in limits.splitlines() if "core file" in line]
    assert core[4:6] == ["0", "0"]
