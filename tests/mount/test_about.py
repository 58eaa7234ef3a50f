# SPDX-License-Identifier: MIT
"""What .ppiofs/ tells about the mount itself."""
from helpers import ALL, contents, module_mount, shell
from mounting import KEY, binary, run

sample = module_mount()


def test_the_mount_tells_about_itself_without_the_network(api, mount):
    api.fault("*", status=500)
    assert set(mount.ls(".ppiofs")) >= {"status", "metrics", "last_error", "version", "config", "pid"}
    said = contents(mount.path / ".ppiofs")
    assert said["pid"] == b"%d\n" % mount.pid
    assert said["last_error"] == b""
    assert said["version"].decode().strip() in run([binary(), "-V"]).stdout
    assert b"api_url=" + api.url.encode() in said["config"]
    assert str(mount.key_file).encode() in said["config"]
    assert b"0 running" not in said["status"] and b"instances_cached: 0" in said["status"]
    assert all(KEY.encode() not in data for data in said.values())
    assert api.count() == 0


def test_the_statistics_count_what_is_asked(sample):
    stats = sample.mount.stats()
    assert stats["ppiofs_api_requests_total"] == sample.api.count()
    shell(sample.mount, "ls instances")
    assert sample.mount.stats()["ppiofs_instances"] == len(ALL)
