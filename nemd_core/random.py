"""Counter-based normal numbers: Philox4x32-10 (Salmon et al., SC'11) and the Box-Muller transform.

A number depends only on (seed, replica, step, site), never on who asks first: that makes trajectories independent of
threads, of replicas beside them, and of a restart. One call of the generator yields four normals, enough for the three
components of one site. Uniforms have 32 bits, so normals reach 6.6 standard deviations.
"""

import numpy as np

from .jit import kernel

_LOW = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)
_MULTIPLIER_0 = np.uint64(0xD2511F53)
_MULTIPLIER_1 = np.uint64(0xCD9E8D57)
_WEYL_0 = np.uint64(0x9E3779B9)
_WEYL_1 = np.uint64(0xBB67AE85)

_MANTISSA = np.uint64(0x000FFFFFFFFFFFFF)
_EXPONENT_ONE = np.uint64(0x3FF0000000000000)
_SQRT_TWO = np.int64(0x0006A09E667F3BCD)
"""Mantissa bits of sqrt(2)."""
_AS_BITS, _AS_NUMBER = np.uint64(0x4330000000000000), 2.0**52
"""A whole number below 2^52, put into these bits, is that number of doubles more than 2^52: conversion without an instruction
for it, which vectors have only with AVX-512."""
_LN2 = 0.6931471805599453


@kernel
def philox(c0, c1, c2, c3, k0, k1):
    """Ten rounds of Philox4x32: counter (c0..c3) and key (k0, k1), all 32-bit values in uint64."""
    for _ in range(10):
        p0 = _MULTIPLIER_0 * c0
        p1 = _MULTIPLIER_1 * c2
        c0, c1, c2, c3 = (p1 >> _SHIFT) ^ c1 ^ k0, p1 & _LOW, (p0 >> _SHIFT) ^ c3 ^ k1, p0 & _LOW
        k0 = (k0 + _WEYL_0) & _LOW
        k1 = (k1 + _WEYL_1) & _LOW
    return c0, c1, c2, c3


@kernel
def _sine_cosine(turn):
    """sin and cos of 2 pi turn for turn in [0, 1): quarter turns are split off, Taylor sums do the rest."""
    quarter = np.floor(4.0 * turn + 0.5)
    x = (turn - 0.25 * quarter) * 6.283185307179586
    y = x * x
    sine = 1.0 + y * (-1 / 6 + y * (1 / 120 + y * (-1 / 5040 + y * (1 / 362880 + y * (-1 / 39916800)))))
    sine = x * (sine + y * y * y * y * y * y * (1 / 6227020800))
    cosine = 1.0 + y * (-1 / 2 + y * (1 / 24 + y * (-1 / 720 + y * (1 / 40320 + y * (-1 / 3628800)))))
    cosine = cosine + y * y * y * y * y * y * (1 / 479001600 + y * (-1 / 87178291200))
    half = np.floor(0.5 * quarter + 0.25)
    odd = quarter - 2.0 * half
    sign = 1.0 - 2.0 * (half - 2.0 * np.floor(0.5 * half + 0.25))
    s = sign * ((1.0 - odd) * sine + odd * cosine)
    c = sign * ((1.0 - odd) * cosine - odd * sine)
    return s, c


@kernel
def _minus_log(bits, exponent):
    """-ln of 2^exponent times the mantissa in `bits` (in [sqrt ½, sqrt 2)), by the series of artanh."""
    z = (bits - 1.0) / (bits + 1.0)
    y = z * z
    series = 1 / 9 + y * (1 / 11 + y * (1 / 13 + y * (1 / 15 + y * (1 / 17))))
    series = 1.0 + y * (1 / 3 + y * (1 / 5 + y * (1 / 7 + y * series)))
    return -(exponent * _LN2 + 2.0 * z * series)


@kernel
def fill_normals(out, scratch, site, replica, step, seed, stream):
    """Fill out[0:4, n] with independent standard normals for each (site[n], replica[n]) at this step.

    out: (4, N) float64; scratch: (4, N) float64; site, replica: (N,) uint64; step, seed, stream: uint64. `stream`
    separates uses that share seed and step (0: baths, 1: initial velocities). Replicas below 2^24.
    """
    n = site.size
    k0 = seed & _LOW
    k1 = seed >> _SHIFT
    step_low = step & _LOW
    step_high = ((step >> _SHIFT) ^ (stream << np.uint64(24))) & _LOW
    bits = scratch.view(np.uint64)
    b0, b1, b2, b3 = bits[0], bits[1], bits[2], bits[3]
    for i in range(n):
        r0, r1, r2, r3 = philox(step_low, step_high, site[i], replica[i], k0, k1)
        b0[i], b1[i], b2[i], b3[i] = r0 | _AS_BITS, r1 | _AS_BITS, r2 | _AS_BITS, r3 | _AS_BITS
    for row in range(4):
        u = scratch[row]
        for i in range(n):
            u[i] = _uniform(u[i])
    _box_muller(out[0], out[1], scratch[0], scratch[1])
    _box_muller(out[2], out[3], scratch[2], scratch[3])


@kernel
def _uniform(number):
    """From 32 random bits as `_AS_BITS` has them."""
    return ((number - _AS_NUMBER) + 0.5) * 2.0**-32


@kernel
def _box_muller(first, second, u, turn):
    """Two normals from two uniforms, u and turn; u is overwritten."""
    n = u.size
    bits, exponent = u.view(np.uint64), first.view(np.uint64)
    for i in range(n):
        word = bits[i]
        mantissa = word & _MANTISSA
        high = np.uint64(np.int64(mantissa) >= _SQRT_TWO)
        exponent[i] = ((word >> np.uint64(52)) + high) | _AS_BITS
        bits[i] = mantissa | (_EXPONENT_ONE - (high << np.uint64(52)))
    for i in range(n):
        radius = np.sqrt(2.0 * _minus_log(u[i], first[i] - (_AS_NUMBER + 1023.0)))
        s, c = _sine_cosine(turn[i])
        first[i] = radius * c
        second[i] = radius * s
