# SPDX-License-Identifier: MIT
"""Mounts the real ppiofs for a test, and takes it down again whatever happened in between."""
import contextlib
import os
import pathlib
import re
import signal
import subprocess
import threading
import time

from watchdog import mounted_device, take_down

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
KEY = "sk-test-0123456789abcdef"  # what MockApi asks for unless told otherwise
MOUNT_SECONDS = 10
PATIENT = 600
END_SECONDS = 5
POLL_SECONDS = 0.005

NOISE = re.compile(r"\b(error|warning):", re.IGNORECASE)
NEVER = re.compile(r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|UndefinedBehaviorSanitizer"
                   r"|runtime error|GLib(-GObject|-GIO)?-(CRITICAL|ERROR)|Assertion .* failed")
# What of the caller's environment would lead the daemon elsewhere: a proxy, a key, its options.
FOREIGN = re.compile(r"(?i)^(ppio|novita|xdg_|.*_proxy$|notify_socket$|credentials_directory$)")


class MountError(AssertionError):
    """The daemon did not do what every mount must."""


class Finished:
    """What run() brings back; returncode is None if the command had to be given up."""

    def __init__(self, returncode, stdout, stderr, seconds):
        self.returncode = returncode
        self.stdout = stdout
        self.stderr = stderr
        self.seconds = seconds

    @property
    def timed_out(self):
        return self.returncode is None


def run(command, timeout=20, cwd=None, env=None, text=True):
    """Runs @command (a list; a string goes to sh) for at most @timeout seconds.

    subprocess.run() waits for a killed child without limit, and one in state D does not die: here
    it is given up. Output goes to files, so no pipe that a grandchild holds can keep us either.
    """
    argv = ["sh", "-c", command] if isinstance(command, str) else [os.fspath(a) for a in command]
    with _scratch_file() as out, _scratch_file() as err:
        started = time.monotonic()
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=cwd,
                                 env=env, start_new_session=True)
        try:
            code = child.wait(timeout)
        except subprocess.TimeoutExpired:
            code = None
            _kill_group(child)
        seconds = time.monotonic() - started
        return Finished(code, _content(out, text), _content(err, text), seconds)


def _kill_group(child):
    try:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait(1)
    except (ProcessLookupError, subprocess.TimeoutExpired):
        # Its __del__ would only warn; when the mount is gone it dies and init takes it.
        child.returncode = -signal.SIGKILL


def _scratch_file():
    return open(os.memfd_create("output"), "w+b")


def _content(file, text):
    file.seek(0)
    content = file.read()
    return content.decode(errors="replace") if text else content


def binary():
    """The ppiofs under test."""
    path = pathlib.Path(os.environ.get("PPIOFS_BIN", REPOSITORY / "build" / "src" / "ppiofs"))
    if not os.access(path, os.X_OK):
        raise MountError(f"{path} is not there: build first, or set PPIOFS_BIN")
    return path.resolve()


def is_sanitized():
    """Whether it was built with a sanitizer: then what memory costs is not to be seen."""
    return any(start in binary().read_bytes() for start in (b"__asan_init", b"__tsan_init"))


def daemon_environment(home, extra):
    """The caller's environment without what is not the test's; @extra wins, None removes."""
    env = {name: value for name, value in os.environ.items() if not FOREIGN.match(name)}
    env.update(XDG_CONFIG_HOME=str(home), HOME=str(home))
    for name, value in (extra or {}).items():
        env.pop(name, None)
        if value is not None:
            env[name] = str(value)
    return env


