"""A pytest plugin: kernels with the vectors of another processor.

Where there is no AVX-512, vectors of eight doubles with its quick estimates of 1/x and 1/sqrt(x), to no more bits than it
promises; where there is, vectors of four doubles. Compiled code lies in a cache of its own: NUMBA_CACHE_DIR.
"""

from llvmlite import ir
from numba.core import codegen

_host = codegen.get_host_cpu_features
AVX512 = "+avx512f" in _host().split(",")


def _features():
    names = _host().split(",")
    return ",".join([name for name in names if name != "+avx512f"] if AVX512 else [*names, "+avx512f"])


codegen.get_host_cpu_features = _features
try:
    from nemd_core import simd, simd_gather  # which ask for it when they are imported
finally:
    codegen.get_host_cpu_features = _host


def _estimate(builder, kind, name, value):
    """The number itself with the last bits cut off: 14 of those behind the point are left."""
    root = simd._call(builder, kind, "sqrt", [value]) if name == "rsqrt14" else value
    exact = builder.fdiv(kind.constant(1.0), root)
    whole = ir.VectorType(ir.IntType(8 * kind.bytes), kind.lanes)
    digits = 52 if kind is simd.doubles else 23
    kept = ir.Constant(whole, [-(1 << (digits - 14))] * kind.lanes)
    return builder.bitcast(builder.and_(builder.bitcast(exact, whole), kept), kind.ir)


if not AVX512:
    simd._estimate = _estimate
    simd_gather._BY_TABLE = False


def pytest_report_header():
    return f"vectors of {simd.LANES} doubles"
