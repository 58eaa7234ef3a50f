# SPDX-License-Identifier: MIT
"""Which names make a secret, wherever they stand, and that hidden ones cannot be got at at all."""
import os
import stat

import mock_fleet
import pytest
from helpers import by_id, contents, errno_of, module_mount, walk

NEEDLE = "needle-"  # begins every secret value below, and nothing else
N = iter(range(1000))


def secret():
    return f"{NEEDLE}{next(N):03d}-0123456789"


def hostile_shapes():
    """One record with secrets in every place and shape in which the API may send them tomorrow."""
    record = mock_fleet.make("shapes", "shapes", envs=[
        {"key": "PLAIN", "value": secret()}, {"key": "OBJECT", "value": {"deep": secret()}},
        {"key": "LIST", "value": [secret(), secret()]}, {"key": "EMPTY", "value": ""},
        {"key": "a/b", "value": secret()}, {"value": secret()}, {"key": None, "value": secret()}])
    record["tools"] = {
        "ssh": {"command": "ssh -p 1 root@192.0.2.1", "password": secret(), "username": "root"},
        "web_terminal": {"PASSWORD": secret(), "Password": secret(), "username": "u"},
        "vnc": {"view": {"only": {"one_time_password": secret()}}, "port": 1}}
    record["status"] = {"status": "running", "error": "", "token": secret(),
                        "inner": {"client_secret": secret(), "plain": 1}}
    record["billing"]["prepaid"] = {"auto_renew": {"API_TOKEN": secret()}}
    record["volumes"] = [{"type": "nas", "mount_secret": secret()}]
    record["ports"] = [{"port": 80, "protocol": "tcp", "tunnel_token": secret()}]
    record["list_of_token"] = [secret(), secret()]
    record["objects_secret"] = [{"x": secret()}, {"y": {"z": secret()}}]
    record["mixed_password"] = [secret(), {"a": [secret()]}]
    record["deep_private_key"] = {"pem": secret(), "more": {"passphrase": secret()}}
    record["Private_Key"] = f"{secret()}\n{secret()}\n"
    record["number_token"] = 4711470815
    record["off_password"] = False
    record["a"] = {"b": {"c": {"d": {"e": {"f": {"ssh_private_key": secret()}}}}}}
    record["dotted.password"] = secret()
    record["accessTokens"] = [secret()]
    record["registry"] = {"Password ": secret(), "credentials": {"any": secret()}}
    return by_id(record, mock_fleet.make("other", "other"))


shown = module_mount(hostile_shapes)
hidden = module_mount(hostile_shapes, {"secrets": "hide"})
PUBLIC = {"id", "name", "status", "ssh_command", "tools/ssh/command", "tools/vnc/port",
          "status_inner/plain", "tools/web_terminal/username", "volumes/0/type"}
ABSENT = ("tools/ssh/password", "tools/web_terminal/PASSWORD", "tools/web_terminal/Password",
          "envs/PLAIN", "envs/OBJECT", "envs/OBJECT/deep", "status_token", "list_of_token",
          "status_inner/client_secret", "objects_secret", "objects_secret/0/x", "Private_Key",
          "deep_private_key/pem", "number_token", "off_password", "a/b/c/d/e/f/ssh_private_key",
          "ports/80/tunnel_token", "accessTokens", "registry/Password ",
          "registry/credentials/any", "billing/prepaid/auto_renew/API_TOKEN", "dotted.password")


def test_every_secret_of_every_shape_is_for_the_owner_alone(shown):
    place = shown.mount.path / "instances" / "shapes"
    attrs, data = walk(place), contents(place)
    secrets = {name for name, content in data.items() if content and NEEDLE.encode() in content}
    assert len(secrets) >= 25
    for name in secrets | {"number_token", "off_password", "envs/EMPTY"}:
        assert stat.S_IMODE(attrs[name].st_mode) == 0o400, name
    for name in PUBLIC:
        assert stat.S_IMODE(attrs[name].st_mode) == 0o444, name
    everything = b"\0".join(filter(None, data.values())).decode()
    assert all(value in everything for value in all_secrets(shown))


def all_secrets(shared):
    def walk_values(value):
        if isinstance(value, dict):
            value = list(value.values())
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, (dict, list)):
                yield from walk_values(part)
            elif isinstance(part, str) and part.startswith(NEEDLE):
                yield from part.split()
    return list(walk_values(shared.api.fleet["shapes"]))


def test_nothing_of_a_hidden_secret_is_left(hidden):
    mount = hidden.mount
    place = mount.path / "instances" / "shapes"
    found = contents(mount.path)
    assert not [name for name, data in found.items() if data and NEEDLE.encode() in data]
    assert not [name for name, data in found.items() if data and b"4711470815" in data]
    names = walk(place)
    assert PUBLIC <= set(names) and not set(ABSENT) & set(names)
    assert not [name for name in names if name.lower().endswith(
        ("password", "token", "secret", "private_key"))]
    assert mount.ls("instances/shapes/envs") == []
    assert not [name for name, attr in walk(mount.path).items()
                if stat.S_ISREG(attr.st_mode) and attr.st_mode & 0o444 != 0o444]


@pytest.mark.parametrize("name", ABSENT)
def test_a_hidden_secret_is_not_found_by_who_knows_its_name(hidden, name):
    place = hidden.mount.path / "instances" / "shapes" / name
    assert errno_of(os.lstat, place) == "ENOENT"
    assert errno_of(os.open, place, os.O_RDONLY) == "ENOENT"


def test_a_hidden_answer_is_not_found_by_who_knows_its_name(hidden):
    for name in ("json", "json/shapes.json", "json/other.json"):
        assert errno_of(os.lstat, hidden.mount.path / name) == "ENOENT"
    assert "json" not in hidden.mount.ls()


def test_a_hidden_secret_is_not_found_cold(mount_factory, api):
    """Before any answer has come, too: the name alone leads to a request, and to nothing."""
    api.replace_fleet(hostile_shapes())
    for name in ("tools/ssh/password", "status_token", "envs/PLAIN", "number_token"):
        mount = mount_factory(options={"secrets": "hide"})
        assert errno_of(mount.read, f"instances/shapes/{name}") == "ENOENT"
        mount.unmount()


def test_tables_and_ssh_config_have_no_secret_in_either_mode(shown, hidden):
    for shared in (shown, hidden):
        for name in ("tables/instances.tsv", "ssh/config"):
            text = shared.mount.read(name)
            assert "shapes" in text and NEEDLE not in text


@pytest.mark.parametrize("where, options, mode", (
    ("the command line", {"allow_other": True, "secrets": "show"}, "shown"),
    ("the configuration", {"allow_other": True, "config": "show"}, "shown"),
    ("nobody", {"allow_other": True}, "hidden"),
    ("the configuration", {"config": "hide"}, "hidden"),
    ("nobody", {}, "shown")), ids=lambda value: str(value))
@pytest.mark.skipif(os.geteuid() != 0, reason="allow_other needs root, or a line in fuse.conf")
def test_who_decides_whether_secrets_are_shown(mount_factory, tmp_path, where, options, mode):
    if "config" in options:
        config = tmp_path / "config"
        config.write_text(f"[defaults]\nsecrets = {options['config']}\n")
        options = {**options, "config": config}
    mount = mount_factory(options=options)
    assert ("json" in mount.ls()) == (mode == "shown")
    assert f"secrets={mode.replace('hidden', 'hide').replace('shown', 'show')} " in mount.read(
        ".ppiofs/config")
