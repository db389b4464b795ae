"""Simple baselines beside a forecaster, each fitted on the training rows alone."""
