# SPDX-License-Identifier: MIT
"""The programs that people use on files: they work, keep quiet, and ask the API for nothing odd."""
import os
import shutil
import subprocess

import pytest
from helpers import ALL, ONE, SOON, contents, module_mount, run, seen_gets

X = f"instances/{ONE}"
# What must succeed without a word on stderr, each in the root of the mount. {tmp}: a fresh place.
QUIET = (
    f"cat {X}/status",
    f"head -c 3 {X}/image",
    f"tail -n 1 {X}/image",
    f"tail -c +3 {X}/image",
    f"wc -c {X}/*_at",
    f"tac {X}/id",
    f"od -c {X}/status",
    f"xxd {X}/status",
    f"cmp {X}/id {X}/id",
    f"sha256sum {X}/image json/*.json",
    f"sort {X}/image",
    f"rev {X}/id",
    f"dd if={X}/image status=none",
    f"cat < {X}/status",
    f"read x < {X}/status && test \"$x\" = running",
    f"test \"$(cat {X}/status)\" = running",
    f"[ -s {X}/status ] && [ ! -s {X}/status_error ]",
    "grep -r running instances",
    "grep -rl running instances/*/status",
    "grep -c . instances/*/status",
    "rg -q running instances",
    "rg --files instances",
    "find .",
    "find . -type f -size +0 -newermt 2020-01-01",
    "find instances -name status -exec cat {} +",
    "find . -type l -exec test -e {} ';' -print",
    "find -L by-name -name image",
    "find . -xdev -perm 0400",
    "ls -laR",
    "ls -1U instances",
    "ls -lt instances",
    "ls --color=always -F",
    "ls -Z .",
    "tree .",
    "tree -L 2 instances",
    "stat -c '%n %s %i' instances/*",
    "stat -f .",
    "du -sh .",
    "du -a instances",
    "df .",
    "df -hi .",
    "realpath by-name/*",
    "readlink -f by-name/*",
    "tar -cf {tmp}/a.tar --exclude=.ppiofs .",
    "tar -czf {tmp}/a.tgz instances by-name",
    "tar -chf {tmp}/a.tar by-name",
    "bsdtar -cf {tmp}/a.tar instances",
    "find instances | cpio -o --quiet > {tmp}/a.cpio",
    "zip -qr {tmp}/a.zip instances",
    "rsync -rn instances {tmp}/",
    "rsync -a instances by-name json {tmp}/",
    "rsync -aL by-name {tmp}/",
    "cp -r instances {tmp}/",
    "cp -a by-name {tmp}/",
    "cp -L by-name/vllm-qwen3-32b/image {tmp}/",
    "install -m 600 json/*.json {tmp}/",
    f"diff -r {X} {X}",
    f"diff {X}/image {X}/image",
    f"git diff --no-index --exit-code {X} {X}",
    f"git hash-object {X}/image",
    "awk -F'\\t' '{print $2}' tables/instances.tsv",
    "column -t -s '\t' tables/instances.tsv",
    "cut -f 1,3 tables/instances.tsv",
    "jq .id json/*.json",
    f"file {X}/image json/{ONE}.json",
    f"less {X}/image | cat",
    f"more {X}/image | cat",
    f"vim -R -es -c 'q!' {X}/image",
    f"vim -R -es -u NONE -c 'q!' {X} {X}/image",
    f"perl -ne 'print' {X}/image",
    f"set -- instances/*; [ $# -eq {len(ALL)} ]",
    "bash -c 'shopt -s globstar; echo instances/** > /dev/null'",
    "bash -O extglob -c 'echo instances/!(x)'",
    f"gio info {X}/image",
    f"gio cat {X}/image",
    "gio list -l instances",
    "gio tree by-status",
    f"gio copy {X}/image {{tmp}}/image",
    "busybox ls -lR instances",
    "busybox find . -type f",
    "cd by-name/vllm-qwen3-32b && cat status && cd .. && ls",
    "cd instances && cat */status",
    f"flock -s {X}/image cat {X}/image",
    f"cat {X}/status {X}/status | sort -u",
    f"test -r {X}/image && test ! -w {X}/image && test ! -x {X}/image && test -x {X}",
)
sample = module_mount()


def _needed(command):
    words = command.replace("|", " ").split()
    return next((word for word in words if word in NOT_EVERYWHERE), None)


NOT_EVERYWHERE = {
    "bsdtar", "busybox", "column", "rev", "cpio", "file", "flock", "gio", "git", "jq", "less", "more",
    "perl", "rg", "rsync", "tree", "vim", "xxd", "zip"}


@pytest.mark.parametrize("command", QUIET, ids=lambda command: command[:40])
def test_a_command_works_and_keeps_quiet(sample, tmp_path, command):
    tool = _needed(command)
    if tool is not None and shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")
    sample.api.reset_counters()
    done = run(command.replace("{tmp}", str(tmp_path)), cwd=sample.mount.path,
               env={**os.environ, "HOME": str(tmp_path), "LC_ALL": "C.UTF-8", "TERM": "xterm"})
    assert (done.returncode, done.stderr) == (0, ""), done.stdout[-500:]
    assert seen_gets(sample.api) <= set(ALL)
    assert sample.api.count() <= 1 + len(ALL)


def test_every_tool_that_needs_one_is_known():
    """So that what is not installed is skipped, and not failed or forgotten."""
    assert all(any(_needed(command) == tool for command in QUIET) for tool in NOT_EVERYWHERE)


