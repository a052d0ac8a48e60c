"""What is decided: what the target holds, what the API shows, what to do about it."""
