"""The models equal the truth of a generated world, on both engines."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from analytics.tests.dbt.warehouses import MARTS, PERSONAL, PROJECT
from analytics.tests.dbt.world import World

if TYPE_CHECKING:
    from analytics.tests.dbt.warehouses import Warehouse

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.postgres,
    pytest.mark.skipif(
        sys.version_info >= (3, 14), reason="dbt-core 1.11 does not know this Python"
    ),
]


def test_each_model_is_in_its_schema(warehouse: Warehouse) -> None:
    warehouse.fill("toggl_hire", World(1).tables())
    warehouse.build(schemas=["toggl_hire"])
    found = warehouse.models()
    for folder, schema in (("marts", MARTS), ("personal", PERSONAL)):
        for path in (PROJECT / "models" / folder).glob("*.sql"):
            assert found[path.stem] == schema
