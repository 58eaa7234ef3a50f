# SPDX-License-Identifier: MIT
"""contrib/quickstart, as somebody uses it who has just cloned: what it says when something is not as
it should be. The build itself is stood in for, so that this takes seconds."""
import os
import pathlib
import pty
import shutil
import tempfile

import pytest

from helpers import ONE, as_json, wait_for  # noqa: F401
from mock_api import MockApi
from mounting import KEY, REPOSITORY, binary, daemon_environment, run

LIMIT = 60
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")

# What meson and ninja leave behind; ppiofs notes what it is called with.
MESON = 'mkdir -p "$2" && : >"$2/build.ninja"'
NINJA = 'mkdir -p "$2/src" && cp "$TOOLS/ppiofs" "$2/src/ppiofs"'
APT = "echo 'E: a test installs nothing'; exit 100"
PPIOFS = 'echo "$@" >>"$TOOLS/calls"; exec "$BINARY" "$@"'


class Clone:
    """What quickstart needs of a clone, its user's home, and tools of its own."""

    def __init__(self, path, api):
        self.path, self.api = path, api
        self.top, self.tools, self.home = (path / name for name in ("a clone", "tools", "home"))
        self.mount = self.top / "ppio"
        shutil.copytree(REPOSITORY / "contrib", self.top / "contrib")
        (self.top / "tests").mkdir()
        for file in (REPOSITORY / "tests").glob("mock_*.py"):
            shutil.copy(file, self.top / "tests")
        self.tools.mkdir()
        for name, text in {"meson": MESON, "ninja": NINJA, "apt-get": APT, "ppiofs": PPIOFS}.items():
            self.tool(name, text)
        (self.home / "ppiofs").mkdir(parents=True)
        (self.home / "ppiofs" / "config").write_text(f"[ppio]\napi_url={api.url}\n")

    def tool(self, name, text):
        (self.tools / name).write_text(f"#!/bin/sh\n{text}\n")
        (self.tools / name).chmod(0o755)

    def environment(self, **more):
        path = more.pop("PATH", os.environ["PATH"])
        return daemon_environment(self.home, {
            "TOOLS": self.tools, "BINARY": binary(), "PATH": f"{self.tools}:{path}", **more})

    def quickstart(self, *words, under=(), **env):
        return run([*under, self.top / "contrib" / "quickstart", *words], timeout=LIMIT,
                   env=self.environment(**env))

    def source(self):
        """Which of the two is mounted."""
        return run(["findmnt", "-n", "-o", "SOURCE", "--mountpoint", self.mount]).stdout.strip()

    def mock(self):
        """The pid of the sample's API."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                words = pathlib.Path(f"/proc/{pid}/cmdline").read_text()
            except OSError:
                continue
            if f"{self.top}/tests/mock_api.py" in words:
                return int(pid)
        return None

    def end(self):
        if self.source():
            assert run(["fusermount3", "-u", "-z", self.mount]).returncode == 0
        wait_for(lambda: not self.mock())


@pytest.fixture
def clone(api):
    with tempfile.TemporaryDirectory(prefix="ppiofs-clone-") as path:  # others can walk into it
        os.chmod(path, 0o755)
        it = Clone(pathlib.Path(path), api)
        yield it
        it.end()


def fails(done, *says):
    assert done.returncode == 1, done.stdout + done.stderr
    said = done.stdout + done.stderr
    assert all(words in said for words in says), said
    last = done.stderr.splitlines()[-1]
    assert last.startswith(("quickstart: ", "install-packages: ")), said


@pytest.mark.parametrize("end", ("contrib/quickstart stop", "rm -rf build; fusermount3 -u ppio"))
def test_the_sample_comes_and_goes_with_its_api(clone, end):
    done = clone.quickstart()
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert "A sample account is mounted" in done.stdout
    assert (clone.mount / "instances" / ONE / "status").read_text() == "running\n"
    again = clone.quickstart()
    assert again.returncode == 0 and "A sample account is mounted" in again.stdout
    assert clone.mock()
    assert run(end, cwd=clone.top, env=clone.environment()).returncode == 0
    wait_for(lambda: not clone.mock())
    assert not clone.source()


def test_a_key_takes_the_place_of_the_sample(clone):
    clone.quickstart()
    assert clone.source() == "ppio-sample"
    done = clone.quickstart(PPIO_API_KEY=KEY)
    assert done.returncode == 0 and "Your account is mounted" in done.stdout, done.stderr
    assert clone.source() == "ppio" and clone.api.count() > 0
    assert clone.quickstart("sample").returncode == 0
    assert clone.source() == "ppio-sample"


def test_a_key_without_a_network_is_no_success(clone):
    clone.api.fault("*", refuse=True)
    done = clone.quickstart(PPIO_API_KEY=KEY)
    fails(done, "refused the connection", "FAIL", "the account could not be mounted and read")
    assert not clone.source()


def test_a_key_is_typed_and_shown_to_nobody(clone):
    child, terminal = pty.fork()
    if child == 0:
        os.execve(clone.top / "contrib" / "quickstart", ["quickstart", "account"],
                  clone.environment())
    said = ""

    def hears(words):
        nonlocal said
        try:
            said += os.read(terminal, 4096).decode(errors="replace")
        except OSError:  # it has ended
            assert words in said, said
        return words in said
    wait_for(lambda: hears("API key"), LIMIT)
    os.write(terminal, KEY.encode() + b"\n")
    wait_for(lambda: hears("To stop:"), LIMIT)
    os.close(terminal)
    assert os.waitpid(child, 0)[1] == 0
    assert "Your account is mounted" in said and "Building" in said and "\r\033[K" in said
    assert KEY not in said and KEY not in (clone.tools / "calls").read_text()


def test_what_is_cut_says_so(clone):
    with MockApi(100) as api:
        (clone.home / "ppiofs" / "config").write_text(f"[ppio]\napi_url={api.url}\n")
        done = clone.quickstart(PPIO_API_KEY=KEY)
        listing = done.stdout.partition("$ ls")[2].partition("\n$ ")[0].strip()
        assert done.returncode == 0 and listing.splitlines()[-1] == "..."
        clone.end()


@needs_root
def test_what_root_has_mounted_is_roots(clone):
    clone.quickstart()
    clone.top.chmod(0o777)
    for words in ([], ["stop"]):
        fails(clone.quickstart(*words, under=NOBODY), "mounted by another user (root",
              "sudo contrib/quickstart stop")
    clone.quickstart("stop")
    fails(clone.quickstart(under=NOBODY), "another user's (after sudo)")


@needs_root
@pytest.mark.parametrize("device, says", (("c 10 229", "FAIL"), ("p", "there is no /dev/fuse")))
def test_a_machine_that_lets_nobody_mount(clone, device, says):
    clone.top.chmod(0o777)
    under = ["unshare", "-m", "sh", "-c", f"cd {clone.path} && mknod -m 600 fuse {device} && "
             'mount --bind fuse /dev/fuse && exec "$@"', "sh", *NOBODY]
    fails(clone.quickstart(under=under), says, "/dev/fuse")


@needs_root
def test_a_full_disk(clone):
    (clone.top / "build").mkdir()
    under = ["unshare", "-m", "sh", "-c", f"mount -t tmpfs -o size=64k full '{clone.top}/build' && "
             f"! head -c 100000 /dev/zero >'{clone.top}/build/file' 2>/dev/null && "
             'exec "$@"', "sh"]
    clone.tool("meson", MESON + " && echo building")
    fails(clone.quickstart(under=under), "the disk is full")


@pytest.mark.skipif(not shutil.which("meson"), reason="meson is not installed")
def test_a_library_that_is_too_old(clone):
    for name in ("src", "include"):
        shutil.copytree(REPOSITORY / name, clone.top / name)
    shutil.copy(REPOSITORY / "meson.build", clone.top)
    (clone.tools / "meson").unlink()
    (clone.tools / "fuse3.pc").write_text("Name: fuse3\nDescription: old\nVersion: 3.10.5\n")
    fails(clone.quickstart(PKG_CONFIG_PATH=str(clone.tools)), "too old for ppiofs", "3.10.5")


@pytest.mark.parametrize("apt, says", (
    ("echo 'Temporary failure resolving'; exit 100", "is there a network?"),
    ("echo 'No space left on device'; exit 100", "the disk is full"),
    ("echo 'E: Unable to locate package'; exit 100", "its last words stand above"),
))
def test_a_tool_that_cannot_be_installed(clone, apt, says):
    clone.tool("apt-get", apt)
    clone.tool("sudo", '[ "$1" = -v ] || exec "$@"')
    done = run([clone.top / "contrib" / "install-packages", "nosuch-tool"], env=clone.environment())
    fails(done, says)


@pytest.mark.parametrize("has_apt, says", (
    (True, "run as root: apt-get install nosuch-tool"), (False, "no apt-get here")))
def test_a_user_who_cannot_install(clone, has_apt, says):
    if not has_apt:
        (clone.tools / "apt-get").unlink()
    (clone.tools / "bash").symlink_to(shutil.which("bash"))
    env = {**clone.environment(), "PATH": str(clone.tools)}
    under = [shutil.which(NOBODY[0]), *NOBODY[1:]] if os.geteuid() == 0 else []
    fails(run([*under, clone.top / "contrib" / "install-packages", "nosuch-tool"], env=env), says)
