"""Vectors whose lanes are different atoms: gathers of packed atoms, sums over lanes, and a filter for near neighbours.

Atoms lie packed as (x, y, z, species), four doubles each. A gather is a load of 256 bits for each of them and a
transposition in registers: on processors where the gather instruction is slow (Zen 4) that takes half the time.

With NUMBA_DISABLE_JIT=1 the same names work on numpy arrays, as in `simd`.
"""

import numpy as np
from llvmlite import ir
from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic

from .simd import LANES, compiles_for
from .simd import doubles as vector

_BY_TABLE = compiles_for("avx2") and not compiles_for("avx512f")
NEAR_LANES = 16
"""Candidates that `append_near` looks at together; arrays it reads or writes need so many elements of slack."""
PACK = 4
"""Doubles of a packed atom."""

_DOUBLE, _FLOAT, _I32, _I64 = ir.DoubleType(), ir.FloatType(), ir.IntType(32), ir.IntType(64)
_PAIR, _QUAD = ir.VectorType(_DOUBLE, 2), ir.VectorType(_DOUBLE, PACK)
_LOW = [n + side for n in range(0, LANES, 2) for side in (0, LANES)]
_FIRST = [n + k for n in range(0, 2 * LANES, 4) for k in (0, 1)]


def _mask(lanes):
    return ir.Constant(ir.VectorType(_I32, len(lanes)), lanes)


def _data(context, builder, array_type, array):
    return context.make_array(array_type)(context, builder, array).data


def _load(builder, pointer, kind):
    return builder.load(builder.bitcast(pointer, kind.as_pointer()), align=8)


