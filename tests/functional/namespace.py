# SPDX-License-Identifier: Apache-2.0
"""A network of its own for this process and everything it starts: the real neko must never be
reachable from outside the machine, and it needs an interface that is not loopback."""

from __future__ import annotations

import ctypes
import os
import subprocess

ADDRESS = "10.213.77.2"
CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
MS_REC, MS_PRIVATE = 0x4000, 0x40000

# X servers find a free number by their abstract sockets, which are per network namespace: their
# folder for the other kind must be too. Without link-local addresses: neko cannot bind one that
# the kernel is still trying out.
SET_UP = f"""
mkdir -p /tmp/.X11-unix && mount -t tmpfs tmpfs /tmp/.X11-unix && ip link set lo up &&
ip link add holt0 type veth peer name holt1 && ip link set holt0 addrgenmode none &&
ip link set holt1 addrgenmode none && ip addr add {ADDRESS}/24 dev holt0 &&
ip link set holt0 up && ip link set holt1 up
"""


def enter() -> str:
    """Why it cannot be had; empty when this process is in it."""
    if os.geteuid() != 0:
        return "a network namespace needs root here"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        return f"no mount namespace: {os.strerror(ctypes.get_errno())}"
    if libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) != 0:
        return f"mounts cannot be kept apart: {os.strerror(ctypes.get_errno())}"
    if libc.unshare(CLONE_NEWNET) != 0:
        return f"no network namespace: {os.strerror(ctypes.get_errno())}"
    done = subprocess.run(["sh", "-c", SET_UP], capture_output=True, text=True, timeout=60)
    return "" if done.returncode == 0 else f"no veth pair: {done.stderr.strip()}"
