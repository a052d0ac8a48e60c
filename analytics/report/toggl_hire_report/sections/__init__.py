"""The sections of the page, a module each: its figures, and how they are shown."""
