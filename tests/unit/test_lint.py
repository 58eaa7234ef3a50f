# SPDX-License-Identifier: MIT
"""Each lint can fail: it is shown a small tree with one thing wrong."""
import json
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LINTS = ROOT / "tests" / "lint"
LONG = "int f(int a);\nint f(int a)\n{\n" + "    a++;\n" * 58 + "    return a;\n}\n"

BAD = (  # lint, file, its content, what must be said
    ("arrows", "src/http/url.c", '#include "ppiofs/api/api.h"\n', "src/http/url.c:1: http must not"),
    ("arrows", "include/ppiofs/model/x.h", '\n#include "ppiofs/fs/fs.h"\n', "x.h:2: model must not"),
    ("arrows", "src/base/x.c", '#include <ppiofs/json/json.h>\n', "base must not know json"),
    ("arrows", "src/http.c", '#include "ppiofs/options.h"\n', "http must not know options"),
    ("arrows", "src/fs/x.c", '#include "ppiofs/daemon.h"\n', "fs must not know daemon"),
    ("arrows", "src/fs/x.c", '#  include "ppiofs/tree/private.h"\n', "private.h is private to tree"),
    ("arrows", "src/main.c", '#include "ppiofs/fs/private.h"\n', "private.h is private to fs"),
    ("arrows", "src/fs/x.c", '#include "ppiofs/cache/private.h"\n', "private.h is private to cache"),
    ("arrows", "src/new/x.c", '#include "ppiofs/base/log.h"\n', "new is not in the table"),
    ("calls", "src/x.c", "\nint f(void) { return g_str_hash(); }\n", "src/x.c:2: g_str_hash"),
    ("format", "src/x.c", "int  f(void);\n", "src/x.c:1: clang-format"),
    ("functions", "src/x.c", LONG, "src/x.c:2: f is 62 lines long"),
    ("functions", "tests/unit/x.c", LONG, "f is 62 lines long"),
    ("manual", "contrib/x.1", ".Dd x\n.Sh\n", "x.1:"),
    ("names", "src/x.c", "// see http:/" "/deb.deb" "ian.org/debian\n", "src/x.c:1: a package host"),
    ("names", "contrib/x", "pip install -i https://py" "pi.org/simple x\n", "a package host"),
    ("names", "tests/x.py", "\npath = '/wo" "rk/x'\n", "tests/x.py:2: a developer's path"),
    ("names", "contrib/x", "cd /ho" "me/somebody/src\n", "a developer's path"),
    ("names", "notes/x", "", "notes does not belong"),
    ("semantics", "contrib/SEMANTICS.md", "It works. `[it-works]`\n", "no test names it-works"),
    ("semantics", "tests/mount/test_x.py", "# semantics: it-works\ndef test_x():\n", "not promise it"),
    ("shell", "contrib/x", "#!/bin/bash\nrm -rf $1/x\n", "SC2086"),
    ("cppcheck", "src/x.c", "int f(void)\n{\n    int a[2];\n    return a[2];\n}\n", "src/x.c:4:"),
    ("spdx", "src/x.c", "int f(void);\n", "src/x.c:1:"),
    ("spdx", "contrib/x", "#!/bin/sh\ntrue\n# SPDX-License-Identifier: MIT\n", "contrib/x:1:"),
    ("wired", "src/api/new.c", "", "src/api/new.c:1: src/meson.build does not name it"),
    ("wired", "tests/unit/test_new.c", "", "tests/meson.build does not name it"),
    ("wired", "tests/mount/test_new.py", "", "tests/meson.build does not name it"),
    ("wired", "tests/fault/test_new.py", "", "tests/meson.build does not name it"),
    ("wired", "tests/fuzz/fuzz_new.c", "", "tests/meson.build does not name it"),
)
GOOD = {
    "arrows": ("src/about.c", '#include "ppiofs/fs/fs.h"\n#include "ppiofs/options.h"\n'),
    "calls": ("tests/x.c", "int f(void) { return g_str_hash(); }\n"),
    "cppcheck": ("src/x.c", "int f(void)\n{\n    return 0;\n}\n"),
    "format": ("src/x.c", "int f(void);\n"),
    "functions": ("src/x.c", LONG.replace("    a++;\n", "", 2)),
    "manual": ("contrib/x.1", (ROOT / "contrib/man/ppiofs.1").read_text()),
    "names": ("src/x.c", "/* https://api.example.com /etc/ppiofs a/work/b registry.example.com */\n"),
    "semantics": ("contrib/SEMANTICS.md", "It works.\n"),
    "shell": ("contrib/x", "#!/bin/bash\nrm -rf \"${1:?}/x\"\n"),
    "spdx": ("contrib/x", "#!/bin/sh\n# SPDX-License-Identifier: MIT\n"),
    "wired": ("src/api/old.c", ""),
}


def run(lint, tree, *more):
    """Exit code and everything it said."""
    ran = subprocess.run([LINTS / lint, tree, *more], stdout=subprocess.PIPE, text=True,
                         stderr=subprocess.STDOUT)
    return ran.returncode, ran.stdout


@pytest.fixture
def tree(tmp_path):
    """tree(name, content): a project of that one file."""
    shutil.copy(ROOT / ".clang-format", tmp_path)

    def make(name, content):
        for build_file in ("src/meson.build", "tests/meson.build"):
            (tmp_path / build_file).parent.mkdir(exist_ok=True)
            (tmp_path / build_file).write_text(
                "# SPDX-License-Identifier: MIT\nsources = ['api/old.c']  # 'api/new.c'\n"
                "unit_tests = [\n  'old', 'older',\n]\n"
                "alone = ['new']  # what else is called so\n")
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return tmp_path
    return make


@pytest.mark.parametrize("lint, name, content, complaint", BAD,
                         ids=[f"{lint}: {complaint}" for lint, *_, complaint in BAD])
def test_what_is_wrong_is_told(tree, lint, name, content, complaint):
    code, said = run(lint, tree(name, content))
    assert code != 0
    assert complaint in said


@pytest.mark.parametrize("lint", GOOD)
def test_what_is_right_passes(tree, lint):
    assert run(lint, tree(*GOOD[lint])) == (0, "")


def test_tidy_finds_what_the_analyzer_finds(tree):
    top = tree("src/x.c", "int f(int a);\nint f(int a)\n{\n    if (a == 0)\n        return 1 / a;\n"
                          "    return 0;\n}\n")
    shutil.copy(ROOT / ".clang-tidy", top)
    (top / "compile_commands.json").write_text(json.dumps(
        [{"directory": str(top), "command": "cc -c src/x.c", "file": "src/x.c"}]))
    code, said = run("tidy", top, top)
    assert code != 0
    assert "DivideZero" in said


def test_every_lint_is_shown_something_wrong():
    programs = {path.name for path in LINTS.iterdir() if not path.suffix and path.is_file()}
    assert programs == {lint for lint, *_ in BAD} | {"tidy"}
    assert programs == set(GOOD) | {"tidy"}
