"""Run dbt for BigQuery without an account: the tables are those of a file.

    python -m analytics.tests.dbt.compile_for_bigquery METADATA COMMAND [OPTIONS]

METADATA is a JSON file with the types of columns, by schema and table.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from dbt.adapters.base.meta import available
from dbt.adapters.bigquery import BigQueryColumn, BigQueryRelation
from dbt.adapters.bigquery.impl import BigQueryAdapter
from dbt.cli.main import dbtRunner

KNOWN = json.loads(Path(sys.argv[1]).read_text())


@available
def get_relation(_: Any, database: str, schema: str, identifier: str) -> Any:
    """Return a table of the file."""
    if identifier not in KNOWN.get(schema, ()):
        return None
    return BigQueryRelation.create(
        database=database, schema=schema, identifier=identifier, type="table"
    )


@available
def get_columns_in_relation(_: Any, relation: Any) -> list[Any]:
    """Return the columns of a table of the file."""
    types = KNOWN[relation.schema][relation.identifier]
    return [BigQueryColumn(name, kind) for name, kind in types.items()]


BigQueryAdapter.get_relation = get_relation
BigQueryAdapter.get_columns_in_relation = get_columns_in_relation
result = dbtRunner().invoke(sys.argv[2:])
sys.exit(0 if result.success else str(result.exception))
