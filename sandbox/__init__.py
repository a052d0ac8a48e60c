"""A sandbox of the Toggl Hire API v2.1: an HTTP server over an invented account.

Tests, demo and benchmark run the tap against it. It follows the vendor's
documentation, takes every shape that the documentation leaves open (`Shapes`),
limits its rate (`RateLimit`), fails on request (`Fault`), has an invented later version
(`sandbox.versions`), and serves a shape that `--test=shape` wrote (`sandbox.rebuilt`):

    account = Account.example(candidates=200)
    with Sandbox(account) as sandbox:
        ...  # read sandbox.url with the key sandbox.api_key
        account.grade(candidate_id, 0, 2)
        assert sandbox.stats.count("candidate") == 200
"""

from sandbox.account import Account
from sandbox.changes import random_change
from sandbox.faults import Fault, details_of
from sandbox.ratelimit import RateLimit
from sandbox.server import Sandbox
from sandbox.shapes import Shapes

__all__ = [
    "Account",
    "Fault",
    "RateLimit",
    "Sandbox",
    "Shapes",
    "details_of",
    "random_change",
]
