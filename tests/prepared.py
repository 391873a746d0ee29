"""A migrated, empty database, made once for a run of the suite; its other databases are copies.

Migrating takes seconds, and a run needs a dozen databases in several processes.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
RUN = "LEADMETRICS_TEST_RUN"  # the process that began the run; its children share what is made


def begin() -> None:
    """This process begins a run, unless it is a part of one."""
    os.environ.setdefault(RUN, str(os.getpid()))


def end() -> None:
    """Drop what the run shared; only the process that began it does."""
    if os.environ.get(RUN) != str(os.getpid()) or not _folder().exists():
        return
    if on_postgres():
        postgres(f'DROP DATABASE IF EXISTS "{_template()}"')
    shutil.rmtree(_folder())


def on_postgres() -> bool:
    """Whether the run's databases are PostgreSQL's."""
    return os.environ.get("DATABASE_URL", "").startswith("postgres")


def copy_file(path: Path) -> None:
    """Put a migrated SQLite database there."""
    _make_once()
    shutil.copyfile(_folder() / "db.sqlite3", path)


def template() -> str:
    """The PostgreSQL database to name as the template of a new one."""
    _make_once()
    return _template()


def address(name: str) -> str:
    """DATABASE_URL with the name of another database."""
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


def postgres(statement: str) -> None:
    """Run a statement about databases on the server of DATABASE_URL."""
    import psycopg

    with psycopg.connect(address("postgres"), autocommit=True) as connection:
        connection.execute(statement)


def _make_once() -> None:
    _folder().mkdir(exist_ok=True)
    with (_folder() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = _folder() / "made"
        if not made.exists():
            _migrate()
            made.touch()


def _migrate() -> None:
    if on_postgres():
        postgres(f'CREATE DATABASE "{_template()}"')
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=ROOT,
        check=True,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "leadmetrics.settings",
            "DATA_DIR": str(_folder()),
            "DATABASE_URL": address(_template()) if on_postgres() else "",
        },
    )


def _folder() -> Path:
    return Path(tempfile.gettempdir()) / f"leadmetrics-tests-of-{os.environ[RUN]}"


def _template() -> str:
    return f"lm_prepared_{os.environ[RUN]}"
