# SPDX-License-Identifier: MIT
"""Who gets in: the user who mounted, root, and everybody else, as real users."""
import os

import mock_fleet
import pytest
from helpers import ALL, ONE
from mounting import binary, run
from stage import NOBODY, SOMEBODY, Stage, stage  # noqa: F401

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as other users")

PUBLIC = f"instances/{ONE}/name"
SECRET = f"instances/{ONE}/tools/ssh/password"
PASSWORD = ALL[ONE]["tools"]["ssh"]["password"]


@pytest.fixture
def open_stage(watchdog):
    """Where an ordinary user may say allow_other."""
    it = Stage(watchdog, fuse_conf="user_allow_other")
    yield it
    it.close()


def cat(mount, name, user):
    return mount.stage.run(["cat", f"{mount.path}/{name}"], user)


def may_read(mount, name, user):
    done = cat(mount, name, user)
    assert (done.returncode == 0) == bool(done.stdout), done.stderr
    assert done.returncode == 0 or "Permission denied" in done.stderr
    return done.returncode == 0


# semantics: nobody-else
def test_nobody_but_the_user_gets_into_a_users_mount(api, stage):
    mount = stage.mount(api, NOBODY)
    assert may_read(mount, PUBLIC, NOBODY)
    assert cat(mount, SECRET, NOBODY).stdout == PASSWORD + "\n"
    for user in (SOMEBODY, 0):
        assert not may_read(mount, PUBLIC, user)
        assert not may_read(mount, ".ppiofs/status", user)
        for command in ("ls", "stat -f", "stat"):
            done = stage.run(f"{command} {mount.path}/.", user)
            assert done.returncode != 0 and "Permission denied" in done.stderr, command


def test_only_root_gets_into_a_mount_of_root(api, stage):
    mount = stage.mount(api)
    assert may_read(mount, SECRET, 0)
    assert not may_read(mount, PUBLIC, NOBODY)


def test_allow_other_shows_others_what_is_public_and_hides_the_rest(api, stage):
    mount = stage.mount(api, options={"allow_other": True})
    assert may_read(mount, PUBLIC, NOBODY)
    seen = stage.run(f"find {mount.path} -print; cat {mount.path}/tables/* {mount.path}/ssh/*",
                     NOBODY)
    assert seen.returncode == 0, seen.stderr
    assert f"{mount.path}/json" not in seen.stdout and "/password" not in seen.stdout
    assert not any(secret in seen.stdout for secret in mock_fleet.secrets(ALL[ONE]))


def test_secrets_that_are_shown_with_allow_other_are_for_the_owner_alone(api, stage):
    """What default_permissions is for: without it the kernel lets everybody read a 0400 file."""
    mount = stage.mount(api, options={"allow_other": True, "secrets": "show", "uid": SOMEBODY})
    for name in (SECRET, f"json/{ONE}.json", f"instances/{ONE}/envs/VLLM_PORT"):
        assert may_read(mount, name, SOMEBODY)
        assert not may_read(mount, name, NOBODY), name
    assert may_read(mount, PUBLIC, NOBODY)
    grep = stage.run(f"grep -rF {PASSWORD} {mount.path}", NOBODY)
    assert grep.stdout == "" and "Permission denied" in grep.stderr


def test_umask_takes_others_their_access(api, stage):
    mount = stage.mount(api, options={"allow_other": True, "umask": "077"})
    assert may_read(mount, PUBLIC, 0)
    assert not may_read(mount, PUBLIC, NOBODY)


def test_a_user_may_not_let_others_in_unless_the_administrator_says_so(api, stage, open_stage):
    refused = stage.mount(api, NOBODY, {"allow_other": True}, wait=False)
    refused.expect_stderr("cannot mount|user_allow_other")
    assert refused.process.wait(10) == 1
    assert "user_allow_other" in refused.stderr() and "/etc/fuse.conf" in refused.stderr()
    assert not refused.is_mounted()

    mount = open_stage.mount(api, NOBODY, {"allow_other": True, "secrets": "show"})
    assert may_read(mount, PUBLIC, SOMEBODY)
    assert may_read(mount, SECRET, NOBODY)
    assert not may_read(mount, SECRET, SOMEBODY)


@pytest.mark.parametrize("user", (0, NOBODY), ids=("root", "user"))
def test_the_safe_mount_options_cannot_be_turned_off(api, stage, user):
    mount = stage.mount(api, user, {"suid": True, "dev": True, "exec": True, "rw": True})
    line, = stage.mounts(mount.path)
    flags = line.split(" ")[5].split(",")
    super_flags = line.split(" ")[-1].split(",")
    assert {"ro", "nosuid", "nodev"} <= set(flags)
    assert "noexec" in flags
    assert {"ro", f"user_id={user}", "default_permissions"} <= set(super_flags)
    assert "allow_other" not in super_flags


def test_allow_root_is_not_offered(tmp_path):
    done = run([binary(), tmp_path, "-o", "allow_root"])
    assert done.returncode == 2 and "use allow_other" in done.stderr
