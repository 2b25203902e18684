"""Refuse every connection that leaves this machine.

An audit hook sees each use of a socket from Python, also through modules imported before, and once
installed nothing can take it out. Code in C that opens sockets of its own is not seen; of what the
book uses only the kernel's own messages (ZeroMQ, on this machine) work that way.

This file is also run by itself, as the configuration file of the kernels (`kernel`): it imports
the standard library only.
"""

from __future__ import annotations

import socket
import sys
from typing import Any

# The machine's own name too: some systems look it up to find their own addresses.
LOCAL_NAMES = frozenset({"", "localhost", "ip6-localhost", socket.gethostname()})


class NetworkForbiddenError(OSError):
    """The book runs without network: data comes with a dependency or is generated."""


def is_local(host: Any) -> bool:
    """Whether a host name or address is this machine."""
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    return host is None or host in LOCAL_NAMES or host.startswith("127.") or host == "::1"


def guard(event: str, arguments: tuple[Any, ...]) -> None:
    """The audit hook: raise where a socket reaches for another machine, or a name is looked up."""
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        connection, address = arguments[0], arguments[1]
        # AF_UNIX and the like have no host; sendmsg without address uses a connection made before.
        if connection.family not in (socket.AF_INET, socket.AF_INET6) or address is None:
            return
        host = address[0]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        host = arguments[0]
    else:
        return
    if not is_local(host):
        raise NetworkForbiddenError(
            f"the book must not use the network: {event.partition('.')[2]} to {host!r}. "
            "Use data that comes with a dependency, or generate it."
        )


_installed = False


def forbid_network() -> None:
    """Install the guard in this process, once."""
    global _installed
    if not _installed:
        _installed = True
        sys.addaudithook(guard)


if __name__ != "tests.verify.no_network":  # run as a kernel's configuration file
    forbid_network()
