# SPDX-License-Identifier: MIT
"""The README's first screen and ppiofs-tree(5) against a real mount of the sample account."""
import re

import pytest
from helpers import ONE, module_mount, shell
from mounting import REPOSITORY

PAGE = (REPOSITORY / "contrib/man/ppiofs-tree.5").read_text()
RUNS_AND_ENDS = re.compile(r"(ppiofs|ssh|fusermount3) ")  # what no test of a live mount can type

sample = module_mount()


def words(macro, text=PAGE):
    """All that @text marks with @macro, a word each."""
    marked = set()
    for line in re.findall(r"^\.(.*)$", text, re.MULTILINE):
        current = None
        for word in line.split():
            if re.fullmatch(r"[A-Z][a-z]", word):
                current = word
            elif current == macro:
                marked.add(word.rstrip("/"))
    return marked


def first_screen():
    """(command, what it prints) of the README's first block."""
    block = re.search(r"^```console\n(.*?)^```$", (REPOSITORY / "README.md").read_text(),
                      re.MULTILINE | re.DOTALL)[1]
    return [(command, output) for command, _, output in
            (entry.partition("\n") for entry in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:])
            if not RUNS_AND_ENDS.match(command)]


@pytest.mark.parametrize("command, output", first_screen())
def test_the_first_screen_of_the_readme_is_true(sample, command, output):
    assert len(first_screen()) >= 4
    assert shell(sample.mount, command.replace("~/ppio", str(sample.mount.path))) == output


def test_the_page_of_the_tree_knows_each_directory_and_no_other(mount_factory, api):
    mount = mount_factory(options={"watch": 60})
    top = re.search(r"at the top of a mount:\n(.*?)^\.El$", PAGE, re.MULTILINE | re.DOTALL)[1]
    known = {word.partition("/")[0] for word in words("Pa", top)}
    assert known - {"", ".json"} == set(mount.ls())


def test_the_page_of_the_tree_knows_each_generated_file(sample):
    for directory in ("tables", "ssh", ".ppiofs"):
        assert {f"{directory}/{name}" for name in sample.mount.ls(directory)} <= words("Pa")


def test_the_page_of_the_tree_knows_each_field(sample):
    assert set(sample.mount.ls(f"instances/{ONE}")) <= words("Pa")


def test_the_page_of_the_tree_knows_the_columns_of_each_table(sample):
    for name in sample.mount.ls("tables"):
        columns = re.search(rf"^\.It Pa tables/{name}\n((?:\.Va .*\n)+)", PAGE, re.MULTILINE)[1]
        assert re.findall(r"\w+(?= [,.])", columns) == \
            sample.mount.read(f"tables/{name}").partition("\n")[0].split("\t")


def test_the_page_of_the_tree_knows_each_key_of_the_status(api, mount_factory):
    mount = mount_factory(options={"ttl": 0, "timeout": 1})
    mount.expect_stderr("warning: .*(refreshed|not reachable)")
    mount.ls("instances")
    api.fault("*", status=429, headers={"Retry-After": "60"})
    mount.ls("instances")
    keys = set(re.findall(r"^(\w+): ", mount.read(".ppiofs/status"), re.MULTILINE))
    assert {"list_retry", "list_error", "paused"} <= keys <= words("Va")
