"""Threads that run one compiled function together and meet between its stages.

Each does its share of every stage; `meet` lets none go on before all have come. Waiting costs a tenth of a microsecond
where every thread has a core, and gives the core away where not. There is one compiled function for any number of
threads, and none that the compiler took apart.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from llvmlite import ir
from numba import config, types
from numba.extending import intrinsic

from .jit import kernel

_ARRIVED, _ROUND, _SAID, _SIZE = 0, 8, 9, 16
_PATIENCE = 3000
"""Looks at the other threads before the core is given away."""


def make_meeting() -> np.ndarray:
    """What threads meet at: how many have arrived, and the number of the round, on a cache line each."""
    return np.zeros(_SIZE, np.int64)


def run_team(function, members: int) -> list:
    """Call function(member) for each member in a thread of its own and return what they return."""
    if members == 1:
        return [function(0)]
    with ThreadPoolExecutor(members) as pool:
        return list(pool.map(function, range(members)))


@intrinsic
def _add(typingctx, array, index):
    """Add 1 to array[index], whatever other threads do, and return what was there."""

    def codegen(context, builder, signature, args):
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        one = ir.Constant(ir.IntType(64), 1)
        return builder.atomic_rmw("add", builder.gep(data, [args[1]]), one, "seq_cst")

    return types.int64(array, types.intp), codegen


@intrinsic
def _read(typingctx, array, index):
    """array[index] as other threads left it."""

    def codegen(context, builder, signature, args):
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        return builder.load_atomic(builder.gep(data, [args[1]]), "seq_cst", 8)

    return types.int64(array, types.intp), codegen


@intrinsic
def _write(typingctx, array, index, value):
    """array[index] = value, before all that follows."""

    def codegen(context, builder, signature, args):
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        builder.store_atomic(args[2], builder.gep(data, [args[1]]), "seq_cst", 8)
        return context.get_dummy_value()

    return types.void(array, types.intp, types.int64), codegen


_give_way = types.ExternalFunction("sched_yield", types.int32())


@kernel
def meet(meeting, members):
    """Wait until every member of the team has come here."""
    if members == 1:
        return
    turn = _read(meeting, _ROUND)
    if _add(meeting, _ARRIVED) == members - 1:
        _write(meeting, _ARRIVED, 0)
        _write(meeting, _ROUND, turn + 1)
        return
    looks = 0
    while _read(meeting, _ROUND) == turn:
        looks += 1
        if looks > _PATIENCE:
            _give_way()


@kernel
def say(meeting, value):
    """Let all members know an integer, once they have met."""
    meeting[_SAID] = value


@kernel
def said(meeting):
    """What was said last."""
    return meeting[_SAID]


@kernel
def share(n, member, members):
    """The part of range(n) that is a member's."""
    return range(member * n // members, (member + 1) * n // members)


if config.DISABLE_JIT:

    def meet(meeting, members):
        assert members == 1, "without the compiler there is one thread"
