# SPDX-License-Identifier: MIT
"""Completions as the shells themselves make them: a line is typed at a terminal, then Tab."""
import os
import pathlib
import pty
import re
import select
import shlex
import shutil
import signal
import subprocess
import time

COMPLETIONS = pathlib.Path(__file__).resolve().parents[1] / "contrib" / "completions"
SHELLS = ("bash", "zsh", "fish")
PATIENCE = 20  # seconds; a shell that has not answered by then hangs

# What is typed first: it makes the shell plain and loads our file.
_BASH = ("PS1=; bind 'set enable-bracketed-paste off'; bind 'set completion-query-items 0'; "
         "bind 'set page-completions off'; source {file}")
_ZSH = ("PS1=; unset zle_bracketed_paste; bindkey -e; "
        "fpath=({folder} $fpath); autoload -U compinit; compinit -u -D")
_TERMINALS = {"bash": (["bash", "--norc", "--noprofile", "-i"], _BASH.format(
                  file=shlex.quote(str(COMPLETIONS / "ppiofs.bash")))),
              "zsh": (["zsh", "-f", "-i"], _ZSH.format(folder=shlex.quote(str(COMPLETIONS))))}


def is_there(shell):
    return shutil.which(shell) is not None


def completed(shell, line, cwd, env):
    """The last word of @line after Tab; it stays as it is if it is ambiguous or unknown."""
    if shell == "fish":
        return _completed_by_fish(line, cwd, env)
    with _Terminal(*_TERMINALS[shell], cwd, env) as terminal:
        # Ctrl-A and Ctrl-E: what stands on the line becomes the words of a printf.
        return terminal.ask(f"{line}\t\x01printf '<%s>' \x05; echo END")[-1]


def _completed_by_fish(line, cwd, env):
    file = shlex.quote(str(COMPLETIONS / "ppiofs.fish"))
    script = f"source {file}; complete -C {shlex.quote(line)}"
    done = subprocess.run(["fish", "--no-config", "-c", script], cwd=cwd, env=env, text=True,
                          capture_output=True, timeout=PATIENCE, check=True)
    assert not done.stderr, done.stderr
    found = [proposal.split("\t")[0] for proposal in done.stdout.splitlines()]
    return found[0] if len(found) == 1 else line.split(" ")[-1]


class _Terminal:
    def __init__(self, argv, setup, cwd, env):
        self._pid, self._fd = pty.fork()
        if self._pid == 0:
            os.chdir(cwd)
            os.execvpe(argv[0], argv, {**env, "TERM": "dumb"})
        self.ask(setup + "; printf '<%s>' ready; echo END")

    def ask(self, line):
        """Types it; the words that come back as <word> before END, unlike what is echoed."""
        os.write(self._fd, line.encode() + b"\r")
        came, limit = "", time.monotonic() + PATIENCE
        while not (found := re.search(r"((?:<[^<>%]*>)+)END\r?\n", came)):
            if not select.select([self._fd], [], [], max(limit - time.monotonic(), 0))[0]:
                raise AssertionError(f"no answer to {line!r}, only {came!r}")
            came += os.read(self._fd, 65536).decode(errors="replace")
        return re.findall(r"<([^<>]*)>", found[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._fd)
