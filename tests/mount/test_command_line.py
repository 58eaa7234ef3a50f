# SPDX-License-Identifier: MIT
"""What a call of ppiofs ends with, what it says, and when it lets the caller go on."""
import os
import re
import select
import signal
import subprocess
import time

import pytest
from helpers import ALL, ONE, SOON, has_ended, wait_for
from mounting import KEY, END_SECONDS, Mount, binary, daemon_environment, run
from watchdog import mounted_device, take_down


class Call:
    """Calls of ppiofs that are expected to end, or to go to the background."""

    def __init__(self, place, api):
        self.place, self.api = place, api
        self.point = place / "mnt"
        self.point.mkdir()
        self.key = place / "key"
        self.key.touch(0o600)
        self.key.write_text(KEY + "\n")

    def options(self, **changes):
        found = {"api_url": self.api.url, "api_key_file": self.key, **changes}
        return ",".join(f"{name}={value}" for name, value in found.items() if value is not None)

    def __call__(self, *words, env=None, cwd=None):
        return run([binary(), *words], env=daemon_environment(self.place, env), cwd=cwd)

    def pid(self):
        return int((self.point / ".ppiofs/pid").read_text())


@pytest.fixture
def call(api, tmp_path, watchdog):
    it = Call(tmp_path, api)
    yield it
    device = mounted_device(it.point)
    if device is not None:
        run(["fusermount3", "-u", it.point], timeout=END_SECONDS)
        take_down(it.point, device)


# Words of the command line -> exit code, and what is said. {point}, {key} and {url} are filled in.
ENDS = {
    "help": (["--help"], 0, "ppiofs .*PROFILE.*MOUNTPOINT"),
    "help, short": (["-h"], 0, "ppiofs .*PROFILE.*MOUNTPOINT"),
    "version": (["--version"], 0, r"ppiofs \d+\.\d+"),
    "version, short": (["-V"], 0, r"ppiofs \d+\.\d+"),
    "configuration": (["--print-config", "-o", "api_url={url}"], 0, r"ttl=10\s.*built in"),
    "nothing": ([], 2, "mount point"),
    "too many words": (["a", "b", "c"], 2, "too many"),
    "unknown option": (["{point}", "-o", "tttl=1"], 2, "tttl.*did you mean 'ttl'"),
    "unknown switch": (["{point}", "-x"], 2, "-x"),
    "unknown long switch": (["{point}", "--chek"], 2, "--check"),
    "options without a value": (["{point}", "-o"], 2, "-o"),
    "a value is missing": (["{point}", "-o", "ttl"], 2, "ttl"),
    "no number": (["{point}", "-o", "ttl=soon"], 2, "ttl.*soon|soon.*ttl"),
    "a negative number": (["{point}", "-o", "ttl=-1"], 2, "ttl"),
    "a number too small": (["{point}", "-o", "timeout=0"], 2, "timeout"),
    "a number too large": (["{point}", "-o", "parallel_requests=100000"], 2, "parallel_requests"),
    "no level": (["{point}", "-o", "log=loud"], 2, "log"),
    "neither show nor hide": (["{point}", "-o", "secrets=maybe"], 2, "secrets"),
    "http elsewhere": (["{point}", "-o", "api_url=http://api.example"], 2, "https"),
    "http to a name": (["{point}", "-o", "api_url=http://localhost:1"], 2, "https"),
    "another scheme": (["{point}", "-o", "api_url=file:///etc/passwd"], 2, "api_url|https"),
    "no switch for verification": (["{point}", "-o", "insecure"], 2, "insecure"),
    "allow_root": (["{point}", "-o", "allow_root"], 2, "allow_root"),
    "unknown profile": (["nosuch", "{point}"], 2, "nosuch"),
    "configuration file missing": (["{point}", "-o", "config=/nonexistent"], 2, "nonexistent"),
    "key on the command line": (["{point}", "-o", "api_key=sk-visible"], 2,
                                "api_key_file|PPIO_API_KEY"),
    "no mount point there": (["{point}/missing", "-o", "api_url={url},api_key_file={key}"], 2,
                             "missing.*mkdir"),
    "mount point is a file": (["{key}", "-o", "api_url={url},api_key_file={key}"], 2,
                              "not a directory"),
    "no key": (["{point}", "-o", "api_url={url}"], 4, "no API key"),
    "key file missing": (["{point}", "-o", "api_key_file=/nonexistent"], 4, "nonexistent"),
    "key file too open": (["{point}", "-o", "api_key_file={open_key}"], 4, "chmod"),
}


@pytest.mark.parametrize("case", ENDS)
def test_a_call_ends_with_its_code_and_says_why(call, case):
    words, code, says = ENDS[case]
    open_key = call.place / "open"
    open_key.write_text(KEY)
    open_key.chmod(0o644)
    done = call(*(word.format(point=call.point, key=call.key, url=call.api.url, open_key=open_key)
                  for word in words))
    said = done.stdout if code == 0 else done.stderr
    assert (done.returncode, re.search(says, said, re.DOTALL) is not None) == (code, True), said
    assert (done.stderr if code == 0 else done.stdout) == ""
    assert code == 0 or said.count("\n") == 1, "one sentence"
    assert mounted_device(call.point) is None and KEY not in done.stdout + done.stderr


