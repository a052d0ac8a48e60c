"""Singer tap for the Toggl Hire API."""
