# SPDX-License-Identifier: MIT
"""ppiofs among the other tools of a Linux system: --check, --refresh, mount(8), fstab, service
managers."""
import os
import pathlib
import re
import socket
import tempfile
import time

import pytest

import shells
from mounting import KEY, binary, daemon_environment, run

INSTANCE = "ca338f12f3"


class Home:
    """A user's configuration directory and the calls of ppiofs made from there."""

    def __init__(self, path, api):
        self.path, self.api = path, api
        self.key_file = path / "api_key"
        self.key_file.touch(0o600)
        self.key_file.write_text(KEY + "\n")
        self.mountpoint = path / "mnt"
        self.mountpoint.mkdir()

    def options(self, **more):
        usual = {"api_url": self.api.url, "api_key_file": self.key_file, **more}
        return ["-o", ",".join(f"{name}={value}" for name, value in usual.items()
                               if value is not None)]

    def ppiofs(self, *args, env=None, under=()):
        return run([*under, binary(), *args], env=self.environment(env))

    def environment(self, extra=None):
        # Where ppiofs has to fail, GLib must not make a crash of the message.
        return daemon_environment(self.path, {"G_DEBUG": None, **(extra or {})})

    def check(self, *words, env=None, under=(), **options):
        return self.ppiofs("--check", *words, *self.options(**options), env=env, under=under)


@pytest.fixture
def home(tmp_path, api):
    return Home(tmp_path, api)


@pytest.fixture
def open_home(api):
    """One that other users can walk into, unlike pytest's."""
    with tempfile.TemporaryDirectory(prefix="ppiofs-home-") as path:
        os.chmod(path, 0o755)
        yield Home(pathlib.Path(path), api)


AS_NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")


def verdicts(done):
    """[("ok", "key", "accepted"), …] of a --check; each line must be of this form."""
    return [re.fullmatch(r"(ok|note|FAIL) +([^:]+): (.+)", line).groups()
            for line in done.stdout.splitlines()]


def failures(done):
    return {subject: text for verdict, subject, text in verdicts(done) if verdict == "FAIL"}


# --check

def test_check_of_a_good_setup_says_ok_throughout_and_makes_one_request(home):
    done = home.check("ppio", home.mountpoint)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(verdict == "ok" for verdict, _, _ in verdicts(done)), done.stdout
    assert ("ok", "instances", str(len(home.api.fleet))) in verdicts(done)
    assert ("ok", "mount point", str(home.mountpoint)) in verdicts(done)
    assert re.search(r"^ok +API: \S+ answered in \d+ ms$", done.stdout, re.MULTILINE)
    assert home.api.count() == 1


def test_check_says_at_least_when_there_are_more_pages_and_does_not_ask_for_them(home):
    done = home.check(page_size=3)
    assert ("ok", "instances", "at least 3") in verdicts(done)
    assert home.api.count() == 1


def test_check_says_which_configuration_file_counts(home):
    folder = home.path / "ppiofs"
    folder.mkdir()
    (folder / "config").write_text(f"[work]\napi_url={home.api.url}\n")
    done = home.check("work", api_url=None)
    assert verdicts(done)[0] == ("ok", "configuration", f"{folder}/config, profile work")
    assert done.returncode == 0


def test_check_finds_the_key_where_a_mount_would(home):
    done = home.check(api_key_file=None, env={"PPIO_API_KEY": KEY})
    assert ("ok", "key", "found in the environment variable PPIO_API_KEY") in verdicts(done)
    assert done.returncode == 0 and KEY not in done.stdout + done.stderr


@pytest.mark.parametrize("spoil, says", [
    (lambda home: home.key_file.unlink(), "does not exist"),
    (lambda home: home.key_file.chmod(0o644), "chmod 600"),
    (lambda home: home.key_file.write_text("two\nlines\n"), "more than one line"),
], ids=["missing", "open to others", "no key"])
def test_check_of_a_bad_key_file_exits_with_4_and_asks_nothing(home, spoil, says):
    spoil(home)
    done = home.check()
    assert done.returncode == 4 and says in failures(done)["key"]
    assert home.api.count() == 0


def test_check_without_any_key_says_where_to_put_one(home):
    home.key_file.unlink()
    done = home.ppiofs("--check")
    assert done.returncode == 4
    assert "api_key (chmod 600)" in failures(done)["key"]


