# SPDX-License-Identifier: MIT
"""What is written about ppiofs against ppiofs --help: man pages, completions, examples, units."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
CONTRIB = REPOSITORY / "contrib"
PPIOFS = pathlib.Path(
    os.environ.get("PPIOFS_BIN", REPOSITORY / "build" / "src" / "ppiofs")).resolve()
sys.path.insert(0, str(REPOSITORY / "tests"))

import shells  # noqa: E402

PAGE = (CONTRIB / "man" / "ppiofs.1").read_text()
CONF_PAGE = (CONTRIB / "man" / "ppiofs.conf.5").read_text()
ONLY_IN_FILE, NEVER_IN_FILE = {"api_key_command"}, {"config"}


def run(*argv, **how):
    return subprocess.run([str(word) for word in argv], capture_output=True, text=True, timeout=60,
                          **how)


def needs(program):
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")


class Help:
    """ppiofs --help, taken apart."""

    def __init__(self):
        text = run(PPIOFS, "--help").stdout
        usage, options, ignored = re.split(r"\nOptions .*\n|\nAlways on .*\n.*\n", text)[:3]
        self.switches = set(re.findall(r"(?<=  |, )(-{1,2}[A-Za-z-]+)", usage.split("Unmount")[1]))
        rows = re.findall(r"^  (?:-o )?(\w+)(=\S+)?(?:\n +| +)[^\n]*?(?:\n +)?(?:\[(.*)\])?$",
                          options, re.MULTILINE)
        self.options = {name: default for name, _, default in rows}
        self.flags = {name for name, value, _ in rows if not value}
        self.ignored = set(ignored.partition("\n\n")[0].split())

    @property
    def settable(self):
        """Those that may stand behind -o."""
        return set(self.options) - ONLY_IN_FILE


@pytest.fixture(scope="module")
def help():
    return Help()


def section(page, title):
    """A section of a man page, its subsections not included."""
    return re.search(rf"^\.Sh {title}\n(.*?)^\.S[hs] ", page, re.MULTILINE | re.DOTALL)[1]


def macro_words(text, macro):
    """All that @macro marks: ".Cm a , b" and ".It Cm a Ns = Ns Ar X , Cm b"."""
    words = set()
    for line in re.findall(rf"^\.(?:.* )?{macro} .*$", text, re.MULTILINE):
        current = None
        for word in line[1:].split():
            if re.fullmatch(r"[A-Z][a-z]", word):
                current = None if word == "Ns" else word
            elif current == macro and re.search(r"\w", word):
                words.add(word.replace("\\-", "-"))
    return words


def test_help_is_understood_here(help):
    assert {"--check", "--refresh", "--print-config", "-f", "-d", "-h", "--help", "-V",
            "--version"} == help.switches
    assert help.options["ttl"] == "10" and help.options["max_stale"] == "3600"
    assert help.flags == {"allow_other", "auto_unmount"} and "x-*" in help.ignored
    assert len(help.options) > 20 and ONLY_IN_FILE <= set(help.options)


# Man pages

def test_the_man_page_has_each_option_once_and_no_other(help):
    items = re.findall(r"^\.It (Cm .*)$", section(PAGE, "OPTIONS"), re.MULTILINE)
    names = [name for item in items for name in re.findall(r"(?:^|, )Cm (\w+)", item)]
    assert sorted(names) == sorted(help.options)


def test_the_man_page_tells_the_defaults_of_help(help):
    items = re.split(r"^\.It ", section(PAGE, "OPTIONS"), flags=re.MULTILINE)[1:]
    told = {re.match(r"Cm (\w+)", item)[1]: (re.search(r"Default: (\w+)", item) or ["", ""])[1]
            for item in items}
    plain = {name: value for name, value in help.options.items()
             if re.fullmatch(r"\d+|off|show|info", value) and name in told}
    assert len(plain) >= 9
    assert {name: told[name] for name in plain if told[name]} == {
        name: value for name, value in plain.items() if told[name]}
    assert {name for name in plain if not told[name]} == set()


def test_the_man_page_has_each_switch_and_no_other(help):
    items = re.findall(r"^\.It (Fl .*)$", section(PAGE, "DESCRIPTION"), re.MULTILINE)
    names = {"-" + name for item in items for name in re.findall(r"Fl ([\w-]+)", item)}
    assert names == help.switches | {"-o"}


def test_the_man_page_lists_what_is_accepted_without_meaning(help):
    after = section(PAGE, "OPTIONS").partition(".El\n")[2]
    assert macro_words(after, "Cm") == help.ignored


def test_the_man_page_of_the_configuration_has_what_may_stand_there(help):
    options = section(CONF_PAGE, "OPTIONS")
    mentioned = macro_words(options, "Cm") - {"yes"}
    assert mentioned == set(help.options)
    assert "\n.Cm config\nand the API key itself cannot be set here" in options


def test_the_man_page_tells_the_exit_statuses_of_promise_and_help():
    statuses = set(re.findall(r"^\.It (\d+)$", section(PAGE, "EXIT STATUS"), re.MULTILINE))
    told = run(PPIOFS, "--help").stdout.partition("Exit status:")[2]
    assert statuses == set(re.findall(r"\b(\d+) ", told)) == {"0", "1", "2", "3", "4", "32"}


def test_the_man_page_knows_each_error_number_of_the_source():
    used = set(re.findall(r"\bE[A-Z]{2,}\b", (REPOSITORY / "src/fs/errno.c").read_text()))
    told = set(re.findall(r"^\.It Bq Er (\w+)$", PAGE, re.MULTILINE))
    assert used - told <= {"ENOMEM"}


def test_the_man_pages_name_the_version_of_the_project():
    version = re.search(r"^  version: '(.*)',$", (REPOSITORY / "meson.build").read_text(),
                        re.MULTILINE)[1]
    for page in (CONTRIB / "man").iterdir():
        assert f"\n.Os ppiofs {version}\n" in page.read_text(), page


@needs("mandoc")
@pytest.mark.parametrize("page", ["ppiofs.1", "ppiofs.conf.5", "ppiofs-tree.5"])
def test_the_man_pages_are_clean(page):
    done = run("mandoc", "-T", "lint", "-W", "style", CONTRIB / "man" / page)
    told = [line for line in done.stdout.splitlines()
            if "referenced manual not found" not in line]  # depends on what is installed
    assert told == []
    assert run("mandoc", "-W", "warning", "-T", "ascii", CONTRIB / "man" / page).returncode == 0


# Completions

def option_names(shell):
    text = next(CONTRIB.glob(f"completions/*{'_ppiofs' if shell == 'zsh' else shell}")).read_text()
    if shell == "bash":
        words = re.search(r'local options="([^"]*)"', text)[1].split()
        return {word.rstrip("=") for word in words}, {word for word in words if "=" not in word}
    if shell == "zsh":
        rows = re.findall(r"^ +'(\w+)\[[^]]*\](:?)", text, re.MULTILINE)
    else:
        rows = re.findall(r"^ +'(\w+)(=?)\|", text, re.MULTILINE)
    return {name for name, _ in rows}, {name for name, value in rows if not value}


@pytest.mark.parametrize("shell", shells.SHELLS)
def test_a_completion_proposes_each_option_and_no_other(help, shell):
    assert option_names(shell) == (help.settable, help.flags)


@pytest.mark.parametrize("shell, pattern", [
    ("bash", r'local switches="([^"]*)"'), ("zsh", r"_arguments -S(.*?)'1:"), ("fish", r"(.*)")])
def test_a_completion_proposes_each_switch_and_no_other(help, shell, pattern):
    text = next(CONTRIB.glob(f"completions/*{'_ppiofs' if shell == 'zsh' else shell}")).read_text()
    part = re.search(pattern, text, re.DOTALL)[1]
    if shell == "fish":
        found = {("--" if kind == "-l" else "-") + name
                 for line in re.findall(r"^complete -c ppiofs (-[sl] .*) -d", part, re.MULTILINE)
                 for kind, name in re.findall(r"(-[sl]) (\S+)", line)}
    else:
        found = set(re.findall(r"(?<![\w-])(-{1,2}[a-zA-Z][\w-]*)(?=[\[\s,}]|$)",
                               re.sub(r"\[[^]]*\]", " ", part)))
    assert found == help.switches | {"-o"}


@pytest.fixture
def desk(tmp_path):
    """A directory to complete in, and the environment for it."""
    (tmp_path / "mnt").mkdir()
    (tmp_path / "key").touch()
    (tmp_path / "ppiofs").mkdir()
    (tmp_path / "ppiofs" / "config").write_text("[defaults]\nttl=3\n[work]\nttl=4\n[a-b]\nttl=1\n")
    env = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path), "PS1": ""}
    return tmp_path, env


@pytest.mark.parametrize("shell", shells.SHELLS)
@pytest.mark.parametrize("line, last", [
    ("ppiofs --ref", "--refresh"),
    ("ppiofs --pr", "--print-config"),
    ("ppiofs --check no", "novita"),
    ("ppiofs wo", "work"),
    ("ppiofs a", "a-b"),
    ("ppiofs def", "def"),
    ("ppiofs work mn", "mnt/"),
    ("ppiofs mnt -o paral", "parallel_requests="),
    ("ppiofs mnt -o auto_u", "auto_unmount"),
    ("ppiofs mnt -o secrets=h", "secrets=hide"),
    ("ppiofs mnt -o ttl=3,log=de", "ttl=3,log=debug"),
    ("ppiofs mnt -o ttl=3,api_key_file=ke", "ttl=3,api_key_file=key"),
    ("ppiofs mnt -o nosuch", "nosuch"),
])
def test_a_shell_completes(desk, shell, line, last):
    if not shells.is_there(shell):
        pytest.skip(f"{shell} is not installed")
    # What zsh puts behind a list's value or a directory goes away when something else is typed.
    assert shells.completed(shell, line, *desk).rstrip(",/") == last.rstrip("/")


# Example, units

def test_the_example_configuration_can_be_used_with_every_line_in_force(help, tmp_path):
    text = (CONTRIB / "ppiofs.conf.example").read_text()
    rows = re.findall(r"^#(\w+)=(.*)$", text, re.MULTILINE)
    assert {name for name, _ in rows} == set(help.options) - NEVER_IN_FILE
    (tmp_path / "config").write_text(re.sub(r"^#(?=\[|\w+=)", "", text, flags=re.MULTILINE))
    (tmp_path / "config").chmod(0o600)
    for profile in ("ppio", "novita", "work"):
        done = run(PPIOFS, "--print-config", profile, "-o", f"config={tmp_path}/config")
        assert done.returncode == 0, done.stderr


def test_the_example_configuration_shows_the_defaults_of_help(help):
    text = (CONTRIB / "ppiofs.conf.example").read_text().partition("[ppio]")[0]
    rows = dict(re.findall(r"^#(\w+)=(.*)$", text, re.MULTILINE))
    assert len(rows) > 10 and rows == {name: help.options[name] for name in rows}


@needs("systemd-analyze")
@pytest.mark.parametrize("manager", ["system", "user"])
def test_the_units_are_clean(manager, tmp_path):
    name = "ppiofs@.service.in" if manager == "system" else "user-ppiofs@.service.in"
    text = (CONTRIB / "systemd" / name).read_text().replace("@BINDIR@", str(tmp_path))
    (tmp_path / "ppiofs").symlink_to(PPIOFS)  # whose own path may have a blank
    (tmp_path / "ppiofs@.service").write_text(text)
    (tmp_path / "ppiofs@mnt-ppio.service").symlink_to("ppiofs@.service")
    done = run("systemd-analyze", f"--{manager}", "--man=no", "verify",
               tmp_path / "ppiofs@mnt-ppio.service",
               env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)})
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["ppiofs@.service.in", "user-ppiofs@.service.in"])
def test_a_unit_names_what_would_hide_the_mount_and_has_none_of_it(name):
    text = (CONTRIB / "systemd" / name).read_text()
    never = set(re.findall(r"(\w+)=(?=\s|$)", text.partition("\n# Never add")[2]))
    tried = (REPOSITORY / "tests/boot/units").read_text().partition("<<'LIST'\n")[2]
    live = {line.partition("=")[0] for line in tried.partition("\nLIST\n")[0].splitlines()}
    assert len(live) > 20 and live <= never
    assert not never & set(re.findall(r"^(\w+)=", text, re.MULTILINE))


# The READMEs

def without_words(block):
    """A block as its translation must share it: no comments, and no right column of the tree."""
    return [re.sub(r" +# .*$| {4,}\S.*$", "", line) for line in block.splitlines()]


def parts(path):
    """A README as what its translation must share: headings, code, tables' shape, names in code."""
    text = path.read_text()
    blocks = re.findall(r"^```.*?^```$", text, re.MULTILINE | re.DOTALL)
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    rows = [line for line in prose.splitlines() if line.startswith("|")]
    return {"headings": re.findall(r"^(#+) ", prose, re.MULTILINE),
            "blocks": list(map(without_words, blocks)),
            "rows": [row.replace("\\|", "").count("|") for row in rows],
            "code in tables": [sorted(re.findall(r"`[^`]+`", row)) for row in rows],
            "code": sorted(re.findall(r"`[^`]+`", prose)),
            "items": len(re.findall(r"^- ", prose, re.MULTILINE))}


@pytest.mark.parametrize("what", ["headings", "blocks", "rows", "code in tables", "code", "items"])
def test_the_readme_in_chinese_keeps_step(what):
    english = parts(REPOSITORY / "README.md")
    chinese = parts(CONTRIB / "README.zh-CN.md")
    assert chinese[what] == english[what]


def anchors(text):
    """The names that a heading can be linked by."""
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
            for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}


PAGES = [REPOSITORY / "README.md", *CONTRIB.glob("*.md"), *CONTRIB.glob("*/*.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_what_a_page_links_to_is_there(page):
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text()):
        path, _, anchor = target.partition("#")
        there = page.parent / path if path else page
        assert there.exists(), target
        assert not anchor or anchor in anchors(there.read_text()), target
