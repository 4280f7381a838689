"""Vectors of eight doubles, or of sixteen singles, that travel together: an explicit vector type for Numba kernels.

Where registers are shorter (no AVX-512) vectors have half as many: if each took two registers, too few would be left.

The compiler vectorises a plain loop well only where it can prove that rows do not overlap; a pair kernel that adds
to the rows of both partners cannot give it that proof. With this type a kernel says what it wants: loads, stores,
arithmetic and a select on all lanes, accumulators in registers. What an array holds, or a scalar is, tells which of
the two is meant: a kernel is written once.

With NUMBA_DISABLE_JIT=1 the same names work on small numpy arrays, so that a kernel can be stepped through.
"""

import operator

import numpy as np
from llvmlite import ir
from numba import config, types
from numba.core import cgutils
from numba.core.codegen import get_host_cpu_features
from numba.extending import intrinsic, lower_builtin, models, register_model, type_callable


def compiles_for(feature: str) -> bool:
    """Whether Numba compiles for processors with this feature, such as avx2."""
    features = get_host_cpu_features() if config.CPU_FEATURES is None else config.CPU_FEATURES
    return f"+{feature}" in features.split(",")


_AVX512 = compiles_for("avx512f")
"""Registers of 512 bits, and quick estimates of 1/x and 1/sqrt(x)."""
LANES = 8 if _AVX512 else 4
"""Doubles in a vector; singles are twice as many."""
_FLAGS = ("nsz",)
_BYTE = ir.IntType(8)


def lanes(dtype) -> int:
    """Numbers of this type, float64 or float32, in a vector."""
    return LANES * 8 // np.dtype(dtype).itemsize


class _Vector(types.Type):
    def __init__(self, name: str, element, dtype):
        self.element, self.lanes, self.bytes = element, lanes(dtype), np.dtype(dtype).itemsize
        self.ir = ir.VectorType(element, self.lanes)
        super().__init__(name=f"{name}x{self.lanes}")

    def constant(self, number: float):
        return ir.Constant(self.ir, [number] * self.lanes)


doubles = _Vector("float64", ir.DoubleType(), np.float64)
singles = _Vector("float32", ir.FloatType(), np.float32)
_VECTORS = {types.float64: doubles, types.float32: singles}


@register_model(_Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, dmm, fe_type):
        super().__init__(dmm, fe_type, fe_type.ir)


def _splat(builder, kind, scalar):
    undefined = ir.Constant(kind.ir, ir.Undefined)
    single = builder.insert_element(undefined, scalar, ir.Constant(ir.IntType(32), 0))
    mask = ir.Constant(ir.VectorType(ir.IntType(32), kind.lanes), [0] * kind.lanes)
    return builder.shuffle_vector(single, undefined, mask)


def _pointer(context, builder, kind, array_type, array, index):
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), kind.ir.as_pointer())


def _call(builder, kind, name, arguments):
    """An LLVM intrinsic that takes and returns vectors of this kind."""
    signature = ir.FunctionType(kind.ir, [kind.ir] * len(arguments))
    suffix = f"v{kind.lanes}f{8 * kind.bytes}"
    return builder.call(
        cgutils.get_or_insert_function(builder.module, signature, f"llvm.{name}.{suffix}"), arguments
    )


@intrinsic
def load(typingctx, array, index):
    """Lanes array[index : index + lanes] of a flat, contiguous array."""
    kind = _VECTORS[array.dtype]

    def codegen(context, builder, signature, args):
        pointer = _pointer(context, builder, kind, signature.args[0], args[0], args[1])
        return builder.load(pointer, align=kind.bytes)

    return kind(array, types.intp), codegen


@intrinsic
def load_doubles(typingctx, array, index):
    """array[index : index + LANES] as doubles, whatever the array holds."""
    kind = _VECTORS[array.dtype]

    def codegen(context, builder, signature, args):
        some = ir.VectorType(kind.element, LANES)
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        pointer = builder.bitcast(builder.gep(data, [args[1]]), some.as_pointer())
        loaded = builder.load(pointer, align=kind.bytes)
        return loaded if kind is doubles else builder.fpext(loaded, doubles.ir)

    return doubles(array, types.intp), codegen


@intrinsic
def store(typingctx, array, index, value):
    """array[index : index + lanes] = value."""
    kind = _VECTORS[array.dtype]

    def codegen(context, builder, signature, args):
        pointer = _pointer(context, builder, kind, signature.args[0], args[0], args[1])
        builder.store(args[2], pointer, align=kind.bytes)
        return context.get_dummy_value()

    return types.void(array, types.intp, kind), codegen


