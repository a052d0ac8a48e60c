"""Copy the files of this folder into a checkout of the Meltano Hub.

`python3 tools/hub/into.py ../hub` copies the definition and the logo, and adds a line
to the default variants and an entry to the maintainers, in alphabetical order.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent
NAME = "tap-toggl-hire"
MAINTAINER = f"""{NAME}:
  label: The {NAME} contributors
  name: {NAME}
  url: https://github.com/{NAME}
"""


def main(hub: Path) -> None:
    """Copy everything into a checkout of the Hub; repeating it changes nothing."""
    for folder in ("_data", "static"):
        shutil.copytree(HERE / folder, hub / folder, dirs_exist_ok=True)
    variants = hub / "_data" / "default_variants.yml"
    head, section, rest = variants.read_text("utf-8").partition("extractors:\n")
    variants.write_text(head + section + _insert(rest, f"  {NAME}: {NAME}\n"), "utf-8")
    maintainers = hub / "_data" / "maintainers.yml"
    maintainers.write_text(_insert(maintainers.read_text("utf-8"), MAINTAINER), "utf-8")


def _insert(text: str, entry: str) -> str:
    """Insert an entry in alphabetical order among entries of the same depth."""
    key = entry.partition(":")[0]
    indent = len(key) - len(key.lstrip())
    lines = text.splitlines(keepends=True)
    for place, line in enumerate(lines):
        other = line.partition(":")[0]
        if other == key:
            return text
        depth = len(other) - len(other.lstrip())
        if depth < indent or (depth == indent and other > key):
            return "".join([*lines[:place], entry, *lines[place:]])
    return text + entry


if __name__ == "__main__":
    main(Path(sys.argv[1]))
