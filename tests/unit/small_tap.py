"""A tap with two small streams, for tests of what becomes of their records."""

from __future__ import annotations

import typing as t
from copy import deepcopy

from singer_sdk import Stream, Tap
from singer_sdk import typing as th
from singer_sdk.singerlib import Catalog

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from singer_sdk.helpers.types import Context

Json = dict[str, t.Any]

PERSON: Json = {
    "id": "5",
    "name": "Ada Quell",
    "rating": 3,
    "contact": {"phone": "555-0100", "city": "Nowhere"},
    "tag_ids": ["7"],
    "started_at": "2026-01-01T00:00:00+00:00",
    "_sdc_deleted_at": None,
}
TOMBSTONE: Json = {"id": "5", "_sdc_deleted_at": "2026-02-01T00:00:00+00:00"}


class SmallStream(Stream):
    """A stream without records of its own."""

    def get_records(self, context: Context | None) -> Iterable[Json]:  # noqa: ARG002
        return []


class People(SmallStream):
    """An incremental stream with an object and a list."""

    name = "people"
    primary_keys = ("id",)
    replication_key = "started_at"
    schema: t.ClassVar[Json] = th.PropertiesList(
        th.Property("id", th.StringType),
        th.Property("name", th.StringType, title="Name", description="A name."),
        th.Property("rating", th.IntegerType),
        th.Property(
            "contact",
            th.ObjectType(
                th.Property("phone", th.StringType), th.Property("city", th.StringType)
            ),
        ),
        th.Property("tag_ids", th.ArrayType(th.StringType)),
        th.Property("started_at", th.DateTimeType),
        th.Property("_sdc_deleted_at", th.DateTimeType),
    ).to_dict()


class Labels(SmallStream):
    """A full-table stream."""

    name = "labels"
    primary_keys = ("id",)
    schema: t.ClassVar[Json] = th.PropertiesList(
        th.Property("id", th.StringType), th.Property("name", th.StringType)
    ).to_dict()


class SmallTap(Tap):
    """Both streams."""

    name = "tap-small"
    config_jsonschema: t.ClassVar[Json] = {"properties": {}}

    def discover_streams(self) -> Sequence[Stream]:
        return [People(self), Labels(self)]


def small_tap(
    config: Json, deselected: Iterable[tuple[str, ...]] = (), **more: t.Any
) -> SmallTap:
    """Return the tap, everything selected but some breadcrumbs behind a stream."""
    without = set(deselected)
    catalog = SmallTap(config={}).catalog_dict
    for stream in catalog["streams"]:
        for entry in stream["metadata"]:
            place = (stream["tap_stream_id"], *entry["breadcrumb"])
            entry["metadata"]["selected"] = place not in without
    # The SDK takes `__else__` out of the settings that it is given.
    config = deepcopy(config)
    return SmallTap(config=config, catalog=Catalog.from_dict(catalog), **more)
