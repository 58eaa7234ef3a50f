# SPDX-License-Identifier: MIT
"""A stage on which other users may act: a mount namespace of its own, with a /dev that all may use.

In it /mnt is a fresh tmpfs that everybody can reach, and the ppiofs under test is installed in
/usr/local/bin; mounts made there are seen nowhere else, and go with it. Only root can set it up.
"""
import contextlib
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import threading
import time

import pytest

from mounting import (END_SECONDS, KEY, MOUNT_SECONDS, NEVER, NOISE, POLL_SECONDS, MountError,
                      binary, daemon_environment, is_sanitized, run)

NOBODY, SOMEBODY = 65534, 1  # somebody: another ordinary user, who is in passwd, too
PLACE = "/mnt"
# A sanitizer has to look into the process, and catches some signals.
not_sanitized = pytest.mark.skipif(is_sanitized(),
                                   reason="a sanitized build leaves its memory open")

SET_UP = r"""
set -e
# What others have mounted was copied, too, and would live on here after they unmount it.
grep ' - fuse' /proc/self/mountinfo | while read -r _ _ _ _ point _; do
    umount -c -l "$(printf '%b' "$point")"
done
mount -t tmpfs -o mode=755 stage /mnt
mkdir -p /mnt/dev /mnt/bin
cp "$1" /mnt/bin/ppiofs
ln -s ppiofs /mnt/bin/mount.ppiofs
for node in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0 fuse:10:229; do
    IFS=: read -r name major minor <<END
$node
END
    mknod -m 666 "/mnt/dev/$name" c "$major" "$minor"
done
ln -s /proc/self/fd /mnt/dev/fd
printf '%s\n' "$2" >/mnt/fuse.conf
mount --bind /mnt/fuse.conf /etc/fuse.conf
mount --bind /mnt/bin /usr/local/bin
mount --bind /mnt/dev /dev
echo ready
exec sleep infinity
"""


def as_user(user):
    """The words before a command that make @user run it, with no group and no capability."""
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups",
            "--inh-caps=-all"] if user else []