def test_check_of_a_refused_key_says_that_the_api_was_reached(home):
    home.key_file.write_text("sk-another\n")
    done = home.check()
    assert done.returncode == 1 and "check the API key" in failures(done)["key accepted"]
    assert any(line[:2] == ("ok", "API") for line in verdicts(done))
    assert "sk-another" not in done.stdout + done.stderr


def test_check_of_an_api_that_is_not_there_says_what_to_look_at(home):
    home.api.fault("*", refuse=True)
    done = home.check()
    assert done.returncode == 1 and "check api_url" in failures(done)["API"]


def test_check_of_a_name_that_does_not_resolve_says_dns(home):
    done = home.check(api_url="https://nosuch.invalid", timeout=5)
    assert done.returncode == 1 and "DNS" in failures(done)["API"]


def test_check_of_an_api_that_fails_asks_once(home):
    home.api.fault("list", status=503)
    done = home.check()
    assert done.returncode == 1 and "503" in failures(done)["instances"]
    assert home.api.count() == 1


def test_check_of_something_else_than_the_api_says_so(home):
    home.api.fault("list", body=b"<html><title>Welcome to nginx</title></html>")
    done = home.check()
    assert done.returncode == 1 and "Welcome to nginx" in failures(done)["instances"]


def test_check_of_a_wrong_profile_or_option_exits_with_2(home):
    assert home.check("nosuch").returncode == 2
    assert home.check(tttl=3).returncode == 2


def test_check_looks_at_the_mount_point_and_changes_nothing(home, mount_factory):
    missing = home.check("ppio", home.path / "none")
    assert missing.returncode == 2 and "mkdir" in failures(missing)["mount point"]
    plain = home.check("ppio", home.key_file)
    assert plain.returncode == 2 and "not a directory" in failures(plain)["mount point"]
    used = home.check("ppio", home.path)
    assert used.returncode == 0 and "is not empty" in used.stdout

    mount = mount_factory()
    live = home.check("ppio", mount.path)
    assert live.returncode == 3 and "already" in failures(live)["mount point"]
    assert mount.is_mounted()


def test_check_leaves_a_dead_mount_where_it_is(home, mount_factory):
    mount = mount_factory()
    mount.expect_exit(-9)
    mount.signal(9)
    mount.wait_exit()
    done = home.check("ppio", mount.path)
    assert done.returncode == 0 and "holds a dead ppiofs" in done.stdout
    assert mount.is_mounted()
    # A real mount does what was announced, though the kernel still knows the root's attributes.
    again = home.ppiofs(mount.path, *home.options())
    assert again.returncode == 0, again.stderr
    assert run(["fusermount3", "-u", mount.path]).returncode == 0


@needs_root
def test_check_as_a_user_looks_at_what_only_users_need(open_home):
    home = open_home
    # A device of its own, a fuse.conf of its own: in a mount namespace that ends with the call.
    setup = """
        mount --make-rprivate / && cd "$1" || exit
        cp -a /dev/fuse fuse && chmod "$2" fuse && mount --bind fuse /dev/fuse || exit
        echo "$3" > conf && mount --bind conf /etc/fuse.conf || exit
        shift 3; exec "$@" """

    def check(mode, conf, **options):
        under = ["unshare", "-m", "sh", "-c", setup, "sh", home.path, mode, conf, *AS_NOBODY]
        return home.check("ppio", home.mountpoint, api_key_file=None, env={"PPIO_API_KEY": KEY},
                          under=under, **options)
    home.mountpoint.chmod(0o777)
    good = check("0666", "user_allow_other")
    assert good.returncode == 0, good.stdout + good.stderr
    assert all(verdict == "ok" for verdict, _, _ in verdicts(good)), good.stdout
    home.mountpoint.chmod(0o755)
    bad = failures(check("0600", "# user_allow_other", fsname="x,allow_other"))
    assert set(bad) == {"/dev/fuse", "allow_other", "mount point"}
    assert "0666" in bad["/dev/fuse"] and "/etc/fuse.conf" in bad["allow_other"]


# --refresh

