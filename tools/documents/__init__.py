"""Generate the parts of documents and definitions that come from the code."""
