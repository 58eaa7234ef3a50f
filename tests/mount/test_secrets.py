# SPDX-License-Identifier: MIT
"""Which files are secrets, who may read them, and what is left when they are hidden."""
import os
import stat

import mock_fleet
import pytest
from helpers import ALL, ONE, by_id, contents, module_mount, walk

SECRETS = ("tools/ssh/password", "tools/web_terminal/password", "envs/OPENAI_API_KEY",
           "envs/VLLM_PORT")
UNKNOWN_SECRETS = ("root_password", "api_token", "client_secret", "ssh_private_key",
                   "deep/Password", "list_token", "object_secret/x")


sample = module_mount()
unknown = module_mount(lambda: by_id(mock_fleet.make(
    "unknown", "", root_password="p", api_token="t", client_secret="s", ssh_private_key="k",
    secretary="no", tokenizer=3, deep={"Password": "P"}, list_token=["a", "b"],
    object_secret={"x": "y"})))


def _mode(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


# semantics: modes
def test_exactly_the_secrets_are_for_the_owner_alone(sample, unknown):
    place = sample.mount.path / "instances" / ONE
    found = {name for name, attr in walk(place).items() if stat.S_IMODE(attr.st_mode) == 0o400}
    assert found == set(SECRETS)
    place = unknown.mount.path / "instances" / "unknown"
    found = {name for name, attr in walk(place).items() if stat.S_IMODE(attr.st_mode) == 0o400}
    assert found == set(UNKNOWN_SECRETS)
    assert all(_mode(entry) == 0o400 for entry in os.scandir(sample.mount.path / "json")
               if entry.is_file())
    assert _mode(sample.mount.path / "tables" / "instances.tsv") == 0o444


@pytest.mark.parametrize("options", ({"secrets": "hide"}, {"allow_other": True}),
                         ids=("asked for", "with allow_other"))
# semantics: hidden-means-absent
def test_hidden_secrets_are_nowhere(mount_factory, api, options):
    if "allow_other" in options and os.geteuid() != 0:
        pytest.skip("allow_other needs root, or a line in fuse.conf")
    api.add(mock_fleet.make("secrets", "", root_password="Needle-0123456789"))
    mount = mount_factory(options=options)
    assert "json" not in mount.ls()
    everything = b"\0".join(filter(None, contents(mount.path).values()))
    for secret in [*mock_fleet.secrets(ALL[ONE]), "Needle-0123456789"]:
        assert secret.encode() not in everything
    assert not (mount.path / "instances" / ONE / "tools/ssh/password").exists()
    assert not mount.ls(f"instances/{ONE}/envs")
    assert mount.read(f"instances/{ONE}/tools/ssh/username") == "root\n"


def test_allow_other_shows_secrets_to_who_asks_for_it(mount_factory):
    if os.geteuid() != 0:
        pytest.skip("allow_other needs root, or a line in fuse.conf")
    mount = mount_factory(options={"allow_other": True, "secrets": "show"})
    assert _mode(mount.path / "instances" / ONE / "envs/VLLM_PORT") == 0o400


