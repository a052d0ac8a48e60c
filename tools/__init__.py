"""Programs for developing the tap: a demo, benchmarks, trials of targets."""
