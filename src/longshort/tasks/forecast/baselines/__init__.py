"""What a sceptic would put beside a forecaster, each fitted on the training rows alone."""