COPIES = ("cp -a instances {tmp}", "rsync -a instances {tmp}", "tar -c instances | tar -xC {tmp}",
          "cp -r --reflink=auto instances {tmp}", "cp --sparse=always -r instances {tmp}")


@pytest.mark.parametrize("command", COPIES)
@pytest.mark.thorough
def test_a_copy_is_like_the_original(sample, tmp_path, command):
    if "rsync" in command and shutil.which("rsync") is None:
        pytest.skip("rsync is not installed")
    done = run(command.format(tmp=tmp_path), cwd=sample.mount.path)
    assert (done.returncode, done.stderr) == (0, "")
    copied = contents(tmp_path / "instances")
    assert copied == contents(sample.mount.path / "instances")
    assert len(copied) > 500


def test_a_copy_keeps_times_and_modes(sample, tmp_path):
    assert run(["cp", "-a", sample.mount.path / "instances", tmp_path]).returncode == 0
    for name in (f"{ONE}/image", f"{ONE}/tools/ssh/password", f"{ONE}/tools"):
        one, two = (os.stat(place / "instances" / name) for place in (tmp_path, sample.mount.path))
        assert (one.st_mode, one.st_mtime, one.st_size if name[-1] != "s" else 0) == (
            two.st_mode, two.st_mtime, two.st_size if name[-1] != "s" else 0)


def test_python_walks_and_copies(sample, tmp_path):
    shutil.copytree(sample.mount.path / "instances", tmp_path / "copy")
    assert contents(tmp_path / "copy") == contents(sample.mount.path / "instances")
    assert sum(1 for _ in sample.mount.path.rglob("status")) >= len(ALL)
    assert sorted(place.name for place in sample.mount.path.glob("instances/*")) == sorted(ALL)


def test_a_file_is_read_in_every_way(sample):
    name = os.path.join(sample.mount.path, "json", f"{ONE}.json")
    whole = sample.mount.read_bytes(f"json/{ONE}.json")
    descriptor = os.open(name, os.O_RDONLY)
    read, write = os.pipe()
    try:
        assert os.pread(descriptor, 10, 5) == whole[5:15]
        assert os.pread(descriptor, 1 << 20, len(whole) - 3) == whole[-3:]
        assert os.pread(descriptor, 10, len(whole)) == os.pread(descriptor, 10, 1 << 40) == b""
        assert os.lseek(descriptor, -4, os.SEEK_END) == len(whole) - 4
        assert os.read(descriptor, 100) == whole[-4:]
        assert os.sendfile(write, descriptor, 0, 1 << 20) == len(whole)
        assert os.read(read, 1 << 20) == whole
        assert os.lseek(descriptor, 0, os.SEEK_SET) == 0
        assert os.splice(descriptor, write, 20) == 20
        buffers = [bytearray(7), bytearray(1 << 16)]
        assert os.preadv(descriptor, buffers, 0) == len(whole)
        assert bytes(buffers[0]) + bytes(buffers[1])[:len(whole) - 7] == whole
        with pytest.raises(OSError):
            os.write(descriptor, b"x")
    finally:
        for number in (descriptor, read, write):
            os.close(number)


def test_direct_reads_are_refused_or_right(sample):
    name = os.path.join(sample.mount.path, X, "status")
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_DIRECT)
    except OSError:
        return
    try:
        assert os.read(descriptor, 4096) == b"running\n"
    finally:
        os.close(descriptor)


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_git_finds_no_repository_and_hardly_asks(api, mount):
    """Besides .git it looks for HEAD, in case it stands in a bare repository."""
    mount.ls("instances")
    api.reset_counters()
    for _ in range(3):
        done = run(["git", "status"], cwd=mount.path / "instances" / ONE)
        assert done.returncode == 128 and "not a git repository" in done.stderr
    assert seen_gets(api) <= {ONE, "HEAD"} and api.count() <= 2


def test_a_shell_that_completes_asks_only_for_lists(api, mount):
    for directory in ("instances", "by-name"):
        run(f"bash -c 'compgen -f {directory}/; compgen -d {directory}/v'", cwd=mount.path)
    assert (api.count("list"), api.count("get")) == (1, 0)


def test_a_file_manager_that_looks_for_icons_and_trash_asks_for_nothing(api, mount):
    for name in (".Trash", ".Trash-1000", ".xdg-volume-info", "autorun.inf", ".hidden",
                 ".directory", ".DS_Store", "desktop.ini", "Thumbs.db", ".nomedia", ".localized"):
        for directory in ("", "instances", "by-name", X):
            assert not os.path.lexists(mount.path / directory / name)
    assert api.count() <= 1  # X itself


@pytest.mark.skipif(shutil.which("vim") is None, reason="vim is not installed")
def test_an_editor_shows_a_file_and_cannot_write_it(sample, tmp_path):
    done = subprocess.run(
        ["vim", "-es", "-u", "NONE", "-c", "normal ihello", "-c", f"silent! w! {tmp_path}/copy",
         "-c", "w!", "-c", "q!", sample.mount.path / X / "status"], timeout=SOON,
        stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert (tmp_path / "copy").read_text() == "hellorunning\n", done
    assert sample.mount.read(f"{X}/status") == "running\n"


def test_following_a_file_that_does_not_grow_is_harmless(sample):
    child = subprocess.Popen(["tail", "-n", "1", "-F", sample.mount.path / X / "status"],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert child.stdout.readline() == b"running\n"
    finally:
        child.terminate()
        assert child.communicate(timeout=SOON) == (b"", b"")
