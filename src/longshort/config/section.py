"""Base class of tables of settings."""

from __future__ import annotations

from typing import get_args

from pydantic import BaseModel, ConfigDict, model_validator

FORMAT_VERSION = 1


class Section(BaseModel):
    """A table of settings that refuses unknown keys and cannot be changed in place."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    @model_validator(mode="before")
    @classmethod
    def _read_none(cls, values: object) -> object:
        """Read 'none' as None, since TOML has no null, unless it is one of the field's choices."""
        if not isinstance(values, dict):
            return values
        return {
            key: None if value == "none" and not cls._names_none(key) else value
            for key, value in values.items()
        }

    @classmethod
    def _names_none(cls, key: str) -> bool:
        field = cls.model_fields.get(key)
        return field is not None and "none" in get_args(field.annotation)
