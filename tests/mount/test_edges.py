# SPDX-License-Identifier: MIT
"""Promise 24: only its own place. Where it mounts, what it keeps of its caller, and how it ends; on a
stage, since some of this would take a machine's own mounts away."""
import fcntl
import contextlib
import os
import pathlib
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest

from helpers import ONE, wait_for
from mounting import KEY, daemon_environment
from stage import NOBODY, PLACE, stage  # noqa: F401

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
AT = f"{PLACE}/at"
AUTOMOUNTER = pathlib.Path(__file__).with_name("autofs.py").read_text()  # not seen from the stage


class World:
    """Runs lines of sh on the stage, where $P is ppiofs with its options."""

    def __init__(self, stage, api):
        self.stage = stage
        stage.directory("at")
        stage.file(f"{PLACE}/key", KEY + "\n")
        self.env = daemon_environment("/nonexistent", {"P": (
            f"{PLACE}/bin/ppiofs -o api_url={api.url},api_key_file={PLACE}/key")})

    def sh(self, line, user=0, timeout=30):
        return self.stage.run(line, user, env=self.env, timeout=timeout)

    def start(self, line, stdin=subprocess.DEVNULL):
        return subprocess.Popen(self.stage.command(["sh", "-c", line]), env=self.env,
                                stdin=stdin, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, start_new_session=True)

    def mounts(self, kind="fuse.ppiofs"):
        lines = (self.stage.proc / "mountinfo").read_text().splitlines()
        return [line.split()[4] for line in lines if f" - {kind} " in line]

    def daemons(self, names=("ppiofs\n",)):
        """The pids of all ppiofs on the stage that serve a mount."""
        here, found = os.readlink(self.stage.proc / "ns/mnt"), []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if (os.readlink(f"/proc/{pid}/ns/mnt") == here
                        and open(f"/proc/{pid}/comm").read() in names):
                    found.append(int(pid))
            except OSError:
                continue
        return found

    def processes(self):
        return self.daemons(("ppiofs\n", "ppiofs-keeper\n"))

    def tell(self, number):
        for pid in sorted(self.processes()):  # the keeper first: it would start another one
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def end(self, number=signal.SIGTERM):
        self.tell(number)
        wait_for(lambda: not self.processes())


@pytest.fixture
def world(stage, api):  # noqa: F811
    it = World(stage, api)
    yield it
    it.tell(signal.SIGCONT)
    it.tell(signal.SIGKILL)
    wait_for(lambda: not it.processes())


# One place

def test_a_link_is_resolved_once_and_never_mounted_twice(world):
    assert world.sh(f"ln -s at {PLACE}/link; $P {PLACE}/link").returncode == 0
    again = world.sh(f"$P {PLACE}/link")
    assert again.returncode == 3 and "already mounted" in again.stderr
    world.end(signal.SIGKILL)
    assert world.sh(f"$P {PLACE}/link").returncode == 0
    assert world.mounts() == [AT]
    world.end()
    assert world.mounts() == []


@pytest.mark.parametrize("dead", (False, True), ids=("free", "after a kill"))
def test_of_eight_starts_at_once_one_mounts(world, dead):
    if dead:
        world.sh(f"$P {AT}")
        world.end(signal.SIGKILL)
    calls = [world.start(f"exec $P {AT}") for _ in range(8)]
    codes = sorted(call.wait(30) for call in calls)
    for call in calls:
        call.communicate()
    assert codes == [0] + [3] * 7
    assert world.mounts() == [AT] and len(world.daemons()) == 1


def test_starts_at_one_place_wait_for_each_other(world):
    above = os.open(world.stage.outside(PLACE), os.O_RDONLY)
    fcntl.flock(above, fcntl.LOCK_EX)
    call = world.start(f"exec $P {AT}")
    with pytest.raises(subprocess.TimeoutExpired):
        call.wait(1)
    assert world.mounts() == []
    os.close(above)
    assert call.wait(30) == 0
    call.communicate()
    assert world.mounts() == [AT]


def test_root_does_not_follow_the_link_of_another(world):
    shared = world.stage.directory("shared", mode=0o1777)
    world.sh(f"ln -s {AT} {shared}/link", NOBODY)
    refused = world.sh(f"$P {shared}/link")
    assert refused.returncode == 2 and "belongs to another user" in refused.stderr
    assert world.mounts() == []


def test_a_directory_that_is_gone_is_not_the_root(world):
    refused = world.sh(f"mkdir {PLACE}/gone; cd {PLACE}/gone; rmdir {PLACE}/gone; $P .")
    assert refused.returncode == 2 and "current directory is gone" in refused.stderr
    assert world.mounts() == []


def test_a_message_shows_the_path_as_it_is_written(world):
    told = world.sh(f"LC_ALL=C $P {PLACE}/没有")
    assert told.returncode == 2 and f"{PLACE}/没有" in told.stderr