def test_a_call_that_mounts_ends_with_0_and_the_mount_is_live(call):
    done = call(call.point, "-o", call.options())
    assert set(os.listdir(call.point / "instances")) == set(ALL)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert run(["fusermount3", "-u", call.point]).returncode == 0


def test_an_immediate_ls_works_every_time(call):
    for _ in range(10):
        script = f"'{binary()}' {call.point} -o {call.options()} && ls {call.point}/instances"
        done = run(script, env=daemon_environment(call.place, None))
        assert done.stdout.split() == sorted(ALL), done.stderr
        pid = call.pid()
        assert run(["fusermount3", "-u", call.point]).returncode == 0
        wait_for(lambda: has_ended(pid))


def test_in_the_background_it_keeps_nothing_of_the_caller(call):
    read, write = os.pipe()
    os.set_inheritable(write, True)
    child = subprocess.run([binary(), call.point, "-o", call.options()], stdout=write,
                           stderr=write, cwd=call.place, env=daemon_environment(call.place, None),
                           timeout=SOON, check=True)
    os.close(write)
    assert child.returncode == 0
    while select.select([read], [], [], SOON)[0] and os.read(read, 100):
        pass
    assert select.select([read], [], [], 0)[0], "somebody still holds the caller's output"
    os.close(read)
    pid = call.pid()
    assert os.readlink(f"/proc/{pid}/cwd") == "/"
    assert {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in (0, 1, 2)} == {"/dev/null"}
    assert os.getsid(pid) == pid != os.getsid(0)


def test_relative_paths_are_of_where_one_was(call):
    done = call("mnt", "-o", call.options(api_key_file="key"), cwd=call.place)
    assert done.returncode == 0, done.stderr
    assert len(os.listdir(call.point / "instances")) == len(ALL)
    os.kill(call.pid(), signal.SIGHUP)  # reads the key again, from / by now
    assert len(os.listdir(call.point / "instances")) == len(ALL)


def test_it_mounts_though_nobody_is_there(call):
    call.api.fault("*", refuse=True)
    started = time.monotonic()
    assert call(call.point, "-o", call.options()).returncode == 0
    assert time.monotonic() - started < SOON
    assert "instances" in os.listdir(call.point)


def test_it_mounts_though_the_name_has_no_address(call):
    done = call(call.point, "-o", call.options(api_url="https://nosuch.invalid"))
    assert done.returncode == 0
    assert "instances" in os.listdir(call.point)


def test_it_mounts_though_the_key_is_refused(call):
    call.key.write_text("sk-of-somebody-else\n")
    assert call(call.point, "-o", call.options()).returncode == 0
    with pytest.raises(PermissionError):
        os.listdir(call.point / "instances")


def test_a_mount_point_in_use_is_refused(call, mount_factory):
    mount = mount_factory()
    done = call(mount.path, "-o", call.options())
    assert (done.returncode, "already mounted" in done.stderr) == (3, True)
    assert mount.read(f"instances/{ONE}/id") == ONE + "\n"


@pytest.mark.parametrize("words", (["-o", "api_key=sk-visible-secret"],
                                   ["-oapi_key=sk-visible-secret"],
                                   ["-o", "ttl=1,api_key=sk-visible-secret,log=debug"]))
def test_a_key_on_the_command_line_is_not_repeated(call, words):
    done = call(call.point, *words)
    assert done.returncode == 2 and "sk-visible" not in done.stderr + done.stdout


def test_options_of_fstab_mean_nothing_and_are_no_error(call):
    done = call("ppio", call.point, "-o", call.options() + ",_netdev,nofail,noauto,user,x-a.b=c,")
    assert (done.returncode, len(os.listdir(call.point / "instances"))) == (0, len(ALL))


def test_the_first_word_is_the_profile(call):
    (call.place / "ppiofs").mkdir()
    (call.place / "ppiofs" / "config").write_text(
        f"[defaults]\nttl=7\n[mine]\napi_url={call.api.url}\napi_key_file={call.key}\n")
    done = call("mine", call.point)
    assert done.returncode == 0, done.stderr
    told = (call.point / ".ppiofs/config").read_text()
    assert "[mine]" in told and re.search(r"^ttl=7\s", told, re.MULTILINE)


def test_the_environment_is_weaker_than_the_command_line(mount_factory):
    mount = mount_factory(options={"ttl": 3}, env={"PPIOFS_TTL": 4, "PPIOFS_PAGE_SIZE": 5})
    told = mount.read(".ppiofs/config")
    assert re.search(r"^ttl=3\s.*command line", told, re.MULTILINE)
    assert re.search(r"^page_size=5\s.*PPIOFS_PAGE_SIZE", told, re.MULTILINE)


def test_requests_say_what_they_should(api, mount_factory):
    mount_factory(options={"page_size": 7}).ls("instances")
    request = api.requests[0]
    assert (request.method, request.path) == ("GET", "/gpus/v2/instances?limit=7")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert len(api.requests) == 2 and "cursor=" in api.requests[1].path


def test_requests_under_way_stay_within_their_bound(api, mount_factory):
    api.latency = 0.05
    mount = mount_factory(options={"parallel_requests": 3})
    assert run(["grep", "-rq", "nothing like this", mount.path / "instances"]).returncode == 1
    assert 1 < api.max_in_flight <= 3


def test_it_is_started_like_every_mount_of_these_tests(mount):
    assert isinstance(mount, Mount) and mount.read(".ppiofs/pid") == f"{mount.pid}\n"
