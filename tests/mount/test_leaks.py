# SPDX-License-Identifier: MIT
"""A hunt for the key and for every secret of the fleet, wherever they must not turn up."""
import base64
import os
import pathlib
import signal
import socket

import mock_fleet
import pytest
from helpers import ALL, ONE, contents, errno_of, hang_up, wait_for
from mock_faults import to_json
from mounting import KEY, binary, daemon_environment, run
from stage import NOBODY, SOMEBODY, not_sanitized, stage  # noqa: F401

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as other users")

NEW = "sk-the-next-one-0123456789"
OF_THE_FLEET = {secret for record in ALL.values() for secret in mock_fleet.secrets(record)}
OF_THE_KEY = {form for key in (KEY, NEW) for form in (
    key, base64.b64encode(key.encode()).decode(), key.encode().hex())}


def found(data, secrets=OF_THE_FLEET | OF_THE_KEY):
    """Those of @secrets that are in @data."""
    data = data.encode() if isinstance(data, str) else data
    return [secret for secret in secrets if secret.encode() in data]


def echo(key=KEY):
    """Bodies in which an API, or what stands before it, repeats what it was sent."""
    header = f"Authorization: Bearer {key}"
    return {
        "message": {"code": 500, "reason": "INTERNAL", "message": f"bad header: {header}"},
        "reason": {"code": 500, "reason": key, "message": "no"},
        "error": {"error": header},
        "error.message": {"error": {"message": header}},
        "some string": {"headers": header},
        "a string": header,
        "escaped": b'{"message":"%s"}' % "".join(f"\\u{ord(c):04x}" for c in header).encode(),
        "plain": f"GET / HTTP/1.1\r\n{header}\r\n\r\n".encode(),
        "page": f"<html><title>500 {header}</title><pre>{header}</pre>".encode(),
        "page without a title": f"<html><body><pre>{header}</pre>".encode(),
        "again and again": {"message": key * 400},
        "at the cut": {"message": "x" * 190 + key},
        "a name twice": f'{{"{key}":1,"{key}":2}}'.encode(),
        "broken": f'{{"message":"{header}'.encode(),
    }


def everything_told(mount):
    """All that a mount says about itself, by where it says it."""
    told = {f".ppiofs/{name}": mount.read_bytes(f".ppiofs/{name}") for name in mount.ls(".ppiofs")}
    proc = pathlib.Path(f"/proc/{mount.pid}")
    told.update({name: (proc / name).read_bytes() for name in ("cmdline", "environ", "comm")})
    told["mountinfo"] = pathlib.Path("/proc/self/mountinfo").read_bytes()
    told["stderr"], told["stdout"] = mount.stderr().encode(), mount.stdout().encode()
    return told


def check(told):
    leaks = {where: found(data) for where, data in told.items()}
    assert not any(leaks.values()), leaks


def show_statistics(mount):
    mount.signal(signal.SIGUSR1)
    wait_for(lambda: "ppiofs_up_seconds" in mount.stderr())


def test_the_hunt_finds_what_is_there(mount):
    """Else it would prove nothing."""
    everything = b"".join(filter(None, contents(mount.path).values()))
    assert len(OF_THE_FLEET) >= 20
    assert set(found(everything, OF_THE_FLEET)) == OF_THE_FLEET


@pytest.mark.parametrize("source", ("file", "environment", "command"))
def test_nothing_is_told_by_a_mount_that_works(api, mount_factory, tmp_path, source):
    """With everything read at the level debug."""
    how = {}
    if source == "environment":
        how = {"key": None, "env": {"PPIO_API_KEY": KEY}}
    elif source == "command":
        config = tmp_path / "config"
        config.write_text(f"[defaults]\napi_key_command = printf %s {KEY}\n")
        config.chmod(0o600)
        how = {"key": None, "options": {"config": config}}
    mount = mount_factory(**how)
    contents(mount.path)
    hang_up(mount)
    contents(mount.path)
    show_statistics(mount)
    assert "GET /gpus/v2/instances" in mount.stderr()
    assert {request.method for request in api.requests} == {"GET"}
    check(everything_told(mount))


NEVER_FRESH = {"ttl": 0, "detail_ttl": 0, "negative_ttl": 0, "timeout": 0.1}


