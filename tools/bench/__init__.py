"""The benchmark: this tap against others, all on the same sandbox of the API.

`make bench` measures whole processes, taking turns over several rounds, and prints
medians and ratios. Ratios are what to compare: seconds are those of one machine.
"""
