"""What a hand does to one item, heard without piling up."""

import contextlib
from collections.abc import Iterator

import dearpygui.dearpygui as dpg

__all__ = ["hands_on"]


@contextlib.contextmanager
def hands_on(item: int | str) -> Iterator[None]:
    """Bind the handlers that are made in the block to an item.

    Dear PyGui keeps handlers when their item is deleted, so those of an item that is made anew under its old tag, as
    for another model, take the place of the ones before.
    """
    handlers = f"hands_on_{item}"
    if dpg.does_item_exist(handlers):
        dpg.delete_item(handlers)
    with dpg.item_handler_registry(tag=handlers):
        yield
    dpg.bind_item_handler_registry(item, handlers)
