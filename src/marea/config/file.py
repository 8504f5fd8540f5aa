"""Owns the shape of a configuration file: which keys it may hold and what each looks like.

The JSON Schema for editors is made from these models, and docs/configuration.md names every
key of them. Whether names refer to something that exists is checked in `checks`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, StringConstraints, Tag

from marea.config import values
from marea.config.mistake import NOTHING_WRITTEN, Mistake
from marea.config.settings import DeletesSettings, Schedule, Window

Scalar = str | int | float | bool | None


def _literal(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(getattr(value, "text", value))
    return value


def _one_or_more(value: object) -> object:
    if value is None:
        raise Mistake(*NOTHING_WRITTEN)
    if not isinstance(value, str | list):
        raise Mistake("must be text or a list of texts", "put numbers in quotes")
    return [value] if isinstance(value, str) else value


def _one_or_more_literals(value: object) -> object:
    return _one_or_more(_literal(value))


def _kind(value: object) -> str | None:
    if not isinstance(value, dict):
        return EXPRESSION
    if value.keys() & {"list", "fields"}:
        return LIST
    return REFERENCE if value.keys() & {"reference", "value"} else None


def _deletes(value: object) -> DeletesSettings:
    if value in ("propagate", "ignore"):
        return DeletesSettings(str(value))
    if isinstance(value, dict) and list(value) == ["deactivate"]:
        fields = value["deactivate"]
        if isinstance(fields, dict) and fields and all(_is_scalar(item) for item in fields.values()):
            return DeletesSettings("deactivate", fields)
    raise Mistake(
        "must say what a delete does", "write `propagate`, `ignore` or `{deactivate: {active: false}}`"
    )


def _is_scalar(value: object) -> bool:
    return value is None or isinstance(value, str | int | float)


def _notation(parse: Callable[[object], Any]) -> BeforeValidator:
    return BeforeValidator(parse, json_schema_input_type=str)


# Tags of the union of field kinds; the brackets keep them apart from keys in a fault's place.
EXPRESSION, REFERENCE, LIST = "(expression)", "(reference)", "(list)"

Text = Annotated[str, StringConstraints(strict=True, pattern=r"\S")]
Texts = Annotated[
    list[Text], Field(min_length=1), BeforeValidator(_one_or_more, json_schema_input_type=Text | list[Text])
]
Expression = Annotated[Text, BeforeValidator(_literal, json_schema_input_type=str | int | float | bool)]
Expressions = Annotated[
    list[Expression],
    Field(min_length=1),
    BeforeValidator(_one_or_more_literals, json_schema_input_type=Expression | list[Expression]),
]
Duration = Annotated[float, _notation(values.duration)]
Rate = Annotated[float, _notation(values.rate)]
Percentage = Annotated[float, _notation(values.percentage)]
When = Annotated[Schedule, _notation(values.schedule)]
WindowText = Annotated[Window, _notation(values.window)]
Capture = Literal["auto", "watermark", "scan", "xmin", "trigger", "log"]
Deletes = Annotated[
    DeletesSettings,
    BeforeValidator(
        _deletes,
        json_schema_input_type=Literal["propagate", "ignore"] | dict[Literal["deactivate"], dict[str, Any]],
    ),
]
FieldFile = Annotated[
    Annotated[Expression, Tag(EXPRESSION)]
    | Annotated["ReferenceFile", Tag(REFERENCE)]
    | Annotated["ListFile", Tag(LIST)],
    Discriminator(_kind),
]
Fields = Annotated[dict[str, FieldFile], Field(min_length=1)]


class Strict(BaseModel):
    """A mapping that holds no key but its own."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Open(BaseModel):
    """A mapping whose further keys belong to a connector."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)


class ReferenceFile(Strict):
    """A field that holds the target id of another entity's record."""

    reference: Text = Field(description="The entity referred to.")
    value: Expressions = Field(description="Its source key: one expression a key column.")


class ListFile(Strict):
    """A field that holds one object for each row of a `many` relation."""

    list_: Text = Field(alias="list", description="The relation.")
    fields: Fields = Field(description="The fields of each object.")


