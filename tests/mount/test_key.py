# SPDX-License-Identifier: MIT
"""Where the key comes from, what a key file must be like, and how a new key takes over."""
import os
import pathlib
import re
import signal

import pytest
from helpers import ONE, errno_of, hang_up, wait_for
from mounting import KEY, binary, daemon_environment, run
from tracing import at_its_end

NEW = "sk-the-next-one-0123456789"
NEEDLE = "sk-needle-89abcdef0123"
NAME = f"instances/{ONE}/name"


def sent_keys(api):
    """Of the requests so far, each once, in order."""
    return list(dict.fromkeys(request.headers.get("authorization", "").removeprefix("Bearer ")
                              for request in api.requests))


def private_file(path, text, mode=0o600):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.fixture
def five_sources(tmp_path):
    """Each of the five sources with a key of its own, the strongest first: (name in .ppiofs/config,
    the key, what takes it away)."""
    home = tmp_path / "mount0"
    option = private_file(tmp_path / "option", "sk-of-the-option\n")
    systemd = private_file(tmp_path / "credentials" / "ppio-api-key", "sk-of-systemd\n", 0o400)
    command = private_file(tmp_path / "with_command", "[defaults]\n"
                           "api_key_command = printf '%s\\\\n' sk-of-the-command\n")
    nothing = private_file(tmp_path / "without_command", "[defaults]\n")
    private_file(home / "ppiofs" / "api_key", "sk-of-the-user\n")
    options = {"api_key_file": option, "config": command}
    env = {"CREDENTIALS_DIRECTORY": systemd.parent, "PPIO_API_KEY": "sk-of-the-environment"}
    return options, env, (
        (f"the file {option}", "sk-of-the-option", lambda: options.pop("api_key_file")),
        ("the systemd credential ppio-api-key", "sk-of-systemd", systemd.unlink),
        ("api_key_command", "sk-of-the-command", lambda: options.update(config=nothing)),
        ("the environment variable PPIO_API_KEY", "sk-of-the-environment",
         lambda: env.pop("PPIO_API_KEY")),
        (f"the file {home}/ppiofs/api_key", "sk-of-the-user",
         (home / "ppiofs" / "api_key").unlink),
    )


def test_the_strongest_of_five_sources_counts(api, mount_factory, five_sources, tmp_path):
    api.key = None
    options, env, sources = five_sources
    for name, key, take_away in sources:
        api.reset_counters()
        mount = mount_factory(key=None, options=options, env=env, tmp_path=tmp_path / "mount0")
        mount.read(NAME)
        assert sent_keys(api) == [key]
        assert f"api_key is set from {name}\n" in mount.read(".ppiofs/config")
        mount.unmount()
        take_away()
    mount = mount_factory(key=None, options=options, env=env, wait=False)
    mount.expect_stderr("no API key found")
    mount.expect_exit(4)
    assert mount.wait_exit() == 4
    for way in ("chmod 600", "PPIO_API_KEY", "man ppiofs"):
        assert way in mount.stderr()


@pytest.mark.parametrize("profile, variable", (("novita", "NOVITA"), ("ppio", "PPIO")))
def test_the_other_companys_variable_counts_only_at_its_hosts(tmp_path, profile, variable):
    env = daemon_environment(tmp_path, {"NOVITA_API_KEY": "sk-n", "PPIO_API_KEY": "sk-p"})
    shown = run([binary(), "--print-config", profile], env=env).stdout
    assert f"set from the environment variable {variable}_API_KEY" in shown


LINE = "it must hold the key and nothing else"
BAD_FILES = {
    "missing": (lambda path: None, "does not exist; write the key into it"),
    "empty": (lambda path: private_file(path, ""), "is empty"),
    "only a newline": (lambda path: private_file(path, "\n"), "is empty"),
    "two lines": (lambda path: private_file(path, f"{KEY}\n{KEY}\n"), LINE),
    "a blank": (lambda path: private_file(path, f"{KEY} \n"), LINE),
    "a header": (lambda path: private_file(path, f"{KEY}\r\nX-Other: 1\n"), LINE),
    "a control byte": (lambda path: private_file(path, f"{KEY}\x01\n"), LINE),
    "not ASCII": (lambda path: private_file(path, f"{KEY}é\n"), LINE),
    "a byte order mark": (lambda path: private_file(path, f"\ufeff{KEY}\n"), "byte order mark"),
    "NUL": (lambda path: private_file(path, f"{KEY}\0\n"), LINE),
    "too long": (lambda path: private_file(path, "k" * 100_000), LINE),
    "readable by the group": (lambda path: private_file(path, KEY, 0o640), "chmod 600"),
    "readable by all": (lambda path: private_file(path, KEY, 0o644), "chmod 600"),
    "writable by all": (lambda path: private_file(path, KEY, 0o602), "chmod 600"),
    "a link": (lambda path: path.symlink_to(private_file(path.with_name("real"), KEY)),
               "symbolic link"),
    "a dangling link": (lambda path: path.symlink_to("nowhere"), "symbolic link"),
    "a directory": (lambda path: path.mkdir(mode=0o700), "not a regular file"),
    "a fifo": (lambda path: os.mkfifo(path, 0o600), "not a regular file"),
}
if os.geteuid() == 0:
    BAD_FILES["another's"] = (
        lambda path: os.chown(private_file(path, KEY), 65534, 65534), "belongs to user 65534")


