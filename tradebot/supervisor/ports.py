"""TCP ports: which are free, and who holds one that is not."""

from __future__ import annotations

import socket

import psutil


def is_free(host: str, port: int) -> bool:
    """True when a server could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As servers do: a connection of yesterday in TIME_WAIT is no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def free_port(host: str = "127.0.0.1") -> int:
    """A port nobody listens on at this moment."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def kept_port(wanted: int | None) -> int:
    """The loopback port used last time, or another where somebody has taken it meanwhile."""
    return wanted if wanted and is_free("127.0.0.1", wanted) else free_port()


def owner_of(port: int) -> str:
    """Who listens on `port`, in words; other users' processes may be hidden from us."""
    try:
        listening = [entry for entry in psutil.net_connections("tcp") if entry.status == psutil.CONN_LISTEN]
        for pid in [entry.pid for entry in listening if entry.laddr.port == port and entry.pid]:  # type: ignore[union-attr]
            return f"{psutil.Process(pid).name()} (pid {pid})"
    except psutil.Error:
        return "another program"
    return "another program"
