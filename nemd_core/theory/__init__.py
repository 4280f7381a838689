"""What theory says about the Hamiltonian of a configuration, next to which every measured R_K can stand.

Here: a junction to second order about its relaxed sites (`strips`), the same for a perfect crystal (`crystal`) with its
lattice dynamics (`phonons`, `density_of_states`, `elasticity`), atomistic Green's functions (`leads`, `branches`,
`frequency_grid`, `greens`) and what follows from them (`landauer`, `long_waves`, `resistances`), the exact steady state
of a finite harmonic set-up (`steady_state` with `lyapunov` or, for chains, `chain_spectrum`), and all of it together
(`predict`).

Not here: dynamics, and figures (`analysis`). The place of acoustic and diffuse mismatch is beside `elasticity`, whose
velocities they start from, as `mismatch`; that of the equilibrium route, which needs a run, is `equilibrium`; that of
contact conductance, whose bonds across the interface are a strip's, is `contact`.
"""