def test_a_configuration_of_roots_alone_is_nobody_elses(world):
    """/etc/ppiofs may be closed, since the key of the service is there."""
    etc = re.search(r"(\S+)/ppiofs/config\.$", world.sh("$P --help").stdout, re.MULTILINE)[1]
    world.sh(f"mkdir -p {etc}; mount -t tmpfs etc {etc}; mkdir -m 700 {etc}/ppiofs; "
             f"echo wrong >{etc}/ppiofs/config")
    refused, done = (world.sh(f"{PLACE}/bin/ppiofs --print-config", user) for user in (0, NOBODY))
    assert refused.returncode == 2 and "line 1" in refused.stderr
    assert done.returncode == 0, done.stderr


# One way to end

@pytest.mark.parametrize("on", (AT, f"{AT}/.ppiofs"))
def test_what_lies_on_top_stays(world, on):
    world.sh(f"$P {AT}; mount -t tmpfs top {on}")
    world.end()
    assert on in world.mounts("tmpfs")


def test_what_has_been_moved_is_unmounted_where_it_is(world):
    world.stage.directory("there")
    assert world.sh(f"$P {AT} && mount --move {AT} {PLACE}/there").returncode == 0
    assert world.mounts() == [f"{PLACE}/there"]
    world.sh(f"mount -t tmpfs other {AT}; echo kept >{AT}/file")
    world.end()
    assert world.mounts() == []
    assert world.sh(f"cat {AT}/file").stdout == "kept\n"


def test_a_parent_that_was_swapped_for_a_link_is_not_followed(world):
    """What the user would have root unmount is a file system of the machine's."""
    home = world.stage.directory("home", NOBODY)
    world.stage.directory("home/at", NOBODY)
    world.sh(f"mkdir -p {PLACE}/machine/at; mount -t tmpfs it {PLACE}/machine/at; "
             f"echo kept >{PLACE}/machine/at/file; $P {home}/at")
    assert world.mounts() == [f"{home}/at"]
    world.sh(f"mv {home} {PLACE}/aside && ln -s {PLACE}/machine {home}")
    world.end()
    assert world.mounts() == []
    assert world.sh(f"cat {PLACE}/machine/at/file").stdout == "kept\n"


def test_what_took_its_path_stays(world):
    home = world.stage.directory("home")
    world.sh(f"mkdir {home}/at; $P {home}/at; mount -t tmpfs cover {home}; mkdir {home}/at; "
             f"mount -t tmpfs other {home}/at")
    world.end()
    assert world.mounts("tmpfs")[-1] == f"{home}/at"


def test_a_signal_for_all_of_a_service_leaves_no_dead_mount(world):
    """The helper that unmounts for a user gets it, too."""
    tools = world.stage.directory("tools")
    world.stage.file(f"{tools}/fusermount3", "#!/bin/sh\nkill -TERM $$\nexec "
                     f"{shutil.which('fusermount3')} \"$@\"\n", mode=0o755)
    world.stage.directory("his", NOBODY)
    world.stage.file(f"{PLACE}/his_key", KEY + "\n", NOBODY)
    done = world.sh(f"PATH={tools}:$PATH $P -o api_key_file={PLACE}/his_key {PLACE}/his", NOBODY)
    assert done.returncode == 0 and world.mounts() == [f"{PLACE}/his"], done.stderr
    world.end()
    assert world.mounts() == []


def test_an_abort_is_told_and_leaves_no_dead_mount(world):
    world.sh(f"mount -t fusectl none /sys/fs/fuse/connections; $P -f {AT} 2>{PLACE}/log & "
             f"until grep -q mounted.at {PLACE}/log; do sleep 0.05; done")
    device = re.search(rf"^\S+ \S+ 0:(\d+) .* {AT} .*fuse.ppiofs",
                       (world.stage.proc / "mountinfo").read_text(), re.MULTILINE)[1]
    world.sh(f"echo 1 >/sys/fs/fuse/connections/{device}/abort")
    wait_for(lambda: not world.daemons())
    assert world.mounts() == []
    assert "aborted" in world.stage.outside(f"{PLACE}/log").read_text()


def test_its_terminal_ends_it_in_the_foreground(world):
    child, terminal = pty.fork()
    if child == 0:
        os.execvpe("nsenter", world.stage.command(["sh", "-c", f"exec $P -f {AT}"]), world.env)
    log = ""

    def said(words):
        nonlocal log
        log += os.read(terminal, 4096).decode()
        return words in log
    wait_for(lambda: said("mounted at"))
    world.tell(signal.SIGHUP)  # the terminal is there
    wait_for(lambda: said("dropped"))
    assert world.mounts() == [AT]
    os.close(terminal)
    wait_for(lambda: not world.daemons())
    os.waitpid(child, 0)
    assert world.mounts() == []