CASES = [(place, case) for place in ("option", "systemd", "user") for case in BAD_FILES
         if (place, case) != ("systemd", "readable by the group")]  # as systemd makes them


@pytest.mark.parametrize("place, case", CASES)
def test_a_key_file_that_is_not_safe_ends_with_4(tmp_path, place, case):
    make, sentence = BAD_FILES[case]
    env, options = {}, "api_url=http://127.0.0.1:9"
    if place == "option":
        path = tmp_path / "api_key"
        options += f",api_key_file={path}"
    elif place == "systemd":
        path = tmp_path / "credentials" / "ppio-api-key"
        env["CREDENTIALS_DIRECTORY"] = path.parent
    else:
        path = tmp_path / "ppiofs" / "api_key"
    path.parent.mkdir(exist_ok=True)
    make(path)
    words = [binary(), "-f", tmp_path / "none", "-o", options]  # the key is looked at first
    done = run(words, env=daemon_environment(tmp_path, env))
    assert done.returncode == 4
    assert len(done.stderr.splitlines()) == 1 and KEY not in done.stderr
    if case != "missing":
        assert sentence in done.stderr and str(path) in done.stderr
    else:
        assert re.search("does not exist|no API key found", done.stderr)


@pytest.mark.parametrize("text", (KEY, KEY + "\n", KEY + "\r\n"), ids=("bare", "LF", "CR LF"))
def test_a_key_file_may_end_as_an_editor_ends_it(api, mount_factory, text, tmp_path):
    path = private_file(tmp_path / "key", text, 0o400)
    mount_factory(key=None, options={"api_key_file": path}).read(NAME)
    assert sent_keys(api) == [KEY]


def test_mount_is_told_32(tmp_path):
    helper = tmp_path / "mount.ppiofs"
    helper.symlink_to(binary())
    done = run([helper, "ppio", tmp_path, "-o", f"api_key_file={tmp_path}/none"])
    assert done.returncode == 32 and "does not exist" in done.stderr


# A new key

def test_a_new_key_is_used_after_a_401_without_a_remount(api, mount):
    mount.read(NAME)
    api.key = NEW
    mount.write_key(NEW)
    assert mount.read(f"instances/{ONE}/ssh_command")
    hang_up(mount)
    assert mount.ls("instances")
    assert sent_keys(api) == [KEY, NEW]
    assert mount.stderr().count("using a new API key from the file") == 1
    assert NEW not in mount.stderr() and KEY not in mount.stderr()


def test_a_new_key_is_used_after_SIGHUP_without_a_refused_request(api, mount):
    mount.read(NAME)
    mount.ls("instances")  # nothing is under way any more
    api.key = NEW
    mount.write_key(NEW)
    hang_up(mount)
    mount.read(NAME)
    assert {request.status for request in api.requests} == {200}
    assert sent_keys(api) == [KEY, NEW]


def test_a_refused_key_heals_without_a_remount(api, mount_factory):
    api.key = NEW
    mount = mount_factory(options={"negative_ttl": 0.1, "ttl": 0.1})
    mount.expect_stderr("cannot be fetched")
    assert errno_of(mount.ls, "instances") == "EACCES"
    assert "check the API key" in mount.read(".ppiofs/last_error")
    mount.write_key(NEW)
    wait_for(lambda: errno_of(mount.ls, "instances") is None)


@pytest.mark.parametrize("case", ("empty", "two lines", "readable by all", "a link", "a fifo",
                                  "missing", "a header"))
