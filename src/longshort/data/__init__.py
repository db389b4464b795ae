"""Reading, checking and splitting data, up to windows and batches; nothing here knows a task."""
