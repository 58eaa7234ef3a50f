# SPDX-License-Identifier: MIT
"""Stops a program at its very end, to look at what /proc still shows of it."""
import ctypes
import os
import signal
import subprocess

PTRACE_TRACEME, PTRACE_CONT, PTRACE_SETOPTIONS = 0, 7, 0x4200
PTRACE_O_TRACEEXIT, PTRACE_EVENT_EXIT = 0x40, 6
PTRACE_O_EXITKILL = 0x100000

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def _ptrace(request, pid=0, data=0):
    if _libc.ptrace(request, pid, None, data) < 0:
        raise OSError(ctypes.get_errno(), "ptrace")


def at_its_end(command, look, env=None):
    """Runs @command; when it exits, but is still there, look(pid) is called. Its stderr."""
    with subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          preexec_fn=lambda: _ptrace(PTRACE_TRACEME)) as child:
        os.waitpid(child.pid, 0)  # stopped in execve()
        _ptrace(PTRACE_SETOPTIONS, child.pid, PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL)
        _ptrace(PTRACE_CONT, child.pid)
        while True:
            _, status = os.waitpid(child.pid, 0)
            if not os.WIFSTOPPED(status):
                raise AssertionError("it ended unseen")
            if status >> 8 == signal.SIGTRAP | PTRACE_EVENT_EXIT << 8:
                break
            _ptrace(PTRACE_CONT, child.pid, os.WSTOPSIG(status))
        try:
            look(child.pid)
        finally:
            _ptrace(PTRACE_CONT, child.pid)
        return child.stderr.read().decode()
