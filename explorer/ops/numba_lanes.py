"""Vectors of float32 for compiled loops: one number of each of `LANES` pictures, kept in one register.

LLVM vectorises loops over long runs; sums of many taps it keeps in memory between the taps. With a type for a vector,
a loop can hold its sums in registers until they are whole. Importing this module imports numba.
"""

import llvmlite.binding
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

_WIDE = llvmlite.binding.get_host_cpu_features().get("avx512f", False)
LANES = 16 if _WIDE else 8

_FLOAT = ir.FloatType()
_VECTOR = ir.VectorType(_FLOAT, LANES)


class Lanes(types.Type):
    """Numba's name for a vector."""

    def __init__(self) -> None:
        super().__init__(name=f"Lanes{LANES}")


lanes = Lanes()


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, _VECTOR)


_PLACE = types.CPointer(types.float32)


@intrinsic
def place_of(typing, array):
    """Where the samples of an array begin; whoever asks keeps the array alive."""

    def generate(context, builder, signature, values):
        return context.make_array(signature.args[0])(context, builder, values[0]).data

    return _PLACE(array), generate


def _vector_at(builder, place, index):
    return builder.bitcast(builder.gep(place, [index]), _VECTOR.as_pointer())


def _splatted(builder, value):
    first = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(
        first, ir.Constant(_VECTOR, ir.Undefined), ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    )


@intrinsic
def ahead(typing, place, samples):
    """The place so many samples behind another."""
    return _PLACE(_PLACE, types.intp), lambda context, builder, signature, values: builder.gep(values[0], [values[1]])


@intrinsic
def load(typing, place, index):
    """The vector that begins ``index`` samples behind a place."""

    def generate(context, builder, signature, values):
        return builder.load(_vector_at(builder, *values), align=4)

    return lanes(_PLACE, types.intp), generate


@intrinsic
def store(typing, place, index, value):
    """Write a vector ``index`` samples behind a place."""

    def generate(context, builder, signature, values):
        builder.store(values[2], _vector_at(builder, *values[:2]), align=4)
        return context.get_dummy_value()

    return types.none(_PLACE, types.intp, lanes), generate


@intrinsic
def number(typing, place, index):
    """The sample ``index`` behind a place."""

    def generate(context, builder, signature, values):
        return builder.load(builder.gep(values[0], [values[1]]), align=4)

    return types.float32(_PLACE, types.intp), generate


@intrinsic
def put(typing, place, index, value):
    """Write one sample ``index`` behind a place."""

    def generate(context, builder, signature, values):
        builder.store(values[2], builder.gep(values[0], [values[1]]), align=4)
        return context.get_dummy_value()

    return types.none(_PLACE, types.intp, types.float32), generate


@intrinsic
def splat(typing, value):
    """The same number in every lane."""
    return lanes(types.float32), lambda context, builder, signature, values: _splatted(builder, values[0])


@intrinsic
def fma(typing, a, b, c):
    """``a * b + c``."""

    def generate(context, builder, signature, values):
        function = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(_VECTOR, [_VECTOR] * 3),
            f"llvm.fmuladd.v{LANES}f32",
        )
        return builder.call(function, values)

    return lanes(lanes, lanes, lanes), generate


@intrinsic
def plus(typing, a, b):
    """``a + b``."""
    return lanes(lanes, lanes), lambda context, builder, signature, values: builder.fadd(*values)


@intrinsic
def minus(typing, a, b):
    """``a - b``."""
    return lanes(lanes, lanes), lambda context, builder, signature, values: builder.fsub(*values)


@intrinsic
def times(typing, a, b):
    """``a * b``."""
    return lanes(lanes, lanes), lambda context, builder, signature, values: builder.fmul(*values)


@intrinsic
def where_above(typing, a, limit, over, under):
    """``over`` in the lanes where ``a > limit``, else ``under``."""

    def generate(context, builder, signature, values):
        above = builder.fcmp_ordered(">", values[0], values[1])
        return builder.select(above, values[2], values[3])

    return lanes(lanes, lanes, lanes, lanes), generate


@intrinsic
def turn(typing, source, at, step, to, into, into_step):
    """Transpose a square: `LANES` rows ``step`` apart behind ``source`` to rows ``into_step`` apart behind ``to``."""

    def generate(context, builder, signature, values):
        source, at, step, to, into, into_step = values
        rows = []
        for r in range(LANES):
            offset = builder.add(at, builder.mul(step, ir.Constant(step.type, r)))
            rows.append(builder.load(_vector_at(builder, source, offset), align=4))
        index = ir.VectorType(ir.IntType(32), LANES)
        half = LANES // 2
        # Rows that are half of all apart are dealt out to one another; after log2(LANES) rounds they are columns.
        low = [i // 2 + (LANES if i % 2 else 0) for i in range(LANES)]
        high = [i + half for i in low]
        for _ in range(LANES.bit_length() - 1):
            dealt = []
            for r in range(half):
                a, b = rows[r], rows[r + half]
                dealt.append(builder.shuffle_vector(a, b, ir.Constant(index, low)))
                dealt.append(builder.shuffle_vector(a, b, ir.Constant(index, high)))
            rows = dealt
        for r, row in enumerate(rows):
            offset = builder.add(into, builder.mul(into_step, ir.Constant(into_step.type, r)))
            builder.store(row, _vector_at(builder, to, offset), align=4)
        return context.get_dummy_value()

    n = types.intp
    return types.none(_PLACE, n, n, _PLACE, n, n), generate
