# SPDX-License-Identifier: MIT
"""ssh/config with the real client, and a real server on loopback that one logs into by name."""
import contextlib
import itertools
import os
import pathlib
import pwd
import shutil
import socket
import subprocess

import mock_fleet
import pytest
from helpers import ALL, ONE, SOON, by_id, fuse_requests, module_mount, wait_for
from mounting import run

SSHD = shutil.which("sshd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
ME = pwd.getpwuid(os.geteuid()).pw_name
PROXY = "proxy.cn-north-nas-2.gpu-instance.example"
AWAY = "warning: .* cannot be (fetched|refreshed)"
RUNNING = [id for id, record in ALL.items() if record["status"]["status"] == "running"]

pytestmark = pytest.mark.skipif(shutil.which("ssh") is None, reason="ssh is not installed")

# Commands that must not make a Host block, whatever ssh would do with them.
HOSTILE_COMMANDS = (
    "", "ssh", "ssh -oProxyCommand=touch${IFS}/tmp/x root@h", "ssh -o ProxyCommand=id root@h",
    "ssh root@h\nProxyCommand id", "ssh root@h\n\nHost *\n  ProxyCommand id", "ssh -p 0 root@h",
    "ssh -p 70000 root@h", "ssh -p 22 -oProxyCommand=id", "ssh root@-oProxyCommand=id",
    "ssh \"root\"@h", "ssh root@%h", "ssh root@h #", "ssh  root@h", "ssh root@h ", "ssh root@[::1]",
    "ssh root@h -p 22", "ssh -p22 root@h", "ssh -F /dev/stdin root@h", "rm -rf /", "ssh root@h;id",
    "ssh root@*", "ssh root@0x7f.1", None, 7, True, [], {}, {"command": "ssh h"},
)
HOSTILE_NAMES = (
    "*", "?", "!x", "h *", "-oProxyCommand=id", "a\nProxyCommand id", "a\n\nHost *\nUser evil",
    "\"", "#", "a b", "a,b", "%h", "${HOME}", "\x1b[2J", "\u202e", "名 字", "~/x", "a=b", "a\\",
)


def with_command(id, name, command):
    record = mock_fleet.running(mock_fleet.make(id, name), 22)
    record["tools"]["ssh"]["command"] = command
    return record


def hostile_fleet():
    return by_id(
        with_command("good", "fine", "ssh -p 2222 me@good.example"),
        *(with_command(f"command{number}", f"bad{number}", command)
          for number, command in enumerate(HOSTILE_COMMANDS)),
        *(with_command(f"name{number:02d}", name, "ssh -p 2222 me@good.example")
          for number, name in enumerate(HOSTILE_NAMES)),
        *(with_command(id, id, "ssh me@good.example")
          for id in ("github.com", "localhost", "127.0.0.1", "bastion")),
        *(with_command(id, "named", "ssh me@good.example")
          for id in ("*", "a b", "-oProxyCommand=id", "a\nHost *\nProxyCommand id\n#", "!", "\"")))


sample = module_mount()
hostile = module_mount(hostile_fleet)


def resolved(config, host, *options):
    """What ssh would do for @host: keyword -> value."""
    done = run(["ssh", "-F", config, *options, "-G", "--", host])
    assert done.returncode == 0, done.stderr
    return dict(line.partition(" ")[::2] for line in done.stdout.splitlines())


def config_of(mount):
    return mount.path / "ssh" / "config"


def words_of(mount, known=None):
    """The words of all Host lines; with @known those of them whose first part is in it, alone."""
    words = [word for line in mount.read("ssh/config").splitlines() if line.startswith("Host ")
             for word in line.split()[1:]]
    assert all(word.endswith(".ppio") for word in words)
    bare = [word.removesuffix(".ppio") for word in words]
    return words if known is None else [word for word in bare if word in known]


# What ssh makes of it

@pytest.mark.parametrize("host", ("vllm-qwen3-32b.ppio", f"{ONE}.ppio"))
def test_ssh_knows_an_instance_by_name_and_by_id(sample, host):
    found = resolved(config_of(sample.mount), host)
    assert (found["hostname"], found["port"], found["user"], found["hostkeyalias"]) == (
        PROXY, "40122", "root", f"ppio-{ONE}")


def test_a_shared_name_is_not_known(sample):
    assert resolved(config_of(sample.mount), "comfyui.ppio")["hostname"] == "comfyui.ppio"
    assert resolved(config_of(sample.mount), "d4170a9be2c85f13.ppio")["port"] == "33871"


def test_what_does_not_run_is_not_mentioned(sample):
    text = sample.mount.read("ssh/config")
    for id, record in ALL.items():
        assert (id in text) == (record["status"]["status"] == "running")
    assert "llama-finetune" not in text


def test_no_secret_is_in_it(sample):
    text = sample.mount.read("ssh/config")
    assert not [secret for record in ALL.values() for secret in mock_fleet.secrets(record)
                if secret in text]


def test_a_second_look_asks_nobody(sample):
    resolved(config_of(sample.mount), f"{ONE}.ppio")
    with fuse_requests(sample.mount) as counted:
        resolved(config_of(sample.mount), f"{ONE}.ppio")
    assert counted["read"] == counted["lookup"] == 0, counted


def test_an_instance_is_known_by_a_chinese_name(api, mount):
    found = {resolved(config_of(mount), f"{record['name']}.ppio")["hostkeyalias"]: id
             for id, record in ALL.items() if record["name"].startswith("训练节点") and id in RUNNING}
    assert found and found == {f"ppio-{id}": id for id in found.values()}


@pytest.mark.parametrize("names", ("long", "short"))
def test_a_bare_word_is_known_only_where_that_was_asked_for(mount_factory, names):
    mount = mount_factory(options={"ssh_names": names})
    found = resolved(config_of(mount), "vllm-qwen3-32b")
    assert found["hostname"] == (PROXY if names == "short" else "vllm-qwen3-32b")


# Include

def test_an_include_adds_to_a_config_without_leaking(sample, tmp_path):
    outer = tmp_path / "config"
    outer.write_text(f"Include {config_of(sample.mount)}\nUser somebody\n"
                     "Host elsewhere\n    Port 2200\n")
    outer.chmod(0o600)
    there, elsewhere = resolved(outer, "vllm-qwen3-32b.ppio"), resolved(outer, "elsewhere")
    assert (there["hostname"], there["user"]) == (PROXY, "root")
    # Our last Host block ends with our file: what follows it is not of that block.
    assert (elsewhere["hostname"], elsewhere["user"], elsewhere["port"]) == (
        "elsewhere", "somebody", "2200")
    assert "hostkeyalias" not in elsewhere


def test_ssh_takes_an_included_file_of_its_owner_only(api, mount_factory, tmp_path):
    """ssh checks owner and mode of what ~/.ssh/config includes: shown with one it refuses."""
    outer = tmp_path / "config"
    mount = mount_factory(options={"uid": os.geteuid() + 1})
    outer.write_text(f"Include {config_of(mount)}\n")
    done = run(["ssh", "-F", outer, "-G", f"{ONE}.ppio"])
    assert done.returncode != 0 and "Bad owner or permissions" in done.stderr


def test_a_mount_that_is_not_there_does_not_stop_ssh(tmp_path):
    outer = tmp_path / "config"
    outer.write_text(f"Include {tmp_path}/mnt/ssh/config\nHost elsewhere\n    Port 2200\n")
    assert resolved(outer, "elsewhere")["port"] == "2200"


@pytest.mark.parametrize("fault", ({"refuse": True}, {"status": 503}, {"silence": True}),
                         ids=lambda fault: next(iter(fault)))
def test_an_api_that_is_away_does_not_stop_ssh_elsewhere(api, mount_factory, tmp_path, fault):
    outer = tmp_path / "config"
    mount = mount_factory(options={"timeout": 1})
    mount.expect_stderr(AWAY)
    outer.write_text(f"Include {config_of(mount)}\nHost elsewhere\n    Port 2200\n")
    api.fault("*", **fault)
    assert resolved(outer, "elsewhere")["port"] == "2200"


def test_the_last_good_config_is_kept_while_the_api_is_away(api, mount_factory):
    mount = mount_factory(options={"ttl": 0.1, "timeout": 1})
    mount.expect_stderr(AWAY)
    before = mount.read("ssh/config")
    api.fault("*", status=503)

    def is_stale():
        assert mount.read("ssh/config") == before
        return "stale" in mount.read(".ppiofs/status")
    wait_for(is_stale)


# What it follows

def test_a_new_port_is_there_after_ttl_and_costs_one_get(api, mount_factory):
    mount = mount_factory(options={"ttl": 0.1})
    resolved(config_of(mount), f"{ONE}.ppio")
    api.reset_counters()
    api.update(ONE, last_started_at=mock_fleet.NOW + 60,
               tools={"ssh": {"command": f"ssh -p 40999 root@{PROXY}"}})
    wait_for(lambda: resolved(config_of(mount), f"{ONE}.ppio")["port"] == "40999")
    assert api.count("get") == api.count(ONE) == 1


def test_an_instance_that_stops_is_taken_out(api, mount_factory):
    mount = mount_factory(options={"ttl": 0.1})
    assert f"{ONE}.ppio" in words_of(mount)
    api.update(ONE, status={"status": "exited"})
    wait_for(lambda: ONE not in mount.read("ssh/config"))


def test_after_ttl_without_a_change_it_costs_the_list(api, mount_factory):
    mount = mount_factory(options={"ttl": 0.1})
    mount.read("ssh/config")
    api.reset_counters()
    wait_for(lambda: mount.read("ssh/config") and api.count("list") >= 2)
    assert api.count("get") == 0


@pytest.mark.parametrize("fault", ({"status": 404}, {"status": 500}, {"body": b"<html>"},
                                   {"body": b"[" * 100000}), ids=("404", "500", "html", "deep"))
def test_one_instance_in_trouble_does_not_hide_the_others(api, mount, fault):
    mount.expect_stderr(AWAY)
    api.fault(ONE, **fault)
    assert sorted(words_of(mount, ALL)) == sorted(id for id in RUNNING if id != ONE)
    trouble = [line for line in mount.read("ssh/config").splitlines() if ONE in line]
    # One that is gone is not mentioned.
    assert trouble in ([], [f"# {ONE}: its details are not known yet"])
    assert bool(trouble) == (fault != {"status": 404})


def test_details_come_at_once_not_one_by_one(api, mount_factory):
    api.replace_fleet(mock_fleet.fleet(200))
    running = sum(record["status"]["status"] == "running" for record in api.fleet.values())
    mount = mount_factory()
    mount.ls("instances")
    api.latency = 0.02
    mount.read("ssh/config")
    assert api.count("get") == running
    assert 8 <= api.max_in_flight <= 16


# What an API could send

@pytest.mark.parametrize("number", range(len(HOSTILE_COMMANDS)))
def test_a_hostile_command_makes_no_host(hostile, number):
    assert f"command{number}.ppio" not in words_of(hostile.mount)
    for host in (f"command{number}.ppio", f"bad{number}.ppio"):
        found = resolved(config_of(hostile.mount), host)
        assert (found["hostname"], found["port"], found["user"]) == (host, "22", ME)
    assert f"\n# command{number}: " in hostile.mount.read("ssh/config")


@pytest.mark.parametrize("number", range(len(HOSTILE_NAMES)))
def test_an_instance_with_a_hostile_name_is_known_by_its_id(hostile, number):
    id = f"name{number:02d}"
    found = resolved(config_of(hostile.mount), f"{id}.ppio")
    assert (found["hostname"], found["port"], found["user"], found["hostkeyalias"]) == (
        "good.example", "2222", "me", f"ppio-{id}")


def test_no_host_is_changed_that_was_not_asked_for(hostile, tmp_path):
    (tmp_path / "empty").write_text("")
    for host in ("localhost", "x", "h", "a", "good.example", "Host", "ProxyCommand", "id", "named",
                 "good", "fine", "github.com", "127.0.0.1", "bastion"):
        assert resolved(config_of(hostile.mount), host) == resolved(tmp_path / "empty", host)


def test_only_our_directives_are_in_it(hostile):
    keywords = {line.split()[0] for line in hostile.mount.read("ssh/config").splitlines() if line}
    assert keywords == {"#", "Host", "HostName", "Port", "User", "HostKeyAlias"}
    assert len(words_of(hostile.mount)) == len(set(words_of(hostile.mount)))


@pytest.mark.slow(120)
@pytest.mark.thorough
def test_ten_thousand_that_share_a_name_are_known_by_their_ids(api, mount_factory):
    """Only a few of them run: what is tested is the name."""
    api.replace_fleet(by_id(
        *(mock_fleet.make(f"{number:05d}", "twin") for number in range(10000)),
        *(with_command(f"up{number}", "twin", "ssh root@h.example") for number in range(20))))
    mount = mount_factory(options={"timeout": 50})
    mount.ls("instances")  # ssh/config itself waits no longer than patience
    assert sorted(words_of(mount)) == sorted(f"up{number}.ppio" for number in range(20))


# The real server

class Server:
    """An sshd in the foreground on a free port of loopback, with a host key of its own."""

    numbers = itertools.count()

    def __init__(self, place, authorized_keys):
        self.place = place / f"sshd{next(self.numbers)}"
        self.place.mkdir()
        self.host_key = make_key(self.place / "host_key")
        self.authorized_keys = authorized_keys
        self.port = self.process = None

    def __enter__(self):
        self.port = free_port()
        config = self.place / "config"
        config.write_text(
            f"ListenAddress 127.0.0.1:{self.port}\nHostKey {self.host_key}\n"
            f"AuthorizedKeysFile {self.authorized_keys}\nAuthenticationMethods publickey\n"
            "PidFile none\nUsePAM no\nStrictModes no\nPermitRootLogin yes\n")
        with open(self.place / "log", "ab") as log:
            self.process = subprocess.Popen([SSHD, "-D", "-e", "-f", config],
                                            stdin=subprocess.DEVNULL, stderr=log)
        wait_for(self._answers)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(SOON)

    def move(self):
        """The same machine, on another port."""
        self.__exit__()
        self.__enter__()

    def _answers(self):
        assert self.process.poll() is None, (self.place / "log").read_text()
        with contextlib.suppress(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", self.port), SOON).close()
            return True
        return False


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def make_key(path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path],
                   check=True)
    return path


@pytest.fixture
def privilege_separation():
    """What a boot script makes for a server that runs as root."""
    place = pathlib.Path("/run/sshd")
    made = os.geteuid() == 0 and not place.exists()
    if made:
        place.mkdir(mode=0o755)
    yield
    if made:
        place.rmdir()


@pytest.fixture
def server_factory(tmp_path, privilege_separation):
    if SSHD is None:
        pytest.skip("sshd is not installed")
    make_key(tmp_path / "key")
    with contextlib.ExitStack() as servers:
        yield lambda: servers.enter_context(Server(tmp_path, tmp_path / "key.pub"))


def log_in(mount, tmp_path, host, command="echo inside"):
    """ssh @host with the generated config alone; nothing of the user's own takes part."""
    options = {"IdentityFile": tmp_path / "key", "IdentitiesOnly": "yes", "IdentityAgent": "none",
               "BatchMode": "yes", "StrictHostKeyChecking": "accept-new",
               "UserKnownHostsFile": tmp_path / "known_hosts", "GlobalKnownHostsFile": "/dev/null"}
    words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    return run(["ssh", "-F", config_of(mount), *words, "--", host, command])


def known_hosts(tmp_path):
    """host -> key, as ssh noted it."""
    lines = (tmp_path / "known_hosts").read_text().splitlines()
    return {host: key for host, _, key in map(str.split, lines)}


def public_key(server):
    return server.host_key.with_suffix(".pub").read_text().split()[1]


def lead_to(api, id, server):
    api.update(id, tools={"ssh": {"command": f"ssh -p {server.port} {ME}@127.0.0.1"}})


def restart(api, id, server):
    """What the list shows of a new start tells that the command is another."""
    lead_to(api, id, server)
    api.update(id, last_started_at=mock_fleet.NOW + 60)


@pytest.mark.parametrize("host", ("vllm-qwen3-32b.ppio", f"{ONE}.ppio"))
def test_one_logs_in_by_name_and_by_id(api, mount, tmp_path, server_factory, host):
    server = server_factory()
    lead_to(api, ONE, server)
    done = log_in(mount, tmp_path, host, "echo inside; echo $SSH_CONNECTION")
    assert done.returncode == 0, done.stderr
    inside, connection = done.stdout.splitlines()
    assert inside == "inside" and connection.endswith(f"127.0.0.1 {server.port}")
    assert known_hosts(tmp_path) == {f"ppio-{ONE}": public_key(server)}


@pytest.mark.thorough
def test_a_new_port_is_no_new_host(api, mount_factory, tmp_path, server_factory):
    """The same instance behind another port: the key that ssh noted is still its own."""
    mount = mount_factory(options={"ttl": 0})
    server = server_factory()
    lead_to(api, ONE, server)
    assert log_in(mount, tmp_path, f"{ONE}.ppio").returncode == 0
    server.move()
    restart(api, ONE, server)
    wait_for(lambda: f"Port {server.port}\n" in mount.read("ssh/config"))
    done = log_in(mount, tmp_path, f"{ONE}.ppio")
    assert done.stdout == "inside\n", done.stderr
    assert list(known_hosts(tmp_path)) == [f"ppio-{ONE}"]


@pytest.mark.thorough
def test_another_instance_behind_the_same_address_is_another_host(api, mount, tmp_path,
                                                                  server_factory):
    one, two = server_factory(), server_factory()
    lead_to(api, ONE, one)
    lead_to(api, "60c7be5a91", two)
    assert log_in(mount, tmp_path, "vllm-qwen3-32b.ppio").stdout == "inside\n"
    assert log_in(mount, tmp_path, "redis-cache.ppio").stdout == "inside\n"
    assert known_hosts(tmp_path) == {f"ppio-{ONE}": public_key(one),
                                     "ppio-60c7be5a91": public_key(two)}


@pytest.mark.thorough
def test_a_machine_that_is_not_the_instance_is_refused(api, mount_factory, tmp_path,
                                                       server_factory):
    mount = mount_factory(options={"ttl": 0})
    one, two = server_factory(), server_factory()
    lead_to(api, ONE, one)
    assert log_in(mount, tmp_path, f"{ONE}.ppio").returncode == 0
    restart(api, ONE, two)
    wait_for(lambda: f"Port {two.port}\n" in mount.read("ssh/config"))
    done = log_in(mount, tmp_path, f"{ONE}.ppio")
    assert done.returncode != 0 and "IDENTIFICATION HAS CHANGED" in done.stderr
