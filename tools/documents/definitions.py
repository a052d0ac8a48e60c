"""The definition of the plugin, for `meltano add`, the Meltano Hub and meltano.yml."""

from __future__ import annotations

import textwrap
import typing as t

import yaml  # type: ignore[import-untyped]

from tap_toggl_hire.tap import TapTogglHire
from tools.documents.tables import ROOT, kind, replace, settings

NAME = TapTogglHire.name
REPOSITORY = "https://github.com/tap-toggl-hire/tap-toggl-hire"
HUB_FILE = ROOT / "tools/hub/_data/meltano/extractors" / NAME / f"{NAME}.yml"
PROJECT = ROOT / "meltano.yml"
PLUGIN_FILE = ROOT / "plugin.yaml"
LATER_IN_THE_HUB = {"start-date"}
"""Capabilities that the Hub's schema does not know yet."""
WITH_MELTANO = {"emit_activate_version_messages": True}
"""Defaults of the plugin that are not the tap's own: without this one, no target would
mark openings, categories and tags that were deleted."""


def definition() -> dict[str, t.Any]:
    """Return the definition, sorted as the Hub sorts."""
    about = TapTogglHire._get_about_info()  # noqa: SLF001 - what --about prints
    return {
        "capabilities": capabilities(),
        "description": (
            "Job openings, candidates, their answers, and what changed, from Toggl Hire"
        ),
        "docs": f"{REPOSITORY}/tree/main/docs",
        "domain_url": "https://toggl.com/hire/",
        "executable": NAME,
        "keywords": ["api", "meltano_sdk"],
        "label": "Toggl Hire",
        "log_parser": "singer-sdk",
        "logo_url": "/assets/logos/extractors/toggl-hire.svg",
        "maintenance_status": "beta",
        "name": NAME,
        "namespace": NAME.replace("-", "_"),
        "pip_url": NAME,
        "quality": "silver",
        "repo": REPOSITORY,
        "settings": [_setting(name) for name in sorted(settings())],
        "settings_group_validation": [required()],
        "supported_python_versions": list(about.supported_python_versions or ()),
        "variant": NAME,
    }


def capabilities() -> list[str]:
    """Return the capabilities.

    The SDK does not list `test`, and `start-date` only from version 0.55 on.
    """
    listed = (one.value for one in TapTogglHire.capabilities)
    return sorted({"start-date", "test", *listed})


def required() -> list[str]:
    """Return the required settings."""
    return [name for name, one in settings().items() if "null" not in one["type"]]


def plugin() -> str:
    """Return plugin.yaml, as the Hub formats it: keys sorted, lists not indented."""
    return _dump(definition())


def entry() -> str:
    """Return the entry in the Hub."""
    known = [one for one in capabilities() if one not in LATER_IN_THE_HUB]
    return _dump(definition() | {"capabilities": known})


def project() -> str:
    """Return meltano.yml with the settings of the tap."""
    listed = [_of_project(name) for name in settings()]
    content = yaml.safe_dump(listed, allow_unicode=True, sort_keys=False, width=80)
    block = textwrap.indent(content, 8 * " ")
    return replace(PROJECT.read_text("utf-8"), "settings", block)


def _dump(content: dict[str, t.Any]) -> str:
    dumped: str = yaml.safe_dump(content, allow_unicode=True, width=88)
    return dumped


def _of_project(name: str) -> dict[str, t.Any]:
    setting = _setting(name)
    order = ("name", "kind", "sensitive", "value", "options", "label", "description")
    return {key: setting[key] for key in order if key in setting}


def _setting(name: str) -> dict[str, t.Any]:
    schema = settings()[name]
    setting = {
        "description": " ".join(schema["description"].split()),
        "kind": kind(schema),
        "label": schema["title"],
        "name": name,
    }
    if values := schema.get("enum"):
        setting["options"] = [{"label": one.title(), "value": one} for one in values]
    if schema.get("secret"):
        setting["sensitive"] = True
    if "default" in schema:
        setting["value"] = WITH_MELTANO.get(name, schema["default"])
    return setting
