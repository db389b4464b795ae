"""Export of layers to files that run without longshort."""