@intrinsic
def add_to_doubles(typingctx, array, index, value):
    """array[index : index + lanes] += value, where the array holds doubles and the value singles or doubles."""

    def codegen(context, builder, signature, args):
        wide = ir.VectorType(doubles.element, value.lanes)
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        pointer = builder.bitcast(builder.gep(data, [args[1]]), wide.as_pointer())
        added = args[2] if value is doubles else builder.fpext(args[2], wide)
        total = builder.fadd(builder.load(pointer, align=doubles.bytes), added)
        builder.store(total, pointer, align=doubles.bytes)
        return context.get_dummy_value()

    if array.dtype == types.float64:
        return types.void(array, types.intp, value), codegen


@intrinsic
def item(typingctx, array, index):
    """array[index] of a flat, contiguous array; a negative index does not count from the end."""

    def codegen(context, builder, signature, args):
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        return builder.load(builder.gep(data, [args[1]]))

    return array.dtype(array, types.intp), codegen


@intrinsic
def splat(typingctx, scalar):
    """The same number in every lane; a float32 makes singles, a float64 doubles."""
    kind = _VECTORS[scalar]

    def codegen(context, builder, signature, args):
        return _splat(builder, kind, args[0])

    return kind(scalar), codegen


def broadcastable(values):
    """Numbers laid out for `broadcast`: AVX-512 spreads one over all lanes as part of an operation, older instructions want
    it in memory as often as there are lanes."""
    return values if _AVX512 else np.repeat(values, lanes(values.dtype))


@intrinsic
def broadcast(typingctx, array, n):
    """Number n of an array that `broadcastable` laid out, in every lane."""
    kind = _VECTORS[array.dtype]

    def codegen(context, builder, signature, args):
        data, n = context.make_array(signature.args[0])(context, builder, args[0]).data, args[1]
        if _AVX512:
            return _splat(builder, kind, builder.load(builder.gep(data, [n])))
        start = builder.mul(n, ir.Constant(n.type, kind.lanes))
        pointer = builder.bitcast(builder.gep(data, [start]), kind.ir.as_pointer())
        return builder.load(pointer, align=kind.bytes)

    return kind(array, types.intp), codegen


@intrinsic
def like(typingctx, value, number):
    """A number (float64) in every lane of a vector of the same type as `value`."""

    def codegen(context, builder, signature, args):
        kind = signature.return_type
        number = args[1] if kind is doubles else builder.fptrunc(args[1], kind.element)
        return _splat(builder, kind, number)

    return value(value, types.float64), codegen


@intrinsic
def sqrt(typingctx, value):
    """Square root of each lane."""

    def codegen(context, builder, signature, args):
        return _call(builder, signature.return_type, "sqrt", args)

    return value(value), codegen


@intrinsic
def fused(typingctx, first, second, addend):
    """first * second + addend, rounded once. Asked for by name: left to the compiler, which product of a b + c d it
    fuses would differ from one compilation to the next, and with it the last bits."""

    def codegen(context, builder, signature, args):
        return _call(builder, signature.return_type, "fma", args)

    return first(first, first, first), codegen


def _estimate(builder, kind, name, value):
    """The machine's quick 1/x ('rcp14') or 1/sqrt(x) ('rsqrt14'), good to 2^-14."""
    mask = ir.IntType(kind.lanes)
    suffix = "pd" if kind is doubles else "ps"
    function = cgutils.get_or_insert_function(
        builder.module,
        ir.FunctionType(kind.ir, [kind.ir, kind.ir, mask]),
        f"llvm.x86.avx512.{name}.{suffix}.512",
    )
    return builder.call(function, [value, kind.constant(0.0), ir.Constant(mask, -1)])


def _reciprocal(builder, kind, x):
    one = kind.constant(1.0)
    if kind is doubles or not _AVX512:
        return builder.fdiv(one, x)
    y = _estimate(builder, kind, "rcp14", x)  # and a step of Newton's
    missing = _call(builder, kind, "fma", [builder.fneg(x), y, one])
    return _call(builder, kind, "fma", [y, missing, y])


def _inverse_root(builder, kind, x):
    one = kind.constant(1.0)
    y = _estimate(builder, kind, "rsqrt14", x)
    # Halley's step of third order: y (1 + m/2 + 3 m²/8), m = 1 - x y²
    missing = _call(builder, kind, "fma", [builder.fneg(builder.fmul(x, y)), y, one])
    series = _call(builder, kind, "fma", [missing, kind.constant(0.375), kind.constant(0.5)])
    return _call(builder, kind, "fma", [builder.fmul(y, missing), series, y])


