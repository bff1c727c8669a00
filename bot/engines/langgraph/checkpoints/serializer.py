"""Turns a graph's values into bytes, and back with their types.

LangGraph's own serializer turns tuples into lists, a UUID key into a string, a lone surrogate into "?", and stops at
254 levels and at 64 bits. Here each such value has a MessagePack extension of its own. An extension is a kind of byte,
not a key or a word in the data, so nothing that a model writes can be taken for one.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Callable
from datetime import datetime
from enum import Enum, IntEnum
from typing import Any, Final

import ormsgpack
from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.types import Send
from pydantic import BaseModel

from bot.engines.langgraph.checkpoints import classes

FORMAT: Final = "countersign"
"""The type stored with our bytes. LangGraph's own types are read too, except those that create classes from words in
the data."""

OPTIONS: Final = (
    ormsgpack.OPT_PASSTHROUGH_TUPLE
    | ormsgpack.OPT_PASSTHROUGH_ENUM
    | ormsgpack.OPT_PASSTHROUGH_BIG_INT
    | ormsgpack.OPT_PASSTHROUGH_DATETIME
    | ormsgpack.OPT_PASSTHROUGH_UUID
    | ormsgpack.OPT_PASSTHROUGH_DATACLASS
)
MAX_LEVELS: Final = 100
"""Deeper levels of a value go into an extension, because ormsgpack writes 254 levels and reads 1024."""


class Kind(IntEnum):
    """The extensions. Their numbers are stored, so no number is ever used for anything else."""

    TUPLE = 1
    SET = 2
    FROZENSET = 3
    DEQUE = 4
    PAIRS = 5
    DEEPER = 6
    TEXT = 7
    INTEGER = 8
    DATETIME = 9
    SEND = 10
    ENUM = 11
    NAMED_TUPLE = 12
    DATACLASS = 13
    MODEL = 14
    OTHER = 15
    """Other values that LangGraph's serializer gives back with their type: Decimal, UUID, paths, arrays."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Spelled:
    """A part of a value for which MessagePack has no form."""

    kind: Kind
    content: Any


@dataclasses.dataclass(slots=True)
class _Writing:
    """Writes one value. ormsgpack hides errors from extensions, so they are kept here."""

    parts: Callable[[Any], tuple[Kind, Any]]
    refusal: BaseException | None = None

    def pack(self, value: Any) -> bytes:
        for spelled in (False, True):
            try:
                return ormsgpack.packb(_spell(value, 0) if spelled else value, default=self._extension, option=OPTIONS)
            except ormsgpack.MsgpackEncodeError as error:
                if self.refusal is not None:
                    raise self.refusal from None
                if spelled:
                    raise TypeError(str(error)) from None
                # too deep, a key that is not a string, or a lone surrogate: written again with extensions
        raise AssertionError("unreachable")

    def _extension(self, value: Any) -> ormsgpack.Ext:
        """The extension of a value that MessagePack does not have."""
        try:
            kind, content = self.parts(value)
            return ormsgpack.Ext(kind.value, content if isinstance(content, bytes) else self.pack(content))
        except Exception as error:
            self.refusal = error
            raise


@dataclasses.dataclass(slots=True)
class _Reading:
    """Reads one value, and keeps errors from extensions."""

    value: Callable[[int, bytes, Callable[[bytes], Any]], Any]
    refusal: BaseException | None = None

    def unpack(self, content: bytes) -> Any:
        try:
            return ormsgpack.unpackb(content, ext_hook=self._hook)
        except ormsgpack.MsgpackDecodeError:
            if self.refusal is not None:
                raise self.refusal from None
            raise

    def _hook(self, number: int, content: bytes) -> Any:
        try:
            return self.value(number, content, self.unpack)
        except Exception as error:
            self.refusal = error
            raise


