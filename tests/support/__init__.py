"""What tests share: the pipeline, a target, ways to run the tap, fakes."""
