# SPDX-License-Identifier: MIT
"""The Debian package: built, checked, installed, used, removed. Nothing of it stays."""
import os
import re
import shutil

import pytest

from mounting import KEY, REPOSITORY, run

TOOLS = ("dpkg-buildpackage", "dh", "meson", "lintian")
BUILD_SECONDS = 900  # on a busy machine
USE_SECONDS = 300
INSTANCE = "ca338f12f3"

pytestmark = [pytest.mark.slow(2 * BUILD_SECONDS), pytest.mark.skipif(
    not all(map(shutil.which, TOOLS)), reason=f"needs {', '.join(TOOLS)}")]

# What dpkg writes to lies under an overlay, in a mount namespace that ends with the shell.
SYSTEM = """
    mount --make-rprivate / && mount -t tmpfs tmpfs "$1" && cd "$1" || exit 70
    for part in usr etc var; do
        mkdir $part $part/upper $part/work && mount -t overlay overlay /$part \\
            -o "lowerdir=/$part,upperdir=$part/upper,workdir=$part/work" || exit 70
    done
    mkdir mnt && umask 077 && echo "$3" >key
    trap 'umount -l mnt 2>/dev/null' EXIT
    exec 3>&1 >&2
    """


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    folder = tmp_path_factory.mktemp("deb")
    env = {name: value for name, value in os.environ.items()
           if name not in ("CC", "CFLAGS", "LDFLAGS", "MAKEFLAGS", "DESTDIR")}
    done = run([REPOSITORY / "contrib" / "build-deb", folder], timeout=BUILD_SECONDS, env=env)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    built = list(folder.glob("ppiofs_*.deb"))
    assert len(built) == 1 and done.stdout.splitlines()[-1] == str(built[0])
    return built[0]


def in_a_copy(package, folder, api, script):
    """@script as root of a copy of this system; what it writes to descriptor 3 comes back."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    done = run(["unshare", "-m", "sh", "-c", SYSTEM + script, "sh", folder, package, KEY, api.url],
               timeout=USE_SECONDS)
    if done.returncode == 70:
        pytest.skip(f"no overlay here: {done.stderr}")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_the_package_has_the_version_of_the_project(package):
    version = re.search(r"^  version: '(.*)',$", (REPOSITORY / "meson.build").read_text(),
                        re.MULTILINE)[1]
    assert run(["dpkg-deb", "-f", package, "Version"]).stdout == version + "\n"


def test_the_package_has_all_that_belongs_to_ppiofs(package):
    inside = {line.split()[5].removeprefix(".") for line in
              run(["dpkg-deb", "-c", package]).stdout.splitlines()}
    assert inside >= {
        "/usr/bin/ppiofs", "/usr/sbin/mount.ppiofs", "/usr/sbin/mount.fuse.ppiofs",
        "/usr/lib/systemd/system/ppiofs@.service", "/usr/lib/systemd/user/ppiofs@.service",
        "/usr/share/bash-completion/completions/ppiofs", "/usr/share/zsh/vendor-completions/_ppiofs",
        "/usr/share/fish/vendor_completions.d/ppiofs.fish",
        "/usr/share/man/man1/ppiofs.1.gz", "/usr/share/man/man5/ppiofs.conf.5.gz",
        "/usr/share/man/man5/ppiofs-tree.5.gz",
        "/usr/share/man/man8/mount.fuse.ppiofs.8.gz",
        "/usr/share/doc/ppiofs/README.md", "/usr/share/doc/ppiofs/contrib/README.zh-CN.md",
        "/usr/share/doc/ppiofs/contrib/SECURITY.md", "/usr/share/doc/ppiofs/contrib/SEMANTICS.md",
        "/usr/share/doc/ppiofs/contrib/CONTRIBUTING.md", "/usr/share/doc/ppiofs/contrib/PERFORMANCE.md",
        "/usr/share/doc/ppiofs/examples/wait-for", "/usr/share/doc/ppiofs/ppiofs.conf.example",
        "/usr/share/doc/ppiofs/copyright"}


@pytest.mark.parametrize("with_git", [True, False])
def test_what_lies_in_the_clone_besides_is_not_copied(tmp_path, with_git):
    clone, tools = tmp_path / "a clone", tmp_path / "tools"
    tools.mkdir()
    (tools / "dpkg-buildpackage").write_text("#!/bin/sh\nfind . >&2\nexit 1\n")
    (tools / "dpkg-buildpackage").chmod(0o755)
    for name in run(["git", "ls-files", "-z"], cwd=REPOSITORY).stdout.split("\0"):
        if name and (REPOSITORY / name).is_file():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, clone / name)
    (clone / "ppio").mkdir()
    (clone / "ppio" / "password").touch()
    if with_git:
        assert run("git init -q && git add .", cwd=clone).returncode == 0
    done = run([clone / "contrib" / "build-deb", tmp_path / "deb"], timeout=USE_SECONDS,
               env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"})
    assert "./src/main.c\n" in done.stderr
    assert not any(line.startswith("./ppio") for line in done.stderr.splitlines())


def test_lintian_has_nothing_to_say(package):
    changes = next(package.parent.glob("*.changes"))
    done = run(["lintian", "--allow-root", "--display-info", "--pedantic", "--fail-on",
                "error,warning,info", changes], timeout=USE_SECONDS)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_the_package_is_installed_used_and_removed(package, tmp_path, api):
    lines = in_a_copy(package, tmp_path, api, f"""
        find /usr /etc ! -path '/usr/share/mime*' | sort >before
        dpkg --force-depends -i "$2" || exit 1
        ppiofs --check -o "api_url=$4,api_key_file=$PWD/key" >&3 || exit 1
        mount -t fuse.ppiofs ppio mnt -o "api_url=$4,api_key_file=$PWD/key" || exit 1
        cat mnt/instances/{INSTANCE}/status >&3
        zsh -f -c 'autoload -U compinit && compinit -u -D && echo "zsh: $_comps[ppiofs]"' >&3
        systemd-analyze --man=no verify 'ppiofs@mnt-ppio.service' >&3 2>&1
        umount mnt
        dpkg -P ppiofs || exit 1
        find /usr /etc ! -path '/usr/share/mime*' | sort >after
        diff before after >&3; echo gone >&3""")
    assert [line for line in lines if line.startswith(("FAIL", "note"))] == []
    assert "running" in lines
    assert "zsh: _ppiofs" in lines or shutil.which("zsh") is None
    assert lines[-1] == "gone" and not any(line.startswith(("<", ">")) for line in lines), lines
