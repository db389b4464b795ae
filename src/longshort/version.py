"""The version of longshort, where no metadata of a distribution may be at hand."""

__version__ = "0.1.0"
