"""What settings are made of, in the deploy and in the relays: tables that know their keys, texts and numbers."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

STRICT = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Section(BaseModel):
    """A table of settings: what it does not know is refused, and nothing changes it."""

    model_config = STRICT | ConfigDict(frozen=True)

    def to_json(self) -> dict[str, Any]:
        """What it says, as pyinfra's `debug-inventory` asks for it; secrets are masked."""
        return self.model_dump(mode="json")


def _line(value: str) -> str:
    if not value.isprintable():
        raise ValueError("must be one line, without control characters")
    return value


def _shown(value: str) -> str:
    if not value:
        raise ValueError("is empty: write what people are to read")
    return _line(value)


def _no_flag(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("must be a number")
    return value


Number = Annotated[int, BeforeValidator(_no_flag)]
Line = Annotated[str, AfterValidator(_line)]
Shown = Annotated[str, AfterValidator(_shown)]
ShortName = Annotated[str, Field(min_length=1, max_length=64)]