# What is inherited

def test_nothing_of_the_caller_is_kept(world):
    done = world.sh(f"exec 9>{PLACE}/lock; flock -n 9; $P {AT}; exec 9>&-; "
                    f"flock -n {PLACE}/lock echo free; $P {PLACE}/none 3>&1 | cat")
    assert done.stdout == "free\n"
    [pid] = world.daemons()
    assert not [link for link in os.listdir(f"/proc/{pid}/fd")
                if "lock" in os.readlink(f"/proc/{pid}/fd/{link}")]


def test_a_pipe_of_the_caller_ends(world):
    call = world.start(f"$P {AT} 5>&1 >/dev/null 2>&1")
    assert call.communicate(timeout=20)[0] == ""


@pytest.mark.parametrize("closed", ("0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"))
def test_closed_descriptors_are_no_matter(world, closed):
    assert world.sh(f"$P {AT} {closed}", timeout=20).returncode == 0
    assert world.sh(f"cat {AT}/.ppiofs/pid").returncode == 0
    world.end()
    call = world.start(f"exec $P -f {AT} {closed}")
    wait_for(lambda: world.sh(f"cat {AT}/.ppiofs/pid").returncode == 0)
    for number in re.findall(r"\d", closed):
        assert os.readlink(f"/proc/{world.daemons()[0]}/fd/{number}") == "/dev/null"
    world.end()
    call.communicate(timeout=10)


@pytest.mark.parametrize("options", ("ttl=1", "auto_unmount"))  # that by a helper's path
def test_an_automount_lets_it_mount(world, options):
    world.env["AUTOMOUNTER"] = AUTOMOUNTER
    manager = world.start(f"exec {sys.executable} -c \"$AUTOMOUNTER\" {AT} $P {AT} -o {options}",
                          stdin=subprocess.PIPE)
    said = manager.stdout.readline()
    if said != "watching\n":
        pytest.skip(said.strip())
    assert world.mounts() == []
    assert world.sh(f"cat {AT}/instances/{ONE}/status", timeout=15).stdout == "running\n"
    assert world.mounts() == [AT]
    world.end()
    manager.communicate(timeout=10)


# Who does not answer

def test_a_stopped_daemon_keeps_nobody(world):
    world.sh(f"$P {AT}")
    world.tell(signal.SIGSTOP)
    for line, code in ((f"$P {AT}", 3), (f"$P --refresh {AT}", 1), (f"$P --check {AT}", 3)):
        done = world.sh(line, timeout=15)
        assert done.returncode == code and "does not respond" in done.stdout + done.stderr, line


@pytest.mark.parametrize("pid", ("truncate -s 1T", "ln -s /dev/zero", "mkfifo"))
def test_refresh_takes_a_number_from_a_file(world, pid):
    """Nobody but the kernel says what is mounted there."""
    world.sh(f"$P {AT}; mkdir {PLACE}/false; mount --bind {PLACE}/false {AT}/.ppiofs")
    assert world.sh(f"{pid} {PLACE}/false/pid; test -e {AT}/.ppiofs/pid").returncode == 0
    done = world.sh(f"$P --refresh {AT}", timeout=15)
    assert done.returncode == 1 and "cannot read the number of its process" in done.stderr


def test_a_user_without_processes_is_told_so(world):
    world.stage.directory("his", NOBODY)
    world.stage.file(f"{PLACE}/his_key", KEY + "\n", NOBODY)
    done = world.sh(f"prlimit --nproc=1 $P -o api_key_file={PLACE}/his_key -f {PLACE}/his", NOBODY)
    assert done.returncode == 1 and "cannot start a thread" in done.stderr


# The service manager

class Manager:
    """A NOTIFY_SOCKET."""

    def __init__(self, world):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(world.stage.outside(f"{PLACE}/notify")))
        self.socket.settimeout(10)

    def fill(self, world):
        filler = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        filler.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                filler.sendto(b"full", str(world.stage.outside(f"{PLACE}/notify")))

    def next(self):
        while (message := self.socket.recv(100)).startswith((b"full", b"FDSTORE")):
            pass
        return message


def test_a_full_manager_is_told_later_and_the_watchdog_from_the_loop(world):
    manager = Manager(world)
    manager.fill(world)
    call = world.start(f"NOTIFY_SOCKET={PLACE}/notify WATCHDOG_USEC=400000 exec $P -f {AT}")
    wait_for(lambda: world.sh(f"cat {AT}/.ppiofs/pid").returncode == 0)
    assert manager.next() == b"READY=1"
    started = time.monotonic()
    assert [manager.next() for _ in range(3)] == [b"WATCHDOG=1"] * 3
    assert time.monotonic() - started < 5
    world.end()
    call.communicate(timeout=10)
