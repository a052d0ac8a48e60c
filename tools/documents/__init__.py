"""Generators of what documents and definitions take from the code."""