class TypedSerializer(SerializerProtocol):
    """Writes only what it can give back. Raises TypeError for any other value when it is put."""

    def __init__(self) -> None:
        self._langgraph = JsonPlusSerializer(allowed_msgpack_modules=None)
        self._names: dict[type, tuple[str, str]] = {}
        self._kept: set[type] = set()

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        if obj is None:
            return "null", b""
        if isinstance(obj, bytearray):
            return "bytearray", bytes(obj)
        return FORMAT, _Writing(self._parts).pack(obj)

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        format, content = data
        if format == FORMAT:
            return _Reading(self._value).unpack(content)
        if format in ("null", "bytes", "bytearray", "msgpack"):
            return self._langgraph.loads_typed((format, content))
        raise classes.UnknownType(f"value of the format {format!r}")

    def _parts(self, value: Any) -> tuple[Kind, Any]:
        match value:
            case _Spelled():
                return value.kind, value.content
            case Enum():
                return Kind.ENUM, [*self._name(value), value.value]
            case tuple() if hasattr(value, "_fields"):
                return Kind.NAMED_TUPLE, [*self._name(value), dict(zip(value._fields, value, strict=True))]
            case tuple():
                return Kind.TUPLE, list(value)
            case int():
                return Kind.INTEGER, b"%x" % value
            case datetime() if type(value) is datetime:
                return Kind.DATETIME, [value.replace(tzinfo=None).isoformat(), value.fold, value.tzinfo]
            case Send():
                return Kind.SEND, [value.node, value.arg, value.timeout]
            case BaseModel():
                return Kind.MODEL, [*self._name(value), *classes.model_parts(value)]
            case set() | frozenset() | deque() if type(value) in _CONTAINERS:
                maxlen = value.maxlen if isinstance(value, deque) else None
                return _CONTAINERS[type(value)], [list(value), maxlen]
            case _ if dataclasses.is_dataclass(value) and not isinstance(value, type | BaseException):
                return Kind.DATACLASS, [*self._name(value), classes.dataclass_parts(value)]
            case _:
                return Kind.OTHER, self._other(value)

    def _value(self, number: int, content: bytes, unpack: Callable[[bytes], Any]) -> Any:
        """The value of an extension."""
        match Kind(number):
            case Kind.TEXT:
                return content.decode("utf-8", "surrogatepass")
            case Kind.INTEGER:
                return int(content, 16)
            case Kind.OTHER:
                return self._langgraph.loads_typed(("msgpack", content))
            case kind:
                return self._made(kind, unpack(content))

    def _made(self, kind: Kind, parts: Any) -> Any:
        match kind:
            case Kind.TUPLE:
                return tuple(parts)
            case Kind.PAIRS:
                return dict(parts)
            case Kind.DEEPER:
                return parts
            case Kind.SET | Kind.FROZENSET:
                return set(parts[0]) if kind is Kind.SET else frozenset(parts[0])
            case Kind.DEQUE:
                return deque(*parts)
            case Kind.DATETIME:
                text, fold, zone = parts
                return datetime.fromisoformat(text).replace(fold=fold, tzinfo=zone)
            case Kind.SEND:
                node, arg, timeout = parts
                return Send(node, arg, timeout=timeout)
            case _:
                return self._filled(kind, *parts)

    def _filled(self, kind: Kind, module: str, name: str, *parts: Any) -> Any:
        cls = classes.found(module, name)
        try:
            return _MAKERS[kind](cls, *parts)
        except (TypeError, ValueError, AttributeError) as error:
            raise classes.UnknownType(f"{module}.{name} of another version ({error})") from error

    def _name(self, value: object) -> tuple[str, str]:
        """The module and the name of the value's class. Raises TypeError if the class could not be found by them."""
        cls = type(value)
        if cls not in self._names:
            name = (cls.__module__, cls.__qualname__)
            if classes.lookup(*name) is not cls:
                raise TypeError(
                    f"a {'.'.join(name)} cannot be kept in a graph's state: it could not be found again by its name"
                )
            self._names[cls] = name
        return self._names[cls]

    def _other(self, value: Any) -> bytes:
        format, content = self._langgraph.dumps_typed(value)
        assert format in ("msgpack", "bytearray")  # noqa: S101 - bytes and None have forms of their own
        cls = type(value)
        if cls not in self._kept and not isinstance(value, BaseException):  # an exception is kept as its text
            if type(self._langgraph.loads_typed((format, content))) is not cls:
                raise TypeError(f"a {cls.__module__}.{cls.__qualname__} cannot be kept in a graph's state")
            self._kept.add(cls)
        return content


_CONTAINERS: Final[dict[type, Kind]] = {set: Kind.SET, frozenset: Kind.FROZENSET, deque: Kind.DEQUE}


def _spell(value: Any, level: int) -> Any:
    """The value, with everything that MessagePack cannot write in extensions."""
    if level and level % MAX_LEVELS == 0 and isinstance(value, dict | list):
        return _Spelled(Kind.DEEPER, value)
    if isinstance(value, dict):
        if not all(type(key) is str and _is_text(key) for key in value):
            return _Spelled(Kind.PAIRS, [list(pair) for pair in value.items()])
        spelled = {}
        for key, entry in value.items():
            spelled[key] = _spell(entry, level + 1)
        return spelled
    if isinstance(value, list):
        listed = []
        for entry in value:
            listed.append(_spell(entry, level + 1))
        return listed
    if type(value) is str and not _is_text(value):
        return _Spelled(Kind.TEXT, value.encode("utf-8", "surrogatepass"))
    return value


def _is_text(value: str) -> bool:
    """Whether the text can be written as UTF-8. A lone surrogate cannot."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


_MAKERS: Final[dict[Kind, Callable[..., Any]]] = {
    Kind.ENUM: classes.enum,
    Kind.NAMED_TUPLE: classes.named_tuple,
    Kind.DATACLASS: classes.dataclass,
    Kind.MODEL: classes.model,
}