@pytest.mark.parametrize("status", (200, 401, 404, 500))
@pytest.mark.parametrize("match", ("list", ONE), ids=("list", "detail"))
def test_an_answer_that_repeats_the_key_is_not_repeated(api, mount_factory, status, match):
    mount, seen = mount_factory(options=NEVER_FRESH), ""
    mount.expect_stderr(".")
    headers = {"WWW-Authenticate": f"Bearer {KEY}", "ETag": f'"{KEY}"', "X-Echo": KEY}
    for body in echo().values():
        fault = api.fault(match, status=status, body=body, headers=headers)
        hang_up(mount)
        if match == "list":
            errno_of(mount.ls, "instances")
        else:
            errno_of(mount.read, f"instances/{ONE}/ssh_command")
        assert fault.hits > 0
        check(everything_told(mount))
        seen += mount.read(".ppiofs/last_error")
        api.clear_faults()
    assert "****" in seen


def test_a_record_that_cannot_be_used_is_not_repeated(api, mount_factory):
    """Neither the broken body of a record nor one that comes with the wrong status."""
    mount = mount_factory(options=NEVER_FRESH)
    mount.expect_stderr(".")
    whole = {**ALL[ONE], "id": "another"}
    text = to_json(whole)
    first = text.index(b'"envs"')
    for status in (200, 500):
        for body in (whole, text[:-1], b"{" + text[first:], b"{" + text[first:-9], b"[" + text,
                     b"\xef\xbb\xbf" + text, text[first:], b" \n" + text[:-3]):
            fault = api.fault("*", status=status, body=body)
            hang_up(mount)
            errno_of(mount.read, f"instances/{ONE}/ssh_command")
            errno_of(mount.ls, "instances")
            assert fault.hits > 0
            api.clear_faults()
    check(everything_told(mount))


def test_a_new_key_is_as_secret_as_the_old_one(api, mount):
    mount.expect_stderr("cannot be fetched|cannot be refreshed")
    mount.read(f"instances/{ONE}/name")
    api.key = NEW
    mount.write_key(NEW)
    api.fault("*", status=401, body=echo(NEW)["message"], times=2)
    errno_of(mount.read, f"instances/{ONE}/ssh_command")
    hang_up(mount)
    for old_or_new in (KEY, NEW):
        api.fault("*", status=500, body=echo(old_or_new)["message"])
        errno_of(mount.ls, "instances")
        hang_up(mount)
        api.clear_faults()
    contents(mount.path)
    check(everything_told(mount))


@pytest.mark.thorough
def test_changes_log_says_that_a_secret_changed_and_not_to_what(api, mount_factory):
    mount = mount_factory(options={"watch": 3600, "ttl": 0})
    contents(mount.path)
    first, second = "Needle-0123456789-one", "Needle-0123456789-two"
    values = (first, second, {"deep": second}, [second], [{"deep": first}], None)
    for step, value in enumerate(values):
        api.update(ONE, api_token=value, envs=[{"key": "HF_TOKEN", "value": value},
                                               {"key": "OTHER", "value": first}],
                   status={"token": value, "status": "running"}, image=f"step {step}")
        mount.read(f"instances/{ONE}/ssh_command")
        assert f"\tstep {step}\n" in mount.read("changes.log")
    log = mount.read("changes.log")
    assert "api_token\t" in log and "envs/HF_TOKEN\t" in log and "(secret)" in log
    assert not found(log, OF_THE_FLEET | {first, second, "Needle"})
    check(everything_told(mount))


def test_print_config_shows_where_the_key_is_from_alone(tmp_path):
    file = tmp_path / "key"
    file.write_text(KEY + "\n")
    file.chmod(0o600)
    for words, env, source in (
            (["-o", f"api_key_file={file}"], {}, f"the file {file}"),
            ([], {"PPIO_API_KEY": KEY}, "the environment variable PPIO_API_KEY")):
        done = run([binary(), "--print-config", *words], env=daemon_environment(tmp_path, env))
        assert f"api_key is set from {source}" in done.stdout
        assert not found(done.stdout + done.stderr)


def test_a_backup_that_stays_on_one_file_system_does_not_come_in(mount):
    command = ["tar", "-C", mount.path.parent, "-cf", "-", "."]
    assert found(run(command, text=False).stdout, OF_THE_FLEET)
    saved = run([*command, "--one-file-system"], text=False).stdout
    assert b"./mnt/" in saved and not found(saved, OF_THE_FLEET)
    assert run(["find", mount.path.parent, "-xdev", "-name", "password"]).stdout == ""