def _transposed_eight(builder, pointers, wanted):
    """Lanes hold the atoms 0 2 1 3 4 6 5 7 of the list."""
    atoms = [_load(builder, pointer, _QUAD) for pointer in pointers]
    atoms = [builder.shuffle_vector(*atoms[n : n + 2], _mask(list(range(8)))) for n in range(0, 8, 2)]
    components = []
    for component in wanted:
        unpack = _mask([k + component % 2 for k in _LOW])
        halves = [builder.shuffle_vector(*atoms[n : n + 2], unpack) for n in (0, 2)]
        components.append(builder.shuffle_vector(*halves, _mask([k + component // 2 * 2 for k in _FIRST])))
    return components


def _transposed_four(builder, pointers, wanted):
    """Lanes hold the atoms in their order. Half atoms are loaded: what crosses the halves of a register comes from memory."""
    components = []
    for first in sorted({component // 2 * 2 for component in wanted}):
        halves = [
            _load(builder, builder.gep(pointer, [ir.Constant(_I64, first)]), _PAIR) for pointer in pointers
        ]
        rows = [builder.shuffle_vector(halves[n], halves[n + 2], _mask([0, 1, 2, 3])) for n in (0, 1)]
        for component in (first, first + 1):
            if component in wanted:
                lanes = [k + component % 2 for k in (0, 4, 2, 6)]
                components.append(builder.shuffle_vector(*rows, _mask(lanes)))
    return components


def _transposed(context, builder, signature, args, wanted):
    """The components `wanted` of packed atoms, each a vector."""
    packed = _data(context, builder, signature.args[0], args[0])
    listed = builder.gep(_data(context, builder, signature.args[1], args[1]), [args[2]])
    pointers = []
    for lane in range(LANES):
        offset = builder.load(builder.gep(listed, [ir.Constant(_I64, lane)]))
        pointers.append(builder.gep(packed, [builder.zext(offset, _I64)]))
    transpose = _transposed_eight if LANES == 8 else _transposed_four
    components = transpose(builder, pointers, wanted)
    return context.make_tuple(builder, signature.return_type, components)


@intrinsic
def gather_xyz(typingctx, packed, offsets, k):
    """x, y and z of the atoms that start at packed[offsets[k : k + LANES]], three vectors; offsets: int32."""

    def codegen(context, builder, signature, args):
        return _transposed(context, builder, signature, args, (0, 1, 2))

    return types.UniTuple(vector, 3)(packed, offsets, types.intp), codegen


@intrinsic
def gather_all(typingctx, packed, offsets, k):
    """The same with the fourth double: four vectors."""

    def codegen(context, builder, signature, args):
        return _transposed(context, builder, signature, args, (0, 1, 2, 3))

    return types.UniTuple(vector, 4)(packed, offsets, types.intp), codegen


@intrinsic
def add_lanes(typingctx, value):
    """The sum of the lanes, always in the same order."""

    def codegen(context, builder, signature, args):
        (total,) = args
        for width in (LANES >> n for n in range(1, LANES.bit_length())):
            low, high = (_mask(list(range(start, start + width))) for start in (0, width))
            total = builder.fadd(
                *(
                    builder.shuffle_vector(total, ir.Constant(total.type, ir.Undefined), m)
                    for m in (low, high)
                )
            )
        return builder.extract_element(total, ir.Constant(_I32, 0))

    return types.float64(vector), codegen


def _packed(builder, values, flags):
    """The flagged lanes first: one instruction of AVX-512, where there is nothing better many."""
    kind = values.type
    compress = cgutils.get_or_insert_function(
        builder.module,
        ir.FunctionType(kind, [kind, flags.type, kind]),
        f"llvm.experimental.vector.compress.v{kind.count}i32",
    )
    return builder.call(compress, [values, flags, ir.Constant(kind, ir.Undefined)])


def _table_of_orders(builder):
    """For each combination of eight flags the flagged lanes, 256 x 8 bytes."""
    kind = ir.VectorType(ir.IntType(8), 8)
    lanes = [[k for k in range(8) if n >> k & 1] for n in range(256)]
    rows = [ir.Constant(kind, chosen + [0] * (8 - len(chosen))) for chosen in lanes]
    return cgutils.global_constant(builder, "lanes_by_flags", ir.Constant(ir.ArrayType(kind, 256), rows))


def _packed_by_table(builder, values, bits, table):
    """The same for eight lanes and AVX2: the permutation for these flags stands in a table."""
    kind = values.type
    order = builder.zext(builder.load(builder.gep(table, [ir.Constant(_I64, 0), bits]), align=8), kind)
    permute = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(kind, [kind, kind]), "llvm.x86.avx2.permd"
    )
    return builder.call(permute, [values, order])


@intrinsic
def copy_block(typingctx, source, k, target, m):
    """target[m : m + NEAR_LANES] = source[k : k + NEAR_LANES], of four bytes each."""

    def codegen(context, builder, signature, args):
        block = ir.VectorType(_I32, NEAR_LANES).as_pointer()
        read, write = (
            builder.bitcast(
                builder.gep(_data(context, builder, signature.args[n], args[n]), [args[n + 1]]), block
            )
            for n in (0, 2)
        )
        builder.store(builder.load(read, align=4), write, align=4)
        return context.get_dummy_value()

    return types.void(source, types.intp, target, types.intp), codegen


@intrinsic
def append_near(typingctx, x, y, z, atom, k, own, limit, out, n):
    """Of the NEAR_LANES candidates from k on, write atom[] of those closer than sqrt(limit) to out[n:]; how many.

    x, y, z: float32 arrays; own: the place (x, y, z) that distances are taken from, three float32. atom, out: int32.
    A candidate at no distance at all is the atom itself, and left out. Up to NEAR_LANES behind what is written are spoilt.
    """

    def codegen(context, builder, signature, args):
        k, own, limit = args[4:7]
        out = builder.gep(_data(context, builder, signature.args[7], args[7]), [args[8]])
        step, table = (8, _table_of_orders(builder)) if _BY_TABLE else (NEAR_LANES, None)
        singles, numbers = ir.VectorType(_FLOAT, step), ir.VectorType(_I32, step)

        def splat(scalar):
            undefined = ir.Constant(singles, ir.Undefined)
            single = builder.insert_element(undefined, scalar, ir.Constant(_I32, 0))
            return builder.shuffle_vector(single, undefined, _mask([0] * step))

        def load(number, kind, start):
            place = builder.add(k, ir.Constant(_I64, start))
            data = builder.gep(_data(context, builder, signature.args[number], args[number]), [place])
            return builder.load(builder.bitcast(data, kind.as_pointer()), align=4)

        def call(name, kind, *arguments):
            signature = ir.FunctionType(kind, [argument.type for argument in arguments])
            return builder.call(cgutils.get_or_insert_function(builder.module, signature, name), arguments)

        written = ir.Constant(_I64, 0)
        for start in range(0, NEAR_LANES, step):
            squared = None
            for component in range(3):
                d = builder.fsub(
                    splat(builder.extract_value(own, component)), load(component, singles, start)
                )
                if squared is None:
                    squared = builder.fmul(d, d)
                else:
                    squared = call(f"llvm.fma.v{step}f32", singles, d, d, squared)
            flags = builder.and_(
                builder.fcmp_ordered("<", squared, splat(limit)),
                builder.fcmp_ordered(">", squared, ir.Constant(singles, [0.0] * step)),
            )
            bits = builder.zext(builder.bitcast(flags, ir.IntType(step)), _I64)
            some = load(3, numbers, start)
            packed = _packed_by_table(builder, some, bits, table) if table else _packed(builder, some, flags)
            place = builder.bitcast(builder.gep(out, [written]), numbers.as_pointer())
            builder.store(packed, place, align=4)
            written = builder.add(written, call("llvm.ctpop.i64", _I64, bits))
        return written

    arguments = (x, y, z, atom, types.intp, types.UniTuple(types.float32, 3), types.float32)
    return types.intp(*arguments, out, types.intp), codegen


if config.DISABLE_JIT:
    _ORDER = np.array([0, 2, 1, 3, 4, 6, 5, 7] if LANES == 8 else range(LANES))

    def gather_all(packed, offsets, k):
        atoms = packed.reshape(-1, PACK)[offsets[k : k + LANES][_ORDER] // PACK]
        return tuple(atoms.T)

    def gather_xyz(packed, offsets, k):
        return gather_all(packed, offsets, k)[:3]

    def add_lanes(value):
        while value.size > 1:
            value = value[: value.size // 2] + value[value.size // 2 :]
        return value[0]

    def copy_block(source, k, target, m):
        target[m : m + NEAR_LANES] = source[k : k + NEAR_LANES]

    def append_near(x, y, z, atom, k, own, limit, out, n):
        place = slice(k, k + NEAR_LANES)
        squared = (x[place] - own[0]) ** 2 + (y[place] - own[1]) ** 2 + (z[place] - own[2]) ** 2
        found = atom[place][(squared < limit) & (squared > 0)]
        out[n : n + found.size] = found
        return found.size
