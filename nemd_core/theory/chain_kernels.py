"""Sweeps along a chain of blocks for many frequencies: the compiled part of `chain_spectrum`, which says what they mean.

LANES frequencies at a time are the last axis of every array that depends on frequency, so that the innermost loops
vectorise. K: diagonal blocks (n, b, b) and those to the next block, `upper`, (n - 1, b, b), with their transposes `lower`.
"""

import numpy as np

from ..jit import kernel

LANES = 16


@kernel
def count_modes(rows, gamma, w, number, density):
    """The phase of det(K - w² - i w Gamma) over -pi, and its derivative, pivot by pivot of the elimination.

    Every pivot has a negative imaginary part, so its own phase lies between -pi and 0: no multiple of 2 pi gets lost.
    w, number, density: (n_w, LANES).
    """
    n, width = rows.shape
    band, slope = np.zeros((2, n, width, LANES), np.complex128)
    factor, change, inverse = np.zeros((3, LANES), np.complex128)
    for part in range(len(w)):
        for i in range(n):
            for r in range(width):
                band[i, r] = rows[i, r]
                slope[i, r] = 0.0
            for f in range(LANES):
                band[i, 0, f] -= complex(w[part, f] ** 2, w[part, f] * gamma[i])
                slope[i, 0, f] = -complex(2 * w[part, f], gamma[i])
        for i in range(n):
            pivot = band[i, 0]
            for f in range(LANES):
                square = pivot[f].real ** 2 + pivot[f].imag ** 2
                inverse[f] = pivot[f].conjugate() / square
                number[part, f] += np.arctan2(abs(pivot[f].imag), pivot[f].real) / np.pi
                density[part, f] -= (slope[i, 0, f] * inverse[f]).imag / np.pi
            for r in range(1, min(width, n - i)):
                for f in range(LANES):
                    factor[f] = band[i, r, f] * inverse[f]
                    change[f] = (slope[i, r, f] - factor[f] * slope[i, 0, f]) * inverse[f]
                for s in range(r, min(width, n - i)):
                    for f in range(LANES):
                        band[i + r, s - r, f] -= factor[f] * band[i, s, f]
                        slope[i + r, s - r, f] -= change[f] * band[i, s, f] + factor[f] * slope[i, s, f]


@kernel
def sweep(diagonal, upper, lower, gamma, noise, w, weight, kinetic, share, inside, across):
    """Add the integrands at frequencies w, times their weights, (n_w, LANES), to the four sums.

    kinetic <w²> and share of the modes (n, b, LANES), inside <q w> in a block (n, b, b, LANES), across to the next one.
    """
    n, b, _ = diagonal.shape
    G_left, S_left, pull, push = np.zeros((4, n, b, b, LANES), np.complex128)
    G, S, source, scratch, G_next, S_next = np.zeros((6, b, b, LANES), np.complex128)
    pull_right, push_right, nothing = np.zeros((3, b, b, LANES), np.complex128)
    neither = (nothing, nothing)
    for part in range(len(w)):
        x, share_of_x = w[part], weight[part]
        for m in range(n):
            left = (pull[m], push[m])
            _solve(diagonal[m], gamma[m], noise[m], x, left, neither, G_left[m], S_left[m], source, scratch)
            if m + 1 < n:
                _transfer(lower[m], G_left[m], pull[m + 1])
                _transfer(lower[m], S_left[m], push[m + 1])
        pull_right[:] = 0.0
        push_right[:] = 0.0
        right = (pull_right, push_right)
        for m in range(n - 1, -1, -1):
            left = (pull[m], push[m])
            _solve(diagonal[m], gamma[m], noise[m], x, left, right, G, S, source, scratch)
            _add_inside(G, S, x, share_of_x, kinetic[m], share[m], inside[m])
            if m + 1 < n:
                _add_across(G_left[m], S_left[m], upper[m], G_next, S_next, x, share_of_x, across[m])
            if m > 0:
                G_next[:] = G
                S_next[:] = S
                _solve(diagonal[m], gamma[m], noise[m], x, neither, right, G, S, source, scratch)
                _transfer(upper[m - 1], G, pull_right)
                _transfer(upper[m - 1], S, push_right)


@kernel
def _solve(diagonal, gamma, noise, w, left, right, G, S, source, scratch):
    """G = (K - w² - i w Gamma - pull)^-1 and S = G (noise + push) G^†. left, right: pull and push from either side.

    Elimination in place. It needs no pivots: every one has a negative imaginary part.
    """
    b = len(gamma)
    for i in range(b):
        for j in range(b):
            for f in range(LANES):
                G[i, j, f] = diagonal[i, j] - left[0][i, j, f] - right[0][i, j, f]
                source[i, j, f] = left[1][i, j, f] + right[1][i, j, f]
        for f in range(LANES):
            G[i, i, f] -= complex(w[f] * w[f], w[f] * gamma[i])
            source[i, i, f] += noise[i]
    for c in range(b):
        for f in range(LANES):
            scratch[c, c, f] = G[c, c, f].conjugate() / (G[c, c, f].real ** 2 + G[c, c, f].imag ** 2)
            G[c, c, f] = 1.0
        for j in range(b):
            for f in range(LANES):
                G[c, j, f] *= scratch[c, c, f]
        for i in range(b):
            if i != c:
                for f in range(LANES):
                    scratch[i, c, f] = G[i, c, f]
                    G[i, c, f] = 0.0
                for j in range(b):
                    for f in range(LANES):
                        G[i, j, f] -= scratch[i, c, f] * G[c, j, f]
    for i in range(b):
        for j in range(b):
            scratch[i, j] = 0.0
            for k in range(b):
                for f in range(LANES):
                    scratch[i, j, f] += G[i, k, f] * source[k, j, f]
    for i in range(b):
        for j in range(b):
            S[i, j] = 0.0
            for k in range(b):
                for f in range(LANES):
                    S[i, j, f] += scratch[i, k, f] * G[j, k, f].conjugate()


@kernel
def _transfer(V, middle, out):
    """out = V middle V^T."""
    b = len(V)
    for i in range(b):
        for j in range(b):
            out[i, j] = 0.0
            for k in range(b):
                for m in range(b):
                    factor = V[i, k] * V[j, m]
                    if factor != 0.0:
                        for f in range(LANES):
                            out[i, j, f] += factor * middle[k, m, f]


@kernel
def _add_inside(G, S, w, weight, kinetic, share, inside):
    b = len(kinetic)
    for i in range(b):
        for f in range(LANES):
            kinetic[i, f] += weight[f] * w[f] ** 2 * S[i, i, f].real
            share[i, f] += weight[f] * 2 * w[f] * G[i, i, f].imag
        for j in range(b):
            for f in range(LANES):
                inside[i, j, f] -= weight[f] * w[f] * S[i, j, f].imag


@kernel
def _add_across(G_left, S_left, V, G_next, S_next, w, weight, across):
    """From S = -G_left V S_next - S_left V G_next^† between a block and the next."""
    b = len(V)
    for i in range(b):
        for j in range(b):
            for k in range(b):
                for m in range(b):
                    if V[k, m] != 0.0:
                        for f in range(LANES):
                            S = (
                                G_left[i, k, f] * S_next[m, j, f]
                                + S_left[i, k, f] * G_next[j, m, f].conjugate()
                            )
                            across[i, j, f] += weight[f] * w[f] * V[k, m] * S.imag
