"""The classes of a graph's values: how stored bytes name them, and how values are made from them again.

A class is looked up, never imported: the graph's module, which is loaded at the start, has to load it. Only data
classes, enumerations, named tuples and Pydantic models are made, without `__init__` and validators, because these may
change a value or have effects.
"""

from __future__ import annotations

import dataclasses
import importlib
import sys
from enum import Enum
from typing import Any, Final

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

OURS: Final = ("langchain", "langchain_core", "langgraph")
"""Packages that may be imported to find a class. LangGraph's own packages load some of their modules lazily."""


class UnknownType(Exception):
    """A value's class is not loaded in this process, so the value cannot be read."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the graph's state has a {name}, which is not loaded: import it where the graph is defined")


def found(module: str, name: str) -> type:
    """The class with that name. Raises UnknownType if there is none."""
    cls = lookup(module, name)
    if not isinstance(cls, type):
        raise UnknownType(f"{module}.{name}")
    return cls


def lookup(module: str, name: str) -> object:
    """What the name means in a module that is already loaded. None if it means nothing."""
    loaded = sys.modules.get(module)
    if loaded is None and module.partition(".")[0] in OURS:
        try:
            loaded = importlib.import_module(module)
        except ImportError:
            return None
    if hasattr(loaded, name):  # a parametrised generic model has dots within its brackets
        return getattr(loaded, name)
    found: object = loaded
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


def enum(cls: type, value: Any) -> Any:
    if not issubclass(cls, Enum):
        raise UnknownType(f"{cls.__module__}.{cls.__qualname__} that is an enumeration")
    return cls(value)


def named_tuple(cls: type, fields: dict[str, Any]) -> Any:
    if not issubclass(cls, tuple) or not hasattr(cls, "_fields"):
        raise UnknownType(f"{cls.__module__}.{cls.__qualname__} that is a named tuple")
    return cls(**fields)


def dataclass_parts(value: Any) -> dict[str, Any]:
    """The value's fields, and whatever else was set on it."""
    fields = {
        field.name: getattr(value, field.name) for field in dataclasses.fields(value) if hasattr(value, field.name)
    }
    return {**fields, **getattr(value, "__dict__", {})}


def dataclass(cls: type, parts: dict[str, Any]) -> Any:
    """The value as it was, made without `__init__`. A field that is newer than the value has its default."""
    if not dataclasses.is_dataclass(cls):
        raise UnknownType(f"{cls.__module__}.{cls.__qualname__} that is a data class")
    made = object.__new__(cls)
    defaults: dict[str, Any] = {}
    for field in dataclasses.fields(cls):
        if field.name in parts:
            continue
        if field.default is not dataclasses.MISSING:
            defaults[field.name] = field.default
        elif field.default_factory is not dataclasses.MISSING:
            defaults[field.name] = field.default_factory()
    for name, entry in {**defaults, **parts}.items():
        object.__setattr__(made, name, entry)
    return made


def model_parts(value: BaseModel) -> tuple[dict[str, Any], dict[str, Any] | None, list[str]]:
    """The model's fields, its extra fields, and the names of the fields that were set."""
    fields = {name: value.__dict__[name] for name in type(value).model_fields if name in value.__dict__}
    return fields, value.__pydantic_extra__, sorted(value.__pydantic_fields_set__)


def model(cls: type, fields: dict[str, Any], extra: dict[str, Any] | None, given: list[str]) -> Any:
    """The model as it was, made without validators. A field that is newer than the value has its default."""
    if not issubclass(cls, BaseModel):
        raise UnknownType(f"{cls.__module__}.{cls.__qualname__} that is a Pydantic model")
    values = {}
    for name, field in cls.model_fields.items():
        values[name] = (
            fields[name] if name in fields else field.get_default(call_default_factory=True, validated_data={})
        )
    private = {name: attribute.get_default() for name, attribute in cls.__private_attributes__.items()}
    made = cls.__new__(cls)
    made.__setstate__(
        {
            "__dict__": {name: value for name, value in values.items() if value is not PydanticUndefined},
            "__pydantic_extra__": extra,
            "__pydantic_fields_set__": set(given),
            "__pydantic_private__": {k: v for k, v in private.items() if v is not PydanticUndefined} or None,
        }
    )
    return made
