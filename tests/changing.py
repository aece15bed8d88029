"""A copy of a frozen dataclass with some parts changed, named by keyword."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Item = TypeVar("Item", bound="DataclassInstance")


def changed(item: Item, **parts: object) -> Item:
    """`replace` for parts that only the test knows."""
    values: dict[str, Any] = parts
    return replace(item, **values)
