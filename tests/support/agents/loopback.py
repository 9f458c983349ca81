"""A network namespace with nothing in it but loopback: whoever runs there reaches this machine and nobody else."""

import fcntl
import os
import shutil
import socket
import struct
import subprocess

_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1


def command() -> list[str] | None:
    """What runs a program in such a namespace; None where this system has none for us."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return None
    # And one of processes, so that what an agent leaves running ends with it.
    alone = ["-n", "-p", "--mount-proc", "--fork", "--kill-child"]
    for flags in ([], ["-r"]):  # root needs no namespace of users, and others get one where it is allowed
        made = [unshare, *flags, *alone, "--"]
        if subprocess.run([*made, "true"], capture_output=True, check=False).returncode == 0:
            return made
    return None


def set_up() -> None:
    """Within the namespace: switch its loopback on. Raises `OSError`."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        asked = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(probe, _SIOCGIFFLAGS, asked))[1]
        fcntl.ioctl(probe, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | _IFF_UP))


def others() -> list[str]:
    """Interfaces beside loopback; none in such a namespace."""
    return [name for _, name in socket.if_nameindex() if name != "lo" and not name.startswith(("sit", "ip6tnl"))]


if __name__ == "__main__":
    print(os.getpid(), others())
