"""Find the programs of the targets, and install those that the project lacks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLUGINS = ROOT / ".meltano" / "loaders"
OTHERS = ROOT / ".targets"
MAPPER = "meltano-map-transform"


def program(package: str, name: str, *requirements: str) -> Path:
    """Return the path of a package's program; install the package if it is missing."""
    if (installed := PLUGINS / name / "venv").is_dir() and _has(installed, package):
        return installed / "bin" / name
    home = OTHERS / package
    if not _has(home, package):
        uv = [str(Path(sys.executable).parent / "uv"), "--quiet"]
        subprocess.run(
            [*uv, "venv", "--clear", "--python", sys.executable, str(home)], check=True
        )
        install = [*uv, "pip", "install", "--python", str(home)]
        subprocess.run([*install, package, *requirements], check=True)
    return home / "bin" / name


def version(path: Path, package: str) -> str:
    """Return the version of the package to which a program belongs."""
    (found,) = _metadata(path.parents[1], package)
    return found.name.removesuffix(".dist-info").rpartition("-")[2]


def _has(home: Path, package: str) -> bool:
    return bool(_metadata(home, package))


def _metadata(home: Path, package: str) -> list[Path]:
    folder = f"{package.replace('-', '_')}-[0-9]*.dist-info"
    return list(home.glob(f"lib/python*/site-packages/{folder}"))
