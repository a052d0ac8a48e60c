"""The pipeline of the tap's own tests."""

from tests.pipeline.conftest import postgres, project, sandbox, warehouse, wheel

__all__ = ["postgres", "project", "sandbox", "warehouse", "wheel"]