class Mount:
    """One ppiofs in the foreground.

    @api: a MockApi, a URL, or None (options must say api_url then). @options: {"ttl": 1}; True for
    a bare flag, None to leave out one of the usual four. @key: None writes no key file.
    @wait=False returns before it is mounted; wait_until_mounted() does the rest.
    """

    def __init__(self, api, tmp_path, options=None, args=(), env=None, key=KEY, wait=True,
                 watchdog=None):
        self.tmp_path = pathlib.Path(tmp_path).resolve()  # as mountinfo spells it
        self.path = self.tmp_path / "mnt"
        with contextlib.suppress(FileExistsError):  # mkdir(exist_ok) would look into a dead mount
            self.path.mkdir()
        self.key_file = self.tmp_path / "api_key"
        if key is not None:
            self.write_key(key)
        self._expected = []
        self._expected_exit = {0}
        self._watchdog = watchdog
        self._device = None
        self._neighbour = self._living_mount()  # not ours: neither to wait for nor to take down
        self._closed = False
        self.command = [str(binary()), "-f", str(self.path), *self._option_words(api, key, options),
                        *map(str, args)]
        self._start(daemon_environment(self.tmp_path, env))
        if wait:
            try:
                self.wait_until_mounted()
            except BaseException:
                self._clean_up()
                raise

    def _option_words(self, api, key, options):
        # A busy machine takes longer than the usual patience; what waits is a test's own affair.
        usual = {"log": "debug", "patience": PATIENT}
        if api is not None:
            usual["api_url"] = getattr(api, "url", api)
        if key is not None:
            usual["api_key_file"] = self.key_file
        words = [name if value is True else f"{name}={value}"
                 for name, value in {**usual, **(options or {})}.items() if value is not None]
        return ["-o", ",".join(words)] if words else []

    def _start(self, env):
        with (open(self.tmp_path / "stderr", "ab") as err,
              open(self.tmp_path / "stdout", "ab") as out):
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=err, env=env, start_new_session=True)
        if self._watchdog is not None:
            self._watchdog.watch(self.path, self.process.pid)

    def write_key(self, key):
        """As a careful user would: nobody else can read it at any moment."""
        self.key_file.unlink(missing_ok=True)
        with open(os.open(self.key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(key + "\n")

    # While it runs

    @property
    def pid(self):
        return self.process.pid

    def is_mounted(self):
        return mounted_device(self.path) not in (None, self._neighbour)

    def wait_until_mounted(self, timeout=MOUNT_SECONDS):
        """Until it is in the mount table and answers a stat()."""
        limit = time.monotonic() + timeout
        while (device := mounted_device(self.path)) in (None, self._neighbour) or not self._answers(
                max(limit - time.monotonic(), 1)):
            if self.process.poll() is not None:
                raise MountError(f"ppiofs ended with {self.process.returncode}:\n{self.stderr()}")
            if time.monotonic() > limit:
                raise MountError(f"no living mount after {timeout} s:\n{self.stderr()}")
            time.sleep(POLL_SECONDS)
        self._device = device

    def _living_mount(self):
        device = mounted_device(self.path)
        return device if device is not None and self._answers(1) else None

    def _answers(self, timeout):
        """Whether a file system lives at the mount point: no answer and ENOTCONN are none."""
        devices = []

        def ask():
            with contextlib.suppress(OSError):
                os.statvfs(self.path)  # of a dead mount's root the kernel may still have the stat()
                devices.append(os.stat(self.path).st_dev)
        # A thread that hangs here is let go when the connection is aborted.
        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        asking.join(timeout)
        return bool(devices) and devices[0] != os.stat(self.path.parent).st_dev

    def read(self, name):
        return self.read_bytes(name).decode()

    def read_bytes(self, name):
        return (self.path / name).read_bytes()

    def ls(self, name=""):
        return sorted(os.listdir(self.path / name))

    def stats(self):
        """.ppiofs/metrics as {'name' or 'name{labels}': number}."""
        found = {}
        for line in self.read(".ppiofs/metrics").splitlines():
            if line and not line.startswith("#"):
                name, value = re.fullmatch(r"(\w+(?:\{.*\})?)\s+(\S+)(?:\s+-?\d+)?", line).groups()
                found[name] = int(value) if re.fullmatch(r"-?\d+", value) else float(value)
        return found

    def stderr(self):
        return (self.tmp_path / "stderr").read_text(errors="replace")

    def stdout(self):
        return (self.tmp_path / "stdout").read_text(errors="replace")

    def signal(self, number):
        self.process.send_signal(number)

    # What the end may look like

    def expect_stderr(self, pattern):
        """Lines that match may say error: or warning:. What a sanitizer says is never expected."""
        self._expected.append(re.compile(pattern))

    def expect_exit(self, *codes):
        """Codes other than 0 with which it may end; -signal.SIGKILL for one that is killed."""
        self._expected_exit = set(codes)

    def check_stderr(self):
        text = self.stderr()
        bad = [line for line in text.splitlines() if NEVER.search(line) or (
            NOISE.search(line) and not any(pattern.search(line) for pattern in self._expected))]
        if bad:
            raise MountError("not a quiet stderr:\n  " + "\n  ".join(bad) + f"\nall of it:\n{text}")

    # The end

    def wait_exit(self, timeout=END_SECONDS):
        """The daemon's exit code; it has been told to end by other means."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise MountError(f"ppiofs runs on after {timeout} s:\n{self.stderr()}") from None

    def unmount(self):
        """fusermount3 -u, unless it ended already; then what every end must be like."""
        if self._closed:
            return
        try:
            if self.process.poll() is None:
                self._ask_to_unmount()
            code = self.wait_exit()
            if code not in self._expected_exit:
                raise MountError(f"ppiofs ended with {code}:\n{self.stderr()}")
            # One that was killed leaves its mount; one that ended by itself must not.
            if code >= 0 and self.is_mounted():
                raise MountError(f"ppiofs ended with {code} and left its mount behind")
            self.check_stderr()
        finally:
            self._clean_up()

    def _ask_to_unmount(self):
        if not self.is_mounted():  # it never came so far, or somebody detached it
            self.process.terminate()
            return
        asked = run(["fusermount3", "-u", self.path], timeout=END_SECONDS)
        if asked.returncode != 0 and self.is_mounted():  # else it ended by itself meanwhile
            raise MountError(f"fusermount3 -u: {asked.returncode} {asked.stderr.strip()}")

    def _clean_up(self):
        """Nothing of it is left, however it went; does not wait for long."""
        self._closed = True
        device = self._device or mounted_device(self.path)
        if device != self._neighbour:
            take_down(self.path, device)
        if self._watchdog is not None:
            self._watchdog.unwatch(self.path, self.pid)
        if self.process.poll() is None:
            self.process.kill()
            try:
                self.process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.returncode = -signal.SIGKILL  # in state D: given up, as in run()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.unmount()
