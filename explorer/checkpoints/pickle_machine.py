"""A pickle stream read as data: a small stack machine that imports and calls nothing that the stream names.

A global becomes an inert `Symbol`. Calling one either goes to a constructor of ours, chosen by its exact
(module, name) pair, or makes an inert `InertObject`, or is refused when no model has a reason to make that call.
Lengths are compared with the bytes that remain before memory is taken, and the work is bounded by a `Budget`,
so a hostile stream costs no more than a small multiple of its own size.

Source: the opcodes are described in CPython's `pickletools`; protocols 0 to 5.
"""

import re
import struct
from collections.abc import Callable, Mapping
from typing import ClassVar

from explorer.checkpoints.inert import InertObject, Pending, Symbol, key_is_plain, refuse_code
from explorer.errors import CheckpointError

__all__ = ["Budget", "Constructor", "PickleMachine"]

MAX_OPCODES = 1_000_000
MAX_STRING_BYTES = 16 << 20
MAX_STRINGS_BYTES = 64 << 20
MAX_INTEGER_BYTES = 32
MAX_NUMBER_CHARACTERS = 80
MAX_NAME_CHARACTERS = 512
MAX_ODD_KEYS = 10_000
SMALL_BYTES = 256
_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|[abfnrtv0\\'\"])")
_ESCAPES = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v", b"0": b"\0"}


class Budget:
    """What a whole file may cost, shared by the streams nested in it."""

    __slots__ = ("copies", "odd_keys", "opcodes", "strings")

    def __init__(self, size: int) -> None:
        self.opcodes = min(size, MAX_OPCODES)
        """Opcodes left. Real snapshots of every size need 10,000 to 200,000."""
        self.copies = size + (1 << 20)
        """Bytes left for values that are not slices of the file."""
        self.strings = MAX_STRINGS_BYTES
        """Bytes left for text, which is copied out of the file."""
        self.odd_keys = MAX_ODD_KEYS
        """Keys left whose hash is not seeded, so that a stream cannot make a dictionary slow."""

    def charge(self, count: int) -> None:
        """Pay for ``count`` bytes of copying."""
        self.copies -= count
        if self.copies < 0:
            raise CheckpointError("this pickle unpacks to far more than its size: refused as hostile")


Constructor = Callable[["PickleMachine", tuple[object, ...]], object]
"""Makes a value from the arguments in the stream; raises `CheckpointError` when they make no sense."""


class PickleMachine:
    """One run over one stream.

    Args:
        data: Bytes of the file; large values in the result are slices of it.
        constructors: What the stream may really call, by exact (module, name).
        budget: Shared by nested streams.
        start: Where the stream begins in ``data``.
        persistent: Resolves a persistent id; without it such ids are refused.
    """

    def __init__(
        self,
        data: memoryview,
        constructors: Mapping[Symbol, Constructor],
        budget: Budget,
        *,
        start: int = 0,
        persistent: Callable[[object], object] | None = None,
    ) -> None:
        self.data = data
        self.position = start
        self.end = len(data)
        self.constructors = constructors
        self.budget = budget
        self.persistent = persistent
        self.stack: list[object] = []
        self.marks: list[int] = []
        self.memo: dict[int, object] = {}

    def run(self) -> object:
        """The value of the stream; ``position`` is then just behind its STOP."""
        handlers = self._handlers
        while True:
            if self.position >= self.end:
                raise CheckpointError("this pickle is cut short: download or copy it again")
            self.budget.opcodes -= 1
            if self.budget.opcodes < 0:
                raise CheckpointError(f"this pickle has more than {MAX_OPCODES:,} steps: refused as hostile")

            code = self.data[self.position]
            self.position += 1
            if code == 0x2E:
                return self.pop()
            handler = handlers.get(code)
            if handler is None:
                raise CheckpointError(f"byte {self.position - 1} is no pickle instruction: the file is damaged")
            handler(self)

    def take(self, count: int) -> memoryview:
        """The next ``count`` bytes, not copied."""
        if count < 0 or count > self.end - self.position:
            raise CheckpointError(
                f"this pickle is cut short or damaged: {count} bytes wanted, {self.end - self.position} left"
            )
        start = self.position
        self.position += count
        return self.data[start : self.position]

    def unpack(self, layout: struct.Struct) -> int:
        """One little-endian number."""
        value: int = layout.unpack(self.take(layout.size))[0]
        return value

    def line(self, limit: int) -> bytes:
        """Text up to the next line feed, which is skipped."""
        span = 64
        while True:
            chunk = bytes(self.data[self.position : self.position + span])
            length = chunk.find(b"\n")
            if length >= 0:
                self.position += length + 1
                return chunk[:length]
            if len(chunk) < span or span > limit:
                raise CheckpointError("this pickle is damaged: a line of text in it does not end")
            span *= 2

    def push(self, value: object) -> None:
        """Onto the stack."""
        self.stack.append(value)

    def pop(self) -> object:
        """The top value; never below the last mark."""
        if len(self.stack) <= (self.marks[-1] if self.marks else 0):
            raise CheckpointError("this pickle is damaged: it takes more values than it made")
        return self.stack.pop()

    def peek(self) -> object:
        """The top value, left where it is."""
        value = self.pop()
        self.stack.append(value)
        return value

    def pop_marked(self) -> list[object]:
        """All values above the last mark, and the mark with them."""
        if not self.marks:
            raise CheckpointError("this pickle is damaged: it closes a group that it never opened")
        start = self.marks.pop()
        values = self.stack[start:]
        del self.stack[start:]
        return values

    def text(self, count: int) -> str:
        """UTF-8 text of ``count`` bytes; what is not UTF-8 is replaced, since names alone depend on it."""
        raw = self.take(count)
        self.budget.strings -= count
        if count > MAX_STRING_BYTES or self.budget.strings < 0:
            raise CheckpointError(f"this pickle holds a text of {count} bytes: refused, no snapshot needs that")
        return str(raw, "utf-8", "replace")

    def bytes_value(self, count: int) -> bytes | memoryview:
        """Small bytes as a copy, large ones as a slice of the file."""
        raw = self.take(count)
        return bytes(raw) if count <= SMALL_BYTES else raw

    def remember(self, index: int) -> None:
        """Keep the top value in the memo."""
        value = self.peek()
        self.memo[index] = value
        if isinstance(value, Pending):
            value.memo_keys.append(index)

    def recall(self, index: int) -> None:
        """Push a value from the memo."""
        if index not in self.memo:
            raise CheckpointError(f"this pickle is damaged: it refers to a value {index} that it never made")
        self.stack.append(self.memo[index])

    def symbol(self, module: object, name: object) -> Symbol:
        """A global by its exact name."""
        if not isinstance(module, str) or not isinstance(name, str):
            raise CheckpointError("this pickle is damaged: a global's name is not text")
        if max(len(module), len(name)) > MAX_NAME_CHARACTERS:
            raise CheckpointError("this pickle is damaged: a global's name is too long")
        # A dotted name walks attributes: the usual way out of a list of allowed names.
        if "." in name:
            raise CheckpointError(f"this pickle asks for {module}.{name}: refused, dotted names are never needed")
        return Symbol(module, name)

    def call(self, target: object, args: object) -> object:
        """What calling ``target`` stands for. Nothing outside this package is called."""
        if not isinstance(target, Symbol) or not isinstance(args, tuple):
            raise CheckpointError("this pickle asks to call something that is not a class: refused, nothing was run")
        constructor = self.constructors.get(target)
        if constructor is not None:
            return constructor(self, args)
        refuse_code(target, args)
        return InertObject(target, args)

    def set_items(self, target: object, pairs: list[object]) -> None:
        """Put keys and values, alternating in ``pairs``, into a dictionary."""
        if len(pairs) % 2:
            raise CheckpointError("this pickle is damaged: a key lacks its value")
        if isinstance(target, dict):
            for key, value in zip(pairs[::2], pairs[1::2], strict=True):
                target[self.key(key)] = value
        elif isinstance(target, InertObject):
            target.items.extend(zip(pairs[::2], pairs[1::2], strict=True))
        else:
            raise CheckpointError("this pickle is damaged: it sets an item of something that has none")

    def key(self, value: object) -> object:
        """``value`` if it may be a key of a dictionary or an element of a set."""
        if type(value) is str or type(value) is bool or value is None:
            return value
        self.budget.odd_keys -= type(value) is not int
        if self.budget.odd_keys < 0 or not key_is_plain(value):
            raise CheckpointError("this pickle uses a key of an unexpected kind: refused")
        return value

    def extend(self, target: object, values: list[object]) -> None:
        """Append to a list."""
        if isinstance(target, list):
            target.extend(values)
        elif isinstance(target, InertObject):
            target.entries.extend(values)
        else:
            raise CheckpointError("this pickle is damaged: it appends to something that is not a list")

    def _op_global(self) -> None:
        module = str(self.line(MAX_NAME_CHARACTERS), "utf-8", "replace")
        self.push(self.symbol(module, str(self.line(MAX_NAME_CHARACTERS), "utf-8", "replace")))

    def _op_stack_global(self) -> None:
        name = self.pop()
        self.push(self.symbol(self.pop(), name))

    def _op_reduce(self) -> None:
        args = self.pop()
        self.push(self.call(self.pop(), args))

    def _op_newobj_ex(self) -> None:
        keywords, args = self.pop(), self.pop()
        target = self.pop()
        if keywords != {} if isinstance(keywords, dict) else True:
            raise CheckpointError("this pickle asks to make an object with named arguments: refused")
        self.push(self.call(target, args))

    def _op_inst(self) -> None:
        self._op_global()
        target = self.pop()
        self.push(self.call(target, tuple(self.pop_marked())))

    def _op_obj(self) -> None:
        values = self.pop_marked()
        if not values:
            raise CheckpointError("this pickle is damaged: an object lacks its class")
        self.push(self.call(values[0], tuple(values[1:])))

    def _op_build(self) -> None:
        state = self.pop()
        target = self.pop()
        if isinstance(target, Pending):
            finished = target.finish(self, state)
            # Whatever refers to the placeholder from now on gets the finished value.
            for index in target.memo_keys:
                self.memo[index] = finished
            target.memo_keys = []
            self.push(finished)
            return
        if isinstance(target, InertObject):
            target.state = state
        elif not isinstance(target, dict):
            raise CheckpointError("this pickle asks to change something that is plain data: refused")
        self.push(target)

    def _op_persistent_id(self) -> None:
        if self.persistent is None:
            raise CheckpointError("this pickle refers to values outside itself: it is not a published snapshot")
        self.push(self.persistent(self.pop()))

    def _op_integer(self) -> None:
        text = self.line(MAX_NUMBER_CHARACTERS)
        if text in (b"00", b"01"):
            self.push(text == b"01")
            return
        self.push(self._number(int, text.rstrip(b"L")))

    def _number(self, kind: type[int] | type[float], text: bytes) -> int | float:
        try:
            if len(text) > MAX_NUMBER_CHARACTERS:
                raise ValueError(text)
            return kind(text.decode("ascii"))
        except ValueError:
            raise CheckpointError("this pickle is damaged: a number in it cannot be read") from None

    def long(self, count: int) -> None:
        """Push a two's complement integer of ``count`` bytes."""
        if not 0 <= count <= MAX_INTEGER_BYTES:
            raise CheckpointError(f"this pickle holds an integer of {count} bytes: refused, no snapshot needs that")
        self.push(int.from_bytes(self.take(count), "little", signed=True))

    def _op_string(self) -> None:
        text = self.line(MAX_STRING_BYTES)
        if len(text) < 2 or text[:1] not in b"'\"" or text[:1] != text[-1:]:
            raise CheckpointError("this pickle is damaged: a text in it lacks its quotes")
        self.push(_ESCAPE.sub(_unescape, text[1:-1]).decode("latin-1"))

    def _op_unicode(self) -> None:
        self.push(self.line(MAX_STRING_BYTES).decode("raw-unicode-escape", "replace"))

    def _op_put(self) -> None:
        self.remember(int(self._number(int, self.line(MAX_NUMBER_CHARACTERS))))

    def _op_get(self) -> None:
        self.recall(int(self._number(int, self.line(MAX_NUMBER_CHARACTERS))))

    def _op_pop(self) -> None:
        if self.marks and self.marks[-1] == len(self.stack):
            self.marks.pop()
        else:
            self.pop()

    def _op_tuple(self, count: int) -> None:
        values = [self.pop() for _ in range(count)]
        self.push(tuple(reversed(values)))

    def _op_dict(self) -> None:
        made: dict[object, object] = {}
        self.set_items(made, self.pop_marked())
        self.push(made)

    def _op_setitem(self) -> None:
        value, key = self.pop(), self.pop()
        self.set_items(self.peek(), [key, value])

    def _op_setitems(self) -> None:
        pairs = self.pop_marked()
        self.set_items(self.peek(), pairs)

    def _op_append(self) -> None:
        value = self.pop()
        self.extend(self.peek(), [value])

    def _op_appends(self) -> None:
        values = self.pop_marked()
        self.extend(self.peek(), values)

    def _op_additems(self) -> None:
        values = self.pop_marked()
        target = self.peek()
        if isinstance(target, set):
            target.update([self.key(value) for value in values])
        else:
            self.extend(target, values)

    def _op_refused(self) -> None:
        raise CheckpointError("this pickle uses extension codes or outside buffers: it is not a published snapshot")

    _handlers: ClassVar[dict[int, Callable[["PickleMachine"], None]]] = {}


_U1, _U2, _U4, _U8 = struct.Struct("<B"), struct.Struct("<H"), struct.Struct("<I"), struct.Struct("<Q")
_I4, _F8 = struct.Struct("<i"), struct.Struct(">d")

PickleMachine._handlers.update(
    {
        # Framing says nothing that the lengths inside do not say.
        0x80: lambda m: _check_protocol(m.unpack(_U1)),
        0x95: lambda m: _check_frame(m, m.unpack(_U8)),
        ord("("): lambda m: m.marks.append(len(m.stack)),
        ord("0"): PickleMachine._op_pop,
        ord("1"): lambda m: _ignore(m.pop_marked()),
        ord("2"): lambda m: m.push(m.peek()),
        ord("N"): lambda m: m.push(None),
        0x88: lambda m: m.push(True),
        0x89: lambda m: m.push(False),
        ord("I"): PickleMachine._op_integer,
        ord("L"): PickleMachine._op_integer,
        ord("J"): lambda m: m.push(m.unpack(_I4)),
        ord("K"): lambda m: m.push(m.unpack(_U1)),
        ord("M"): lambda m: m.push(m.unpack(_U2)),
        0x8A: lambda m: m.long(m.unpack(_U1)),
        0x8B: lambda m: m.long(m.unpack(_I4)),
        ord("F"): lambda m: m.push(m._number(float, m.line(MAX_NUMBER_CHARACTERS))),
        ord("G"): lambda m: m.push(m.unpack(_F8)),
        ord("S"): PickleMachine._op_string,
        ord("V"): PickleMachine._op_unicode,
        ord("T"): lambda m: m.push(m.bytes_value(m.unpack(_I4))),
        ord("U"): lambda m: m.push(str(m.take(m.unpack(_U1)), "latin-1")),
        ord("X"): lambda m: m.push(m.text(m.unpack(_U4))),
        0x8C: lambda m: m.push(m.text(m.unpack(_U1))),
        0x8D: lambda m: m.push(m.text(m.unpack(_U8))),
        ord("B"): lambda m: m.push(m.bytes_value(m.unpack(_U4))),
        ord("C"): lambda m: m.push(m.bytes_value(m.unpack(_U1))),
        0x8E: lambda m: m.push(m.bytes_value(m.unpack(_U8))),
        0x96: lambda m: m.push(m.bytes_value(m.unpack(_U8))),
        ord(")"): lambda m: m.push(()),
        ord("t"): lambda m: m.push(tuple(m.pop_marked())),
        0x85: lambda m: m._op_tuple(1),
        0x86: lambda m: m._op_tuple(2),
        0x87: lambda m: m._op_tuple(3),
        ord("]"): lambda m: m.push([]),
        ord("l"): lambda m: m.push(m.pop_marked()),
        ord("a"): PickleMachine._op_append,
        ord("e"): PickleMachine._op_appends,
        ord("}"): lambda m: m.push({}),
        ord("d"): PickleMachine._op_dict,
        ord("s"): PickleMachine._op_setitem,
        ord("u"): PickleMachine._op_setitems,
        0x8F: lambda m: m.push(set()),
        0x90: PickleMachine._op_additems,
        0x91: lambda m: m.push(frozenset([m.key(value) for value in m.pop_marked()])),
        ord("p"): PickleMachine._op_put,
        ord("q"): lambda m: m.remember(m.unpack(_U1)),
        ord("r"): lambda m: m.remember(m.unpack(_U4)),
        0x94: lambda m: m.remember(len(m.memo)),
        ord("g"): PickleMachine._op_get,
        ord("h"): lambda m: m.recall(m.unpack(_U1)),
        ord("j"): lambda m: m.recall(m.unpack(_U4)),
        ord("c"): PickleMachine._op_global,
        0x93: PickleMachine._op_stack_global,
        ord("R"): PickleMachine._op_reduce,
        0x81: PickleMachine._op_reduce,
        0x92: PickleMachine._op_newobj_ex,
        ord("i"): PickleMachine._op_inst,
        ord("o"): PickleMachine._op_obj,
        ord("b"): PickleMachine._op_build,
        ord("Q"): PickleMachine._op_persistent_id,
        ord("P"): PickleMachine._op_refused,
        0x82: PickleMachine._op_refused,
        0x83: PickleMachine._op_refused,
        0x84: PickleMachine._op_refused,
        0x97: PickleMachine._op_refused,
        0x98: PickleMachine._op_refused,
    }
)


def _check_protocol(protocol: int) -> None:
    if protocol > 5:
        raise CheckpointError(f"this pickle says protocol {protocol}, the newest is 5: the file is damaged")


def _check_frame(machine: PickleMachine, length: int) -> None:
    if length > machine.end - machine.position:
        raise CheckpointError("this pickle is cut short: download or copy it again")


def _ignore(_: object) -> None:
    """Drop a value."""


def _unescape(match: re.Match[bytes]) -> bytes:
    """One backslash escape of a quoted text."""
    escape = match[1]
    return bytes([int(escape[1:], 16)]) if len(escape) == 3 else _ESCAPES.get(escape, escape)
