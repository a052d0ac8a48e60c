"""A tap built from the SDK's template, for comparison.

It syncs the child stream once per candidate, one request at a time. It keeps no state
per parent, since such a state grows quadratically.
"""

from __future__ import annotations

import typing as t
from pathlib import Path
from urllib.parse import parse_qsl

from singer_sdk import RESTStream, SchemaDirectory, StreamSchema, Tap
from singer_sdk import typing as th
from singer_sdk.authenticators import BearerTokenAuthenticator
from singer_sdk.pagination import BaseHATEOASPaginator

if t.TYPE_CHECKING:
    from collections.abc import Sequence
    from urllib.parse import ParseResult

    import requests
    from singer_sdk.helpers.types import Context

SCHEMAS = SchemaDirectory(Path(__file__).parents[2] / "schemas")


class LinksPaginator(BaseHATEOASPaginator):
    """Follow `links.next`."""

    def get_next_url(self, response: requests.Response) -> str | None:
        """Return the link to the next page."""
        link: str | None = (response.json().get("links") or {}).get("next")
        return link


class TemplateStream(RESTStream[t.Any]):
    """Base class of all streams."""

    records_jsonpath = "$.data[*]"
    schema = StreamSchema(SCHEMAS)

    @property
    def url_base(self) -> str:
        """Root of the API."""
        return f"{self.config['api_url']}/v2.1"

    @property
    def authenticator(self) -> BearerTokenAuthenticator:
        """Authenticate with the API key."""
        return BearerTokenAuthenticator(token=self.config["api_key"])

    def get_new_paginator(self) -> LinksPaginator:
        """Follow links."""
        return LinksPaginator()

    def get_url_params(
        self,
        context: Context | None,  # noqa: ARG002
        next_page_token: ParseResult | None,
    ) -> dict[str, t.Any]:
        """Return the query of the first page, or of the link."""
        if next_page_token:
            return dict(parse_qsl(next_page_token.query))
        return {}


class JobOpenings(TemplateStream):
    """Job openings."""

    name = "job_openings"
    path = "/openings"
    primary_keys = ("id",)


class Categories(TemplateStream):
    """Categories."""

    name = "categories"
    path = "/categories"
    primary_keys = ("id",)


class Tags(TemplateStream):
    """Tags."""

    name = "tags"
    path = "/tags"
    primary_keys = ("id",)


class Candidates(TemplateStream):
    """Candidates."""

    name = "candidates"
    path = "/candidates"
    primary_keys = ("id",)
    replication_key = "started_at"

    def get_child_context(
        self,
        record: dict[str, t.Any],
        context: Context | None,  # noqa: ARG002
    ) -> dict[str, t.Any]:
        """Return the ID of the candidate."""
        return {"candidate_id": record["id"]}


class CandidateDetails(TemplateStream):
    """Candidates with questions and answers."""

    name = "candidate_details"
    path = "/candidates/{candidate_id}"
    primary_keys = ("id",)
    replication_key = "started_at"
    records_jsonpath = "$"
    parent_stream_type = Candidates
    state_partitioning_keys = ()


class TemplateTap(Tap):
    """The tap."""

    name = "template-tap"
    config_jsonschema = th.PropertiesList(
        th.Property("api_url", th.StringType(nullable=False), required=True),
        th.Property(
            "api_key", th.StringType(nullable=False), required=True, secret=True
        ),
    ).to_dict()

    def discover_streams(self) -> Sequence[TemplateStream]:
        """Make all streams."""
        return [
            JobOpenings(self),
            Categories(self),
            Tags(self),
            Candidates(self),
            CandidateDetails(self),
        ]


if __name__ == "__main__":
    TemplateTap.cli()