# semantics: refresh-drops
def test_refresh_shows_a_change_long_before_the_ttl_ends(home, mount_factory):
    mount = mount_factory(options={"ttl": 600, "detail_ttl": 600})
    status = f"instances/{INSTANCE}/status"
    assert mount.read(status) == "running\n"
    home.api.update(INSTANCE, status={"status": "exited"})
    assert mount.read(status) == "running\n"
    done = home.ppiofs("--refresh", mount.path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    limit = time.monotonic() + 5  # it returns when the daemon is told, not when it has listened
    while mount.read(status) != "exited\n":
        assert time.monotonic() < limit
        time.sleep(0.01)


@pytest.mark.parametrize("shell", shells.SHELLS)
def test_refresh_is_completed_with_the_mounts_there_are(home, mount_factory, shell):
    if not shells.is_there(shell):
        pytest.skip(f"{shell} is not installed")
    place = home.path / "a b"  # mountinfo writes the blank as \\040
    place.mkdir()
    mount = mount_factory(tmp_path=place)
    env = {**os.environ, "HOME": str(home.path)}
    line = f"ppiofs --refresh {home.path}/a"
    assert shells.completed(shell, line, home.path, env).replace("\\ ", " ") == str(mount.path)


def test_refresh_finds_the_mount_through_a_symbolic_link(home, mount_factory):
    mount = mount_factory()
    link = home.path / "link"
    link.symlink_to(mount.path)
    assert home.ppiofs("--refresh", link).returncode == 0


@pytest.mark.parametrize("place, says", [
    ("mnt", "no ppiofs is mounted there"), ("nosuch", "does not exist"), ("", "is missing")])
def test_refresh_of_what_is_no_mount_exits_with_2(home, place, says):
    done = home.ppiofs("--refresh", home.path / place if place else "")
    assert done.returncode == 2 and says in done.stderr


def test_refresh_of_a_dead_mount_says_so(home, mount_factory):
    mount = mount_factory()
    mount.expect_exit(-9)
    mount.signal(9)
    mount.wait_exit()
    done = home.ppiofs("--refresh", mount.path)
    assert done.returncode == 2 and "is dead" in done.stderr


@needs_root
def test_refresh_of_anothers_mount_is_refused(open_home, mount_factory):
    mount = mount_factory(options={"allow_other": True}, tmp_path=open_home.path)
    done = open_home.ppiofs("--refresh", mount.path, under=AS_NOBODY)
    assert done.returncode == 1 and "another user" in done.stderr


# mount(8) and fstab, with the helpers in /sbin: in a mount namespace of their own, over a copy

SBIN = """
    mount --make-rprivate / && cd "$1" || exit 70
    mount -t tmpfs tmpfs over && mkdir over/upper over/work || exit 70
    mount -t overlay overlay -o lowerdir=/usr/sbin,upperdir=over/upper,workdir=over/work \\
        /usr/sbin || exit 70
    for helper in $3; do ln -s "$2" "/usr/sbin/$helper"; done
    trap 'umount -l mnt 2>/dev/null' EXIT
    """
HELPERS = "mount.ppiofs mount.fuse.ppiofs"


def in_a_system(home, script, helpers=HELPERS):
    """Runs @script as root of a system where ppiofs is installed; mnt and $OPTIONS are home's."""
    (home.path / "over").mkdir(exist_ok=True)
    env = home.environment({"OPTIONS": home.options()[1]})
    done = run(["unshare", "-m", "sh", "-c", SBIN + script, "sh", home.path, binary(), helpers],
               env=env)
    if done.returncode == 70:
        pytest.skip(f"no overlay over /usr/sbin here: {done.stderr}")
    return done


@needs_root
@pytest.mark.parametrize("type", ["fuse.ppiofs", "ppiofs"])
def test_mount_finds_the_helper(home, type):
    done = in_a_system(home, f"""
        mount -t {type} ppio "$PWD/mnt" -o "$OPTIONS" && cat mnt/instances/{INSTANCE}/status &&
        grep -c "$PWD/mnt .* - fuse.ppiofs ppio ro," /proc/self/mountinfo && umount mnt""")
    assert (done.returncode, done.stdout) == (0, "running\n1\n"), done.stderr


@needs_root
def test_mount_without_the_helper_finds_ppiofs_by_mount_fuse(home):
    done = in_a_system(home, f"""
        test -x /sbin/mount.fuse || exit 71
        ln -s "$2" /usr/sbin/ppiofs
        mount -t fuse.ppiofs ppio "$PWD/mnt" -o "$OPTIONS" && cat mnt/instances/{INSTANCE}/status &&
        umount mnt""", helpers="")
    if done.returncode == 71:
        pytest.skip("mount.fuse is not installed")
    assert (done.returncode, done.stdout) == (0, "running\n"), done.stderr


@needs_root
def test_mount_helper_fails_with_32(home):
    done = in_a_system(home, """mount -t fuse.ppiofs ppio "$PWD/mnt" -o tttl=3; echo $?""")
    assert done.stdout == "32\n" and "did you mean 'ttl'" in done.stderr


@needs_root
def test_a_line_of_fstab_mounts(home):
    done = in_a_system(home, f"""
        echo "ppio $PWD/mnt fuse.ppiofs noauto,user,nofail,_netdev,x-gvfs-hide,$OPTIONS 0 0" >fstab
        mount --fake --fstab fstab "$PWD/mnt" && ls mnt &&
        mount --fstab fstab "$PWD/mnt" && cat mnt/instances/{INSTANCE}/status mnt/.ppiofs/pid &&
        cat "/proc/$(cat mnt/.ppiofs/pid)/comm" && "$2" --refresh mnt && umount mnt""")
    status, pid, name = done.stdout.splitlines()
    assert (done.returncode, status, name) == (0, "running", "ppiofs"), done.stderr


@needs_root
def test_a_mount_without_privileges(home):
    """mount.fuse3 opens the device and mounts; ppiofs gets a descriptor and nothing else."""
    done = in_a_system(home, f"""
        mkdir -p /usr/sbin/home && cp api_key "$2" /usr/sbin/home && chown -R nobody /usr/sbin/home
        export XDG_CONFIG_HOME=/nonexistent
        mount.fuse3 /usr/sbin/home/ppiofs mnt -o "setuid=nobody,drop_privileges,allow_other,$OPTIONS" \\
            -o api_key_file=/usr/sbin/home/api_key && cat mnt/instances/{INSTANCE}/status &&
        grep -E "^(Uid|CapEff)" "/proc/$(cat mnt/.ppiofs/pid)/status" && umount mnt""")
    assert done.returncode == 0, done.stderr
    status, uid, capabilities = done.stdout.splitlines()
    assert status == "running" and uid.split()[1] == "65534"
    assert int(capabilities.split()[1], 16) == 0


# Service managers, --print-config

@pytest.mark.parametrize("abstract", [False, True])
def test_ready_is_sent_once_the_mount_is_live(home, mount_factory, abstract):
    name = f"@ppiofs-{os.getpid()}" if abstract else str(home.path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(name.replace("@", "\0"))
        manager.settimeout(10)
        mount = mount_factory(env={"NOTIFY_SOCKET": name}, wait=False)
        while (told := manager.recv(100)).startswith(b"FDSTORE"):
            pass  # tests/fault/test_crash.py
        assert told == b"READY=1"
        assert mount.is_mounted()
        assert mount.ls("instances")
        mount.unmount()


def test_print_config_never_shows_the_key(home):
    for env, options in (({"PPIO_API_KEY": KEY}, home.options(api_key_file=None)),
                         ({}, home.options(log="debug"))):
        done = home.ppiofs("--print-config", *options, env=env)
        assert done.returncode == 0 and "api_key is set from" in done.stdout
        assert KEY not in done.stdout + done.stderr


def test_print_config_says_where_each_value_came_from(home):
    (home.path / "ppiofs").mkdir()
    (home.path / "ppiofs" / "config").write_text("[defaults]\ntimeout=7\n[ppio]\npage_size=9\n")
    done = home.ppiofs("--print-config", *home.options(ttl=3), env={"PPIOFS_MAX_STALE": "60"})
    told = dict(re.findall(r"^(\w+=\S*) +# (.*)$", done.stdout, re.MULTILINE))
    file = f"{home.path}/ppiofs/config"
    assert told["timeout=7"] == f"{file} [defaults]" and told["page_size=9"] == f"{file} [ppio]"
    assert told["max_stale=60"] == "environment PPIOFS_MAX_STALE"
    assert told["ttl=3"] == "command line" and told["detail_ttl=300"] == "built in"