class Stage:
    """@fuse_conf: what /etc/fuse.conf says there."""

    def __init__(self, watchdog, fuse_conf=""):
        self.watchdog = watchdog
        self._mounts = []
        self._holder = subprocess.Popen(
            ["unshare", "-m", "--propagation", "private", "sh", "-c", SET_UP, "stage",
             str(binary()), fuse_conf], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        if self._holder.stdout.readline() != b"ready\n":
            self.close()
            raise MountError("the stage could not be set up")
        self.proc = pathlib.Path(f"/proc/{self._holder.pid}")

    def outside(self, path):
        """Where the test finds what is @path on the stage."""
        return self.proc / "root" / str(path).lstrip("/")

    def command(self, words, user=0):
        return ["nsenter", "-t", str(self._holder.pid), "-m", *as_user(user), *map(str, words)]

    def run(self, words, user=0, **how):
        """Runs a command there, a list or a line for sh, as @user; see mounting.run()."""
        argv = ["sh", "-c", words] if isinstance(words, str) else words
        return run(self.command(argv, user), **how)

    def directory(self, name, user=0, mode=0o755):
        """A new directory of @user's: its path on the stage."""
        path = f"{PLACE}/{name}"
        self.outside(path).mkdir()
        os.chown(self.outside(path), user, user)
        os.chmod(self.outside(path), mode)
        return path

    def file(self, path, text, user=0, mode=0o600):
        self.outside(path).unlink(missing_ok=True)
        with open(os.open(self.outside(path), os.O_WRONLY | os.O_CREAT, mode), "w") as file:
            file.write(text)
        os.chown(self.outside(path), user, user)
        return path

    def mounts(self, path):
        """The lines of mountinfo for what is mounted at @path there."""
        lines = (self.proc / "mountinfo").read_text().splitlines()
        return [line for line in lines if line.split(" ")[4] == str(path)]

    def mount(self, *how, **more):
        self._mounts.append(StageMount(self, *how, **more))
        return self._mounts[-1]

    @contextlib.contextmanager
    def syslog(self, reads=True):
        """A syslog daemon. @reads=False: it hangs."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            listener.bind(str(self.outside("/dev/log")))
            os.chmod(self.outside("/dev/log"), 0o666)
            log = Syslog(listener, reads)
            try:
                yield log
            finally:
                log.stop()
                self.outside("/dev/log").unlink()

    def close(self):
        """Unmounts all with its checks; of the failures the first is told."""
        failures = []
        for mount in reversed(self._mounts):
            try:
                mount.unmount()
            except Exception as failure:  # the others must come down as well
                failures.append(failure)
        self._holder.kill()
        self._holder.wait()
        self._holder.stdout.close()
        if failures:
            raise failures[0]


class Syslog:
    """@text: all lines that came, as they came."""

    def __init__(self, listener, reads):
        self.text = b""
        self._stopped = False
        self._listener = listener
        listener.settimeout(POLL_SECONDS)
        self._thread = threading.Thread(target=self._read, daemon=True)
        if reads:
            self._thread.start()

    def _read(self):
        while True:
            try:
                self.text += self._listener.recv(65536) + b"\n"
            except TimeoutError:
                if self._stopped:  # and nothing is left
                    return

    def wait_for(self, words):
        limit = time.monotonic() + END_SECONDS
        while words not in self.text:
            assert time.monotonic() < limit, self.text[-2000:]
            time.sleep(POLL_SECONDS)

    def stop(self):
        self._stopped = True
        if self._thread.is_alive():
            self._thread.join(END_SECONDS)


@pytest.fixture
def stage(watchdog):
    it = Stage(watchdog)
    yield it
    it.close()


class StageMount:
    """One ppiofs on the stage. @prefix: words before its name; @background: without -f, then
    @process is only the parent; @command instead of all words, with {binary} and the like."""

    count = 0

    def __init__(self, stage, api, user=0, options=None, *, key_owner=None, prefix=(), env=None,
                 wait=True, background=False, command=None, mountpoint=None, key=KEY):
        StageMount.count += 1
        self.stage, self.user = stage, user
        self.home = stage.directory(f"home{StageMount.count}", user)
        self.path = mountpoint or stage.directory(f"home{StageMount.count}/mnt", user)
        self.key_file = self.home + "/api_key"
        if key is not None:
            stage.file(self.key_file, key + "\n", user if key_owner is None else key_owner)
        usual = {"log": "debug", "api_url": getattr(api, "url", api)}
        if key is not None:
            usual["api_key_file"] = self.key_file
        self.options = ",".join(
            name if value is True else f"{name}={value}"
            for name, value in {**usual, **(options or {})}.items() if value is not None)
        self.words = command or ["{binary}", *([] if background else ["-f"]), "{path}", "-o",
                                 "{options}"]
        self.expected = self.closed = False
        self._start(prefix, daemon_environment(self.home, env))
        if wait:
            self.wait_until_mounted()

    def _start(self, prefix, env):
        words = [word.format(binary=f"{PLACE}/bin/ppiofs", path=self.path, options=self.options,
                             home=self.home) for word in self.words]
        argv = self.stage.command([*prefix, *words], self.user)
        self._stderr = self.stage.outside(self.home) / "stderr"
        with open(self._stderr, "ab") as err:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=err, stderr=err,
                                            env=env, start_new_session=True)
        self.stage.watchdog.watch(self.path, self.process.pid)

    def is_mounted(self):
        return any(" fuse.ppiofs " in line for line in self.stage.mounts(self.path))

    def wait_until_mounted(self):
        limit = time.monotonic() + MOUNT_SECONDS
        while not self.is_mounted() or not self.pid_of_daemon():
            if self.process.poll() not in (None, 0) or time.monotonic() > limit:
                self._clean_up()
                raise MountError(f"no mount; {self.process.returncode}:\n{self.stderr()}")
            time.sleep(POLL_SECONDS)

    def pid_of_daemon(self):
        """As the mount itself says it; None while it says nothing."""
        for user in (self.user, NOBODY):  # mount.fuse3 may have changed it
            asked = self.stage.run(["cat", f"{self.path}/.ppiofs/pid"], user, timeout=5)
            if asked.returncode == 0 and asked.stdout:
                return int(asked.stdout)
        return None

    def stderr(self):
        return self._stderr.read_text(errors="replace")

    def expect_stderr(self, pattern):
        self.expected = re.compile(pattern)

    def tasks(self):
        """/proc/PID/status of each thread, as {name: value}."""
        for task in pathlib.Path(f"/proc/{self.pid_of_daemon()}/task").iterdir():
            lines = (task / "status").read_text().splitlines()
            yield dict(line.split(":\t", 1) for line in lines if ":\t" in line)

    def unmount(self, how="fusermount3"):
        """With fusermount3 -u as who mounted, with umount as root, or with SIGTERM."""
        if self.closed:
            return
        try:
            if self.is_mounted():
                daemon = os.pidfd_open(self.pid_of_daemon())
                self._ask(how, daemon)
                self._wait_for_the_end(daemon)
            self._check_stderr()
        finally:
            self._clean_up()

    def _ask(self, how, daemon):
        if how == "SIGTERM":
            signal.pidfd_send_signal(daemon, signal.SIGTERM)
            return
        words = ["umount"] if how == "umount" else ["fusermount3", "-u"]
        asked = self.stage.run([*words, self.path], 0 if how == "umount" else self.user)
        if asked.returncode != 0:
            raise MountError(f"{how}: {asked.stderr}")

    def _wait_for_the_end(self, daemon):
        limit = time.monotonic() + END_SECONDS
        while self.is_mounted() or not _is_over(daemon):
            if time.monotonic() > limit:
                raise MountError(f"it is still there after {END_SECONDS} s:\n{self.stderr()}")
            time.sleep(POLL_SECONDS)
        os.close(daemon)
        if self.process.wait(END_SECONDS) != 0:
            raise MountError(f"ppiofs ended with {self.process.returncode}:\n{self.stderr()}")

    def _check_stderr(self):
        bad = [line for line in self.stderr().splitlines() if NEVER.search(line) or (
            NOISE.search(line) and not (self.expected and self.expected.search(line)))]
        if bad:
            raise MountError("not a quiet stderr:\n  " + "\n  ".join(bad))

    def _clean_up(self):
        self.closed = True
        self.stage.watchdog.unwatch(self.path, self.process.pid)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.is_mounted():  # in the background, or mounted by another
            self.stage.run(["umount", "-l", self.path])


def _is_over(pidfd):
    return bool(select.select([pidfd], [], [], 0)[0])  # a zombie is over, too
