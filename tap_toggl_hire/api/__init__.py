"""The Toggl Hire API: the one place of the tap that talks HTTP."""