@pytest.mark.parametrize("by", ("SIGHUP", "401"))
def test_a_broken_new_file_keeps_the_old_key(api, mount_factory, case, by):
    make, sentence = BAD_FILES[case]
    mount = mount_factory(options={"ttl": 0})
    mount.expect_stderr("cannot read the API key again; ppiofs keeps the old key: .*" + sentence)
    mount.read(NAME)
    pathlib.Path(mount.key_file).unlink()
    make(mount.key_file)
    if by == "401":
        api.fault("*", status=401, times=1)
        mount.expect_stderr("cannot be fetched|cannot be refreshed")
        assert errno_of(mount.read, NAME) == "EACCES"
    hang_up(mount)
    wait_for(lambda: "ppiofs keeps the old key" in mount.stderr())
    mount.read(NAME)
    assert sent_keys(api) == [KEY]
    assert KEY not in mount.stderr()


def test_a_key_command_that_fails_later_keeps_the_old_key(api, mount_factory, tmp_path):
    source = private_file(tmp_path / "source", KEY + "\n")
    config = private_file(tmp_path / "config", f"[defaults]\napi_key_command = cat {source}\n")
    mount = mount_factory(key=None, options={"config": config})
    mount.read(NAME)
    source.unlink()
    mount.expect_stderr(r"ppiofs keeps the old key: api_key_command \(cat\) failed with status 1")
    hang_up(mount)
    wait_for(lambda: "ppiofs keeps the old key" in mount.stderr())
    mount.read(NAME)
    mount.ls("instances")
    api.key = NEW
    private_file(source, NEW + "\n")
    hang_up(mount)
    wait_for(lambda: "using a new API key from api_key_command" in mount.stderr())
    mount.read(NAME)
    assert sent_keys(api) == [KEY, NEW]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may look everywhere")
def test_root_reads_the_key_again_in_anothers_home(api, mount_factory, tmp_path):
    """Of its capabilities the daemon has kept what that takes."""
    key = private_file(tmp_path / "home" / "ppiofs" / "api_key", KEY + "\n")
    os.chown(key.parent, 65534, 65534)
    key.parent.chmod(0o700)
    mount = mount_factory(key=None, env={"XDG_CONFIG_HOME": tmp_path / "home"})
    mount.read(NAME)
    api.key = NEW
    private_file(key, NEW + "\n")
    mount.ls("instances")
    assert sent_keys(api) == [KEY, NEW]


# Where a key must not be

@pytest.mark.parametrize("words", (
    ("-o", f"api_key={NEEDLE}"),
    ("-o", f"ttl=5,api_key={NEEDLE},allow_other"),
    (f"-oapi_key={NEEDLE}",),
    ("-o", f"API-Key={NEEDLE}"),
    ("-o", f"token={NEEDLE}"),
    ("-o", f"api_key={NEEDLE},half-after-a-comma-{NEEDLE}"),
    (f"--api-key={NEEDLE}",),
    ("--api-key", NEEDLE),
    ("-o", f"api_key\\={NEEDLE}"),
), ids=lambda words: " ".join(words))
def test_a_key_on_the_command_line_is_refused_and_wiped(tmp_path, words):
    seen = {}

    def look(pid):
        seen["cmdline"] = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    stderr = at_its_end([binary(), "ppio", tmp_path, *words], look)
    assert re.search("api_key_file=PATH", stderr) and "shell history" in stderr
    assert NEEDLE not in stderr
    assert b"ppio\0" in seen["cmdline"]
    assert NEEDLE.encode() not in seen["cmdline"]
    assert run([binary(), "ppio", tmp_path, *words]).returncode == 2


def test_a_key_in_the_configuration_is_refused_and_not_repeated(tmp_path):
    config = private_file(tmp_path / "config", f"[ppio]\napi_key = {NEEDLE}\n")
    done = run([binary(), tmp_path, "-o", f"config={config}"])
    assert done.returncode == 2 and "api_key_file=PATH" in done.stderr
    assert NEEDLE not in done.stderr
    config.write_text(f"[ppio]\n{NEEDLE}\n")
    done = run([binary(), tmp_path, "-o", f"config={config}"])
    assert done.returncode == 2 and "line 2" in done.stderr
    assert NEEDLE not in done.stderr


def test_the_key_leaves_the_environment(api, mount_factory):
    mount = mount_factory(key=None, env={"PPIO_API_KEY": KEY, "NOVITA_API_KEY": NEEDLE})
    mount.read(NAME)
    environment = pathlib.Path(f"/proc/{mount.pid}/environ").read_bytes()
    assert b"PATH=" in environment
    assert KEY.encode() not in environment and NEEDLE.encode() not in environment
    mount.signal(signal.SIGHUP)
    mount.read(NAME)
    assert sent_keys(api) == [KEY]
