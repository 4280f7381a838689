"""Eight doubles that travel together: an explicit vector type for Numba kernels.

The compiler vectorises a plain loop well only where it can prove that rows do not overlap; a pair kernel that adds
to the rows of both partners cannot give it that proof. With this type a kernel says what it wants: loads, stores,
arithmetic and a select on 8 lanes, accumulators in registers. LLVM splits the vector where the machine has
narrower registers.

With NUMBA_DISABLE_JIT=1 the same names work on small numpy arrays, so that a kernel can be stepped through.
"""

import operator

import numpy as np
from llvmlite import ir
from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic, lower_builtin, models, register_model, type_callable

LANES = 8
_VECTOR = ir.VectorType(ir.DoubleType(), LANES)
_FLAGS = ("nsz",)


class _Vector(types.Type):
    def __init__(self):
        super().__init__(name=f"float64x{LANES}")


vector = _Vector()


@register_model(_Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, dmm, fe_type):
        super().__init__(dmm, fe_type, _VECTOR)


def _splat(builder, scalar):
    single = builder.insert_element(
        ir.Constant(_VECTOR, ir.Undefined), scalar, ir.Constant(ir.IntType(32), 0)
    )
    mask = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(single, ir.Constant(_VECTOR, ir.Undefined), mask)


def _pointer(context, builder, array_type, array, index):
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), _VECTOR.as_pointer())


@intrinsic
def load(typingctx, array, index):
    """Lanes array[index : index + 8] of a flat, contiguous float64 array."""

    def codegen(context, builder, signature, args):
        pointer = _pointer(context, builder, signature.args[0], args[0], args[1])
        return builder.load(pointer, align=8)

    return vector(array, types.intp), codegen


@intrinsic
def store(typingctx, array, index, value):
    """array[index : index + 8] = value."""

    def codegen(context, builder, signature, args):
        pointer = _pointer(context, builder, signature.args[0], args[0], args[1])
        builder.store(args[2], pointer, align=8)
        return context.get_dummy_value()

    return types.void(array, types.intp, vector), codegen


@intrinsic
def item(typingctx, array, index):
    """array[index] of a flat, contiguous array; a negative index does not count from the end."""

    def codegen(context, builder, signature, args):
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        return builder.load(builder.gep(data, [args[1]]))

    return array.dtype(array, types.intp), codegen


@intrinsic
def splat(typingctx, scalar):
    """The same number in every lane."""

    def codegen(context, builder, signature, args):
        return _splat(builder, args[0])

    return vector(types.float64), codegen


@intrinsic
def sqrt(typingctx, value):
    """Square root of each lane."""

    def codegen(context, builder, signature, args):
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(_VECTOR, [_VECTOR]), f"llvm.sqrt.v{LANES}f64"
        )
        return builder.call(function, args)

    return vector(vector), codegen


@intrinsic
def fused(typingctx, first, second, addend):
    """first * second + addend, rounded once. Asked for by name: left to the compiler, which product of a b + c d it
    fuses would differ from one compilation to the next, and with it the last bits."""

    def codegen(context, builder, signature, args):
        kind = ir.FunctionType(_VECTOR, [_VECTOR] * 3)
        function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.fma.v{LANES}f64")
        return builder.call(function, args)

    return vector(vector, vector, vector), codegen


@intrinsic
def where_less(typingctx, left, right, value):
    """value where left < right, else 0, lane by lane."""

    def codegen(context, builder, signature, args):
        mask = builder.fcmp_ordered("<", args[0], args[1])
        return builder.select(mask, args[2], ir.Constant(_VECTOR, [0.0] * LANES))

    return vector(vector, vector, vector), codegen


@intrinsic
def select_less(typingctx, left, right, value, otherwise):
    """value where left < right, else otherwise, lane by lane."""

    def codegen(context, builder, signature, args):
        mask = builder.fcmp_ordered("<", args[0], args[1])
        return builder.select(mask, args[2], args[3])

    return vector(vector, vector, vector, vector), codegen


def _define(operation, instruction):
    @type_callable(operation)
    def typer(context):
        def resolve(left, right):
            if left is vector and right is vector:
                return vector

        return resolve

    @lower_builtin(operation, vector, vector)
    def lower(context, builder, signature, args):
        return getattr(builder, instruction)(*args, flags=_FLAGS)


for _operation, _instruction in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _define(_operation, _instruction)


if config.DISABLE_JIT:

    def load(array, index):
        return array[index : index + LANES].copy()

    def store(array, index, value):
        array[index : index + LANES] = value

    def item(array, index):
        return array[index]

    def splat(scalar):
        return np.full(LANES, scalar)

    def sqrt(value):
        return np.sqrt(value)

    def fused(first, second, addend):
        return first * second + addend

    def where_less(left, right, value):
        return np.where(left < right, value, 0.0)

    def select_less(left, right, value, otherwise):
        return np.where(left < right, value, otherwise)
