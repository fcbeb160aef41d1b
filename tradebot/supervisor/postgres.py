"""The embedded PostgreSQL: the wheel's own programs, on loopback with passwords, as `nobody` where we are root.

A killed server leaves backends and a lock file behind; both are cleared before the next start.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from tradebot.supervisor.places import make_walkable, postgres_programs, unprivileged_user
from tradebot.supervisor.processes import Service

OWNER, USER, DATABASE = "postgres", "tradebot", "tradebot"
# For one small machine; durability stays whole, since an order row must outlive a crash.
TUNING = {
    "shared_buffers": "128MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "max_connections": "80",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "password_encryption": "scram-sha-256",
}
# A test's data is thrown away: nothing of it need reach the disk.
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """One embedded server: where it lives and how it is reached."""

    place: Path
    port: int
    owner_password: str
    password: str
    is_durable: bool = True

    @property
    def data(self) -> Path:
        return self.place / "data"

    @property
    def url(self) -> str:
        return f"postgres://{USER}:{self.password}@127.0.0.1:{self.port}/{DATABASE}"

    def service(self) -> Service:
        settings = TUNING if self.is_durable else TUNING | FORGETFUL
        flags = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        # No socket file, TCP on loopback only.
        address = ["-h", "127.0.0.1", "-p", str(self.port), "-c", "unix_socket_directories="]
        return Service(
            name="postgres",
            command=(str(postgres_programs() / "postgres"), "-D", str(self.data), *address, *flags),
            environment=server_environment(),
            answers=self.answers,
            prepare=self.prepare,
            # "Fast": roll back, write a checkpoint, leave; SIGTERM would wait for every client to go.
            stop_signal=signal.SIGINT,
            orphan_signal=signal.SIGINT,
            user=unprivileged_user(),
            folder="/",
        )

    def prepare(self) -> None:
        """Make the cluster at the first start; afterwards clear what a killed server left."""
        if not self.data.exists():
            self.initialise()
            return
        self.end_leftovers()
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def initialise(self) -> None:
        """Make the cluster beside its place and move it there, so that half a cluster is never taken for one."""
        user = unprivileged_user()
        make_walkable(self.place)
        fresh, password_file = self.place / "data.new", self.place / "password"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        password_file.touch(mode=0o600)
        password_file.write_text(self.owner_password + "\n")
        if user:
            os.chown(fresh, user.pw_uid, user.pw_gid)
            os.chown(password_file, user.pw_uid, user.pw_gid)
        options = [
            "--username",
            OWNER,
            "--pwfile",
            str(password_file),
            "--auth=scram-sha-256",
            "--encoding=UTF8",
        ]
        # The built-in provider needs no locale of the machine's.
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        command = [str(postgres_programs() / "initdb"), "-D", str(fresh), *options, *locale]
        try:
            run_as(user, [*command, *([] if self.is_durable else ["--no-sync"])])
        finally:
            password_file.unlink()
        fresh.rename(self.data)

    def end_leftovers(self) -> None:
        """End backends whose postmaster was killed: they hold the shared memory the next one needs."""
        remaining = [process for process in psutil.process_iter(["name", "cwd"]) if self.is_ours(process)]
        for process in remaining:
            process.kill()
        psutil.wait_procs(remaining, timeout=5)

    def is_ours(self, process: psutil.Process) -> bool:
        # A server's processes stand in its data folder; nobody else does.
        return bool(process.info["name"] == "postgres" and process.info["cwd"] == str(self.data))

    def answers(self) -> bool:
        """True when the product's database can be worked with; made on the way at the first start."""
        try:
            self.create_database()
        except psycopg.OperationalError:
            return False
        return True

    def create_database(self) -> None:
        with psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=OWNER,
            password=self.owner_password,
            dbname="postgres",
            autocommit=True,
            connect_timeout=2,
        ) as connection:
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [USER]).fetchone():
                statement = "CREATE ROLE {} LOGIN CREATEDB PASSWORD {}"
                connection.execute(
                    sql.SQL(statement).format(sql.Identifier(USER), sql.Literal(self.password))
                )
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                statement = "CREATE DATABASE {} OWNER {}"
                connection.execute(sql.SQL(statement).format(sql.Identifier(DATABASE), sql.Identifier(USER)))


def server_environment() -> dict[str, str]:
    """A clean environment: PG… variables of the person's own must not steer our server."""
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}


def run_as(user: pwd.struct_passwd | None, command: list[str]) -> None:
    """Run a program of PostgreSQL's to its end; raises OSError with what it said."""
    done = subprocess.run(
        command,
        cwd="/",
        env=server_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        user=user.pw_uid if user else None,
        group=user.pw_gid if user else None,
        extra_groups=[] if user else None,
    )
    if done.returncode != 0:
        raise OSError(f"{Path(command[0]).name} failed: {done.stdout.strip()[-300:]}")
