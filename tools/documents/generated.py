"""Every file that is generated from the code, completely or between two markers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.documents import definitions, models, privacy, rows, sample, shapes, tables

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FILES: dict[Path, Callable[[], str]] = {
    tables.README: tables.readme,
    tables.SETTINGS: tables.settings_page,
    tables.ARCHITECTURE: tables.architecture,
    privacy.PAGE: privacy.page,
    rows.PAGE: rows.page,
    sample.PAGE: sample.page,
    definitions.PROJECT: definitions.project,
    definitions.PLUGIN_FILE: definitions.plugin,
    definitions.HUB_FILE: definitions.entry,
    **models.FILES,
    **shapes.FILES,
}