class RelationFile(Strict):
    """A related table; a change in it re-evaluates the record."""

    table: Text = Field(description="Its name in the database.")
    on: Annotated[dict[Text, Text], Field(min_length=1)] = Field(
        description="Its columns, each with the column it equals in the table it hangs on."
    )
    modified: Text | None = Field(default=None, description="Its last-edit column or expression.")
    where: Text | None = Field(default=None, description="A condition in the source's SQL: which rows count.")
    many: bool = Field(default=False, description="Whether several rows belong to one record.")
    order: Texts | None = Field(default=None, description="Columns that order its rows in a list.")
    related: dict[str, RelationFile] = Field(default={}, description="Tables related to this one.")


class SourceFile(Strict):
    """Where an entity's records are read."""

    system: Text = Field(description="The system they are read from.")
    table: Text = Field(description="The root table.")
    key: Texts = Field(description="The column or columns that identify a record.")
    where: Text | None = Field(
        default=None, description="A condition in the source's SQL: which rows are records."
    )
    modified: Text | None = Field(default=None, description="The last-edit column or expression.")
    capture: Capture | None = Field(default=None, description="How changes are found.")
    related: dict[str, RelationFile] = Field(default={}, description="Tables that belong to the record.")


class TargetFile(Open):
    """Where an entity's records are delivered; further keys are its connector's."""

    system: Text = Field(description="The system they are delivered to.")
    object_: Text = Field(alias="object", description="The table, path or action name there.")
    key: Texts = Field(description="The field or fields that identify a record there.")


class CheckFile(Strict):
    """A rule every record must meet."""

    that: Text = Field(description="A condition over the entity's fields.")
    say: Text = Field(description="What is said of a record that fails it.")


class GuardFile(Strict):
    """More deletes than both bounds are held back."""

    deletes: Percentage | None = Field(default=None, description="Percentage of the entity's records.")
    at_least: Annotated[int, Field(ge=0)] | None = Field(default=None, description="Number of records.")


class DefaultsFile(Strict):
    """What entities take where they say nothing of their own."""

    schedule: When | None = Field(
        default=None, description="When to synchronize; this version does nothing by itself."
    )
    scan: When | None = Field(
        default=None, description="When to compare everything; this version does nothing by itself."
    )
    capture: Capture | None = Field(default=None, description="How changes are found.")
    lag: Duration | None = Field(default=None, description="Extra overlap for stamps that clients set.")
    deletes: Deletes | None = Field(
        default=None, description="What a delete in the source is to do at the target."
    )
    guard: GuardFile | None = Field(default=None, description="When to hold back deletes.")


class EntityFile(Strict):
    """A business object that is kept aligned."""

    source: SourceFile = Field(description="Where its records are read.")
    target: TargetFile = Field(description="Where its records are delivered.")
    fields: Fields = Field(description="The target's fields, each an SQL expression, a reference or a list.")
    require: Texts | None = Field(default=None, description="Fields that must hold a value.")
    checks: list[CheckFile] = Field(default=[], description="Rules every record must meet.")
    private: Texts | None = Field(default=None, description="Fields whose values are never shown.")
    schedule: When | None = Field(
        default=None, description="When to synchronize it; this version does nothing by itself."
    )
    scan: When | None = Field(
        default=None, description="When to compare all of it; this version does nothing by itself."
    )
    lag: Duration | None = Field(default=None, description="Extra overlap for stamps that clients set.")
    deletes: Deletes | None = Field(
        default=None, description="What a delete in the source is to do at the target."
    )
    guard: GuardFile | None = Field(default=None, description="When to hold back deletes.")


class SystemFile(Open):
    """A database or application; further keys are its connector's."""

    url: Text = Field(description="Where it is; its scheme chooses the connector.")
    connector: Text | None = Field(
        default=None, description="The connector, where the scheme does not say it."
    )
    concurrency: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Calls at the same time."
    )
    rate: Rate | None = Field(default=None, description="The most calls in a time, such as 50/s.")
    maintenance: list[WindowText] = Field(default=[], description="Windows in which nothing is sent.")


class MareaFile(Strict):
    """A whole configuration file."""

    version: Literal[1] = Field(description="The form of this file: 1.")
    state: Text = Field(default="sqlite:///marea.db", description="The state database.")
    systems: Annotated[dict[str, SystemFile], Field(min_length=1)] = Field(
        description="The databases and applications."
    )
    defaults: DefaultsFile = DefaultsFile()
    entities: Annotated[dict[str, EntityFile], Field(min_length=1)] = Field(
        description="What is kept aligned."
    )
