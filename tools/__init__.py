"""Programs to develop the tap with: a demonstration, measurements, trials."""