@intrinsic
def reciprocal(typingctx, value):
    """1 / value: of doubles correctly rounded, of singles to their last bit or two."""

    def codegen(context, builder, signature, args):
        return _reciprocal(builder, signature.return_type, args[0])

    return value(value), codegen


@intrinsic
def reciprocal_and_root(typingctx, value):
    """1 / value to its last bits, and 1 / sqrt(value) to 3e-13 of itself (singles: to their last bit or two)."""

    def codegen(context, builder, signature, args):
        kind, (x,) = signature.return_type[0], args
        inverse = _reciprocal(builder, kind, x)
        if _AVX512:  # much quicker than a root
            root = _inverse_root(builder, kind, x)
        else:  # the root and the division are under way together
            root = builder.fmul(_call(builder, kind, "sqrt", [x]), inverse)
        both = inverse, root
        return context.make_tuple(builder, signature.return_type, both)

    return types.UniTuple(value, 2)(value), codegen


@intrinsic
def where_less(typingctx, left, right, value):
    """value where left < right, else 0, lane by lane."""

    def codegen(context, builder, signature, args):
        mask = builder.fcmp_ordered("<", args[0], args[1])
        return builder.select(mask, args[2], signature.return_type.constant(0.0))

    return left(left, left, left), codegen


@intrinsic
def select_less(typingctx, left, right, value, otherwise):
    """value where left < right, else otherwise, lane by lane."""

    def codegen(context, builder, signature, args):
        mask = builder.fcmp_ordered("<", args[0], args[1])
        return builder.select(mask, args[2], args[3])

    return left(left, left, left, left), codegen


@intrinsic
def any_less(typingctx, left, right):
    """Whether left < right in any lane."""

    def codegen(context, builder, signature, args):
        mask = builder.fcmp_ordered("<", args[0], args[1])
        bits = builder.bitcast(mask, ir.IntType(signature.args[0].lanes))
        return builder.icmp_unsigned("!=", bits, ir.Constant(bits.type, 0))

    return types.boolean(left, left), codegen


@intrinsic
def seldom(typingctx):
    """Keeps a branch a branch: the processor guesses where it goes, while a choice of numbers would wait for its condition."""

    def codegen(context, builder, signature, args):
        builder.asm(ir.FunctionType(ir.VoidType(), []), "", "", [], side_effect=True)
        return context.get_dummy_value()

    return types.void(), codegen


def _define(operation, instruction, kind):
    @type_callable(operation)
    def typer(context):
        def resolve(left, right):
            if left is kind and right is kind:
                return kind

        return resolve

    @lower_builtin(operation, kind, kind)
    def lower(context, builder, signature, args):
        return getattr(builder, instruction)(*args, flags=_FLAGS)


for _kind in _VECTORS.values():
    for _operation, _instruction in (
        (operator.add, "fadd"),
        (operator.sub, "fsub"),
        (operator.mul, "fmul"),
        (operator.truediv, "fdiv"),
    ):
        _define(_operation, _instruction, _kind)


if config.DISABLE_JIT:

    def load(array, index):
        return array[index : index + lanes(array.dtype)].copy()

    def load_doubles(array, index):
        return array[index : index + LANES].astype(np.float64)

    def store(array, index, value):
        array[index : index + lanes(array.dtype)] = value

    def add_to_doubles(array, index, value):
        array[index : index + len(value)] += value

    def item(array, index):
        return array[index]

    def broadcast(array, n):
        return splat(array[n if _AVX512 else n * lanes(array.dtype)])

    def splat(scalar):
        scalar = np.asarray(scalar)
        return np.full(lanes(scalar.dtype), scalar)

    def like(value, number):
        return np.full_like(value, number)

    def sqrt(value):
        return np.sqrt(value)

    def fused(first, second, addend):
        return first * second + addend

    def reciprocal(value):
        return np.ones_like(value) / value

    def reciprocal_and_root(value):
        return reciprocal(value), np.ones_like(value) / np.sqrt(value)

    def where_less(left, right, value):
        return np.where(left < right, value, np.zeros_like(value))

    def select_less(left, right, value, otherwise):
        return np.where(left < right, value, otherwise)

    def any_less(left, right):
        return bool((left < right).any())

    def seldom():
        pass
