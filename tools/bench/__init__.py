"""Benchmarks: this tap and others against the same sandbox of the API.

`make bench` measures whole processes, alternating over several rounds, and prints
medians and ratios. Compare the ratios: seconds depend on the machine.
"""