def test_no_child_gets_the_key(api, mount_factory, tmp_path):
    """Neither in its environment nor as an open file: shown by a key command that looks."""
    seen, script = tmp_path / "seen", tmp_path / "look"
    script.write_text(f"#!/bin/sh\nenv >>{seen}; ls -l /proc/self/fd >>{seen}; "
                      f"tr '\\0' '\\n' </proc/$PPID/environ >>{seen}\necho {NEW}\n")
    script.chmod(0o700)
    config = tmp_path / "config"
    config.write_text(f"[defaults]\napi_key_command = {script}\n")
    config.chmod(0o600)
    api.key = NEW
    mount = mount_factory(key=None, options={"config": config},
                          env={"PPIO_API_KEY": KEY, "NOVITA_API_KEY": KEY})
    mount.read(f"instances/{ONE}/name")
    hang_up(mount)
    assert "PATH=" in seen.read_text()
    assert not found(seen.read_text())
    assert "/dev/fuse" not in seen.read_text() and "socket:" not in seen.read_text()


# What only root can try

@as_root
def test_syslog_is_told_no_secret(api, stage):
    with stage.syslog() as log:
        mount = stage.mount(api, background=True, options=NEVER_FRESH)
        pid = mount.pid_of_daemon()
        stage.run(f"grep -r . {mount.path}/instances/{ONE}")
        for body in echo().values():
            api.fault("*", status=500, body=body)
            stage.run(["kill", "-HUP", str(pid)])
            stage.run(["ls", f"{mount.path}/instances"])
            api.clear_faults()
        stage.run(["kill", "-USR1", str(pid)])
        log.wait_for(b"ppiofs_up_seconds")
        mount.unmount("SIGTERM")
    assert f"ppiofs[{pid}]: GET /gpus/v2/instances".encode() in log.text
    assert b": 500 INTERNAL: bad header: Authorization: Bearer ****" in log.text
    assert not found(log.text)
    assert not found(mount.stderr())


@as_root
@pytest.mark.thorough
def test_a_syslog_that_hangs_stops_nobody(api, stage):
    """Its queue holds a dozen lines; syslog(3) would wait for room."""
    with stage.syslog(reads=False):
        mount = stage.mount(api, background=True, options={"ttl": 0})
        for _ in range(30):
            assert stage.run(["cat", f"{mount.path}/instances/{ONE}/name"]).seconds < 2
        mount.unmount("SIGTERM")


@as_root
@not_sanitized
def test_other_users_and_the_same_user_see_nothing_in_proc(api, stage):
    mount = stage.mount(api, NOBODY, key=None, env={"PPIO_API_KEY": KEY})
    proc = f"/proc/{mount.pid_of_daemon()}"
    for user in (0, NOBODY, SOMEBODY):
        seen = stage.run(f"cat {proc}/cmdline {proc}/environ {proc}/stat* {proc}/mount* "
                         f"{proc}/task/*/cmdline {proc}/task/*/environ; ls -l {proc}/fd", user)
        assert "ppiofs" in seen.stdout
        assert not found(seen.stdout + seen.stderr)
    assert stage.run(["head", "-c1", f"{proc}/environ"], NOBODY).returncode != 0


@as_root
@not_sanitized
@pytest.mark.parametrize("number", (signal.SIGABRT, signal.SIGSEGV, signal.SIGQUIT))
@pytest.mark.parametrize("user", (0, NOBODY), ids=("root", "user"))
def test_a_crash_leaves_no_core(api, stage, user, number):
    """Even for who allows cores of any size. Whoever runs the tests may ignore some signals."""
    place = stage.directory("here", user)
    mount = stage.mount(api, user, prefix=(
        "sh", "-c", 'cd "$0" && ulimit -c unlimited && exec env --default-signal "$@"', place))
    stage.run(["cat", f"{mount.path}/instances/{ONE}/name"], user)
    mount.process.send_signal(number)
    end = os.waitid(os.P_PID, mount.process.pid, os.WEXITED | os.WNOWAIT)
    assert (end.si_code, end.si_status) == (os.CLD_KILLED, number)  # not CLD_DUMPED
    assert os.listdir(stage.outside(place)) == []
    mount.process.wait()
    stage.run(["umount", "-l", mount.path])


@as_root
def test_the_service_manager_is_told_that_it_is_ready_and_no_more(api, stage):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(stage.outside("/mnt/notify")))
        manager.settimeout(5)
        mount = stage.mount(api, env={"NOTIFY_SOCKET": "/mnt/notify"})
        assert [manager.recv(4096).split(b"\n")[0] for _ in range(5)] == [
            b"FDSTOREREMOVE=1", b"FDSTOREREMOVE=1", b"FDSTORE=1", b"FDSTORE=1", b"READY=1"]
        mount.unmount()
