"""Settings of runs: their classes, and reading and writing them."""

from longshort.config.section import FORMAT_VERSION, Section
from longshort.config.series import DataConfig, SplitConfig, TransformConfig
from longshort.config.settings import (
    Settings,
    assign,
    build,
    build_as,
    parse_assignments,
    read_back,
    read_toml,
    to_toml,
)
from longshort.config.training import BaseConfig, TrainConfig

__all__ = [
    "FORMAT_VERSION",
    "BaseConfig",
    "DataConfig",
    "Section",
    "Settings",
    "SplitConfig",
    "TrainConfig",
    "TransformConfig",
    "assign",
    "build",
    "build_as",
    "parse_assignments",
    "read_back",
    "read_toml",
    "to_toml",
]
