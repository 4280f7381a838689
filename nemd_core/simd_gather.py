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
_QUAD = ir.VectorType(_DOUBLE, PACK)
_LOW = [n + side for n in range(0, LANES, 2) for side in (0, LANES)]
_FIRST = [n + k for n in range(0, 2 * LANES, 4) for k in (0, 1)]


def _mask(lanes):
    return ir.Constant(ir.VectorType(_I32, len(lanes)), lanes)


def _data(context, builder, array_type, array):
    return context.make_array(array_type)(context, builder, array).data


def _transposed(context, builder, signature, args, wanted):
    """The components `wanted` of packed atoms, each a vector. Eight lanes hold the atoms 0 2 1 3 4 6 5 7 of the list."""
    packed = _data(context, builder, signature.args[0], args[0])
    listed = builder.gep(_data(context, builder, signature.args[1], args[1]), [args[2]])
    atoms = []
    for lane in range(LANES):
        offset = builder.load(builder.gep(listed, [ir.Constant(_I64, lane)]))
        pointer = builder.gep(packed, [builder.zext(offset, _I64)])
        atoms.append(builder.load(builder.bitcast(pointer, _QUAD.as_pointer()), align=8))
    if LANES == 8:
        atoms = [builder.shuffle_vector(*atoms[n : n + 2], _mask(list(range(8)))) for n in range(0, 8, 2)]
    components = []
    for component in wanted:
        unpack = _mask([k + component % 2 for k in _LOW])
        halves = [builder.shuffle_vector(*atoms[n : n + 2], unpack) for n in (0, 2)]
        components.append(builder.shuffle_vector(*halves, _mask([k + component // 2 * 2 for k in _FIRST])))
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


def _store_chosen(builder, values, chosen, out):
    """Write the chosen ones of sixteen int32 one after the other to a pointer; returns how many. What lies behind them, up
    to sixteen, is spoilt."""
    written = ir.Constant(_I64, 0)
    step, table = NEAR_LANES, None
    if _BY_TABLE:
        step, table = 8, _table_of_orders(builder)
    for start in range(0, NEAR_LANES, step):
        part = _mask(list(range(start, start + step)))
        some, flags = (builder.shuffle_vector(v, v, part) for v in (values, chosen))
        bits = builder.zext(builder.bitcast(flags, ir.IntType(step)), _I64)
        packed = _packed_by_table(builder, some, bits, table) if table else _packed(builder, some, flags)
        place = builder.bitcast(builder.gep(out, [written]), packed.type.as_pointer())
        builder.store(packed, place, align=4)
        count = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(_I64, [_I64]), "llvm.ctpop.i64"
        )
        written = builder.add(written, builder.call(count, [bits]))
    return written


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
def append_near(typingctx, x, y, z, atom, k, end, own, limit, out, n):
    """Of the candidates k ... min(k + 16, end) - 1, write atom[] of those closer than sqrt(limit) to out[n:]; how many.

    x, y, z: float32 arrays; own: the place (x, y, z) that distances are taken from, three float32. atom, out: int32.
    A candidate at no distance at all is the atom itself, and left out.
    """

    def codegen(context, builder, signature, args):
        lanes = ir.VectorType(_FLOAT, NEAR_LANES)
        whole = ir.VectorType(_I32, NEAR_LANES)
        start, end, own, limit = args[4:8]

        def splat(scalar, kind):
            undefined = ir.Constant(kind, ir.Undefined)
            single = builder.insert_element(undefined, scalar, ir.Constant(_I32, 0))
            return builder.shuffle_vector(single, undefined, _mask([0] * NEAR_LANES))

        def load(number, kind):
            data = builder.gep(_data(context, builder, signature.args[number], args[number]), [start])
            return builder.load(builder.bitcast(data, kind.as_pointer()), align=4)

        squared = None
        multiply_add = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(lanes, [lanes] * 3), f"llvm.fma.v{NEAR_LANES}f32"
        )
        for component in range(3):
            difference = builder.fsub(
                load(component, lanes), splat(builder.extract_value(own, component), lanes)
            )
            if squared is None:
                squared = builder.fmul(difference, difference)
            else:
                squared = builder.call(multiply_add, [difference, difference, squared])
        left = splat(builder.trunc(builder.sub(end, start), _I32), whole)
        near = builder.and_(
            builder.fcmp_ordered("<", squared, splat(limit, lanes)),
            builder.icmp_signed("<", _mask(list(range(NEAR_LANES))), left),
        )
        near = builder.and_(near, builder.fcmp_ordered(">", squared, ir.Constant(lanes, [0.0] * NEAR_LANES)))
        out = builder.gep(_data(context, builder, signature.args[8], args[8]), [args[9]])
        return _store_chosen(builder, load(3, whole), near, out)

    arguments = (x, y, z, atom, types.intp, types.intp, types.UniTuple(types.float32, 3), types.float32)
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

    def append_near(x, y, z, atom, k, end, own, limit, out, n):
        place = slice(k, min(k + NEAR_LANES, end))
        squared = (x[place] - own[0]) ** 2 + (y[place] - own[1]) ** 2 + (z[place] - own[2]) ** 2
        found = atom[place][(squared < limit) & (squared > 0)]
        out[n : n + found.size] = found
        return found.size
