# SPDX-License-Identifier: MIT
"""An automounter of one directory, as systemd is one: autofs.py DIRECTORY COMMAND...

The kernel holds whoever looks into DIRECTORY until COMMAND has mounted there; only this process group
is let through. Prints a line when it watches, or why it cannot; ends with its standard input.
"""
import fcntl
import os
import select
import struct
import subprocess
import sys

READY, FAIL = 0x9360, 0x9361  # AUTOFS_IOC_*
PACKET = struct.Struct("=iiI")  # the protocol, the kind of packet, the token to answer with
PACKET_MOST = 4096


def watch(directory):
    """What comes from the kernel, and the directory beneath what will be mounted."""
    requests, theirs = os.pipe()
    options = f"fd={theirs},pgrp={os.getpgrp()},minproto=5,maxproto=5,direct"
    mounted = subprocess.run(["mount", "-t", "autofs", "-o", options, "automount", directory],
                             pass_fds=[theirs], stderr=subprocess.PIPE, text=True)
    os.close(theirs)
    if mounted.returncode != 0:
        sys.exit(print("no autofs here:", mounted.stderr.strip(), flush=True))
    return requests, os.open(directory, os.O_RDONLY | os.O_DIRECTORY)


def main(directory, *command):
    requests, root = watch(directory)
    print("watching", flush=True)
    while requests in select.select([requests, 0], [], [])[0]:
        token = PACKET.unpack_from(os.read(requests, PACKET_MOST))[2]
        status = subprocess.run(command, stdin=subprocess.DEVNULL).returncode
        fcntl.ioctl(root, READY if status == 0 else FAIL, token)


main(*sys.argv[1:])
