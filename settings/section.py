"""What all sections of the settings have in common: nothing unknown in them, and nobody changes them."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of the settings."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)
