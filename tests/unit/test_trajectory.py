"""Trajectory files: what is written is what readers get, in H5MD and in extended XYZ; no half files."""

import ase.io
import ase.units
import h5py
import numpy as np
import pytest
from junctions import CHAIN, LJ, configure
from scipy.constants import atomic_mass, k

from nemd_core import ConfigError, StorageError, build
from nemd_core.trajectory import (
    FILE_UNITS,
    TrajectoryWriter,
    read_header,
    trajectory_name,
    trajectory_to_extxyz,
)
from nemd_core.units import ARGON

TIMESTEP = 0.005
ANGSTROM, TAU = 3.405, np.sqrt(39.948 * atomic_mass * 3.405e-10**2 / (119.8 * k)) * 1e12
"""sigma of argon in Angstrom and its unit of time in ps, from its parameters."""


def frames_of(system, n, seed=0):
    """n frames: (step, positions, velocities) with the components that the lattice has."""
    rng = np.random.default_rng(seed)
    shape = (system.n_sites, system.lattice.dimensions)
    moving = system.moving_cell[system.cell_of_site][:, None]
    for frame in range(n):
        positions = system.positions.copy()
        positions[:, : shape[1]] += moving * rng.uniform(-0.1, 0.1, shape)
        yield 10 * (frame + 1), positions, moving * rng.standard_normal(shape)


def write(path, system, n=3, **options):
    """A trajectory of n frames; returns them."""
    frames = list(frames_of(system, n))
    with TrajectoryWriter(path, system, ARGON, TIMESTEP, **options) as writer:
        for frame in frames:
            writer.write(*frame)
    return frames


@pytest.fixture(scope="module")
def crystal():
    return build(configure(LJ))


@pytest.fixture(scope="module")
def chain():
    return build(configure(CHAIN))


def test_file_units_are_those_of_their_names():
    assert FILE_UNITS.unit("time") == pytest.approx(1e-12, rel=1e-14)
    assert FILE_UNITS.unit("velocity") == pytest.approx(100.0, rel=1e-14)
    assert FILE_UNITS.unit("temperature") == pytest.approx(atomic_mass * 1e4 / k, rel=1e-14)


def test_frames_are_stored_in_angstrom_and_picoseconds(tmp_path, crystal):
    frames = write(tmp_path / "t.h5md", crystal)
    with h5py.File(tmp_path / "t.h5md") as file:
        particles = file["particles/trajectory"]
        assert particles["position/step"][()].tolist() == [10, 20, 30]
        np.testing.assert_allclose(particles["position/time"], np.array([10, 20, 30]) * TIMESTEP * TAU, 1e-12)
        for frame, (_, positions, velocities) in enumerate(frames):
            stored = {name: particles[f"{name}/value"][frame] for name in ("position", "velocity")}
            np.testing.assert_allclose(stored["position"], positions * ANGSTROM, rtol=1e-12, atol=1e-12)
            np.testing.assert_allclose(
                stored["velocity"], velocities * ANGSTROM / TAU, rtol=1e-12, atol=1e-12
            )


def test_layout_is_that_of_h5md(tmp_path, crystal):
    write(tmp_path / "t.h5md", crystal)
    with h5py.File(tmp_path / "t.h5md") as file:
        assert file["h5md"].attrs["version"].tolist() == [1, 1]
        assert file["h5md/author"].attrs["name"] and file["h5md/creator"].attrs["name"] == "nemd_core"
        assert file["h5md/creator"].attrs["version"]
        particles = file["particles/trajectory"]
        assert particles["box"].attrs["dimension"] == 3
        assert list(particles["box"].attrs["boundary"]) == ["none", "periodic", "periodic"]
        edges = ANGSTROM * 1.58 * np.array([12, 3, 3])
        np.testing.assert_allclose(particles["box/edges/value"], np.tile(edges, (3, 1)), 1e-12)
        for element in ("velocity", "box/edges"):  # one clock
            for name in ("step", "time"):
                assert particles[f"{element}/{name}"] == particles[f"position/{name}"]
        assert particles["position/time"].attrs["unit"] == "ps"
        assert particles["position/value"].attrs["unit"] == "Angstrom"
        assert particles["velocity/value"].attrs["unit"] == "Angstrom ps-1"
        assert particles["mass"].attrs["unit"] == "u"
        species = h5py.check_enum_dtype(particles["species"].dtype)
        assert (particles["species"][()] == species["B"]).sum() == crystal.n_sites // 2


def test_header_says_what_every_site_is(tmp_path, crystal):
    write(tmp_path / "t.h5md", crystal)
    header, atoms = read_header(tmp_path / "t.h5md"), crystal.to_ase()
    assert header.site.tolist() == list(range(crystal.n_sites))
    assert header.symbol.tolist() == atoms.get_chemical_symbols()
    for name in ("layer", "region", "material"):
        assert getattr(header, name).tolist() == atoms.arrays[name].tolist()
    np.testing.assert_allclose(header.mass, 39.948 * atoms.get_masses(), 1e-12)
    assert header.periodic.tolist() == [False, True, True]
    assert (header.dimensions, header.n_frames) == (3, 3)
    assert header.timestep == pytest.approx(TIMESTEP * TAU, rel=1e-12)
    assert header.reference == ARGON


def test_only_the_sites_of_the_regions_are_kept(tmp_path, crystal):
    frames = write(tmp_path / "t.h5md", crystal, regions=["A", "hot"])
    header, wanted = read_header(tmp_path / "t.h5md"), crystal.to_ase().arrays["region"]
    assert set(header.region) == {"A", "hot"}
    assert header.site.tolist() == np.flatnonzero(np.isin(wanted, ["A", "hot"])).tolist()
    assert header.layer.tolist() == crystal.layer_of_site[header.site].tolist()
    with h5py.File(tmp_path / "t.h5md") as file:
        stored = file["particles/trajectory/position/value"][1]
    np.testing.assert_allclose(stored, frames[1][1][header.site] * ANGSTROM, rtol=1e-12, atol=1e-12)


def test_chain_has_zero_y_and_z(tmp_path, chain):
    frames = write(tmp_path / "t.h5md", chain)
    assert frames[0][2].shape[1] == 1
    with h5py.File(tmp_path / "t.h5md") as file:
        particles = file["particles/trajectory"]
        assert list(particles["box"].attrs["boundary"]) == ["none"] * 3
        for name in ("position", "velocity"):
            stored = particles[f"{name}/value"][()]
            assert stored[..., 0].any() and not stored[..., 1:].any()
    assert read_header(tmp_path / "t.h5md").dimensions == 1


def test_buffer_leaves_every_frame_in_its_place(tmp_path, chain):
    """More frames than the buffer holds, and flushes in between."""
    path, n = tmp_path / "t.h5md", 3000
    frames = list(frames_of(chain, n))
    with TrajectoryWriter(path, chain, ARGON, TIMESTEP) as writer:
        for number, frame in enumerate(frames):
            writer.write(*frame)
            if number in (7, 1500):
                writer.flush()
    with h5py.File(path) as file:
        particles = file["particles/trajectory"]
        assert particles["position/step"][()].tolist() == [step for step, _, _ in frames]
        assert particles["box/edges/value"].shape == (n, 3)
        wanted = np.array([velocities[:, 0] for _, _, velocities in frames]) * ANGSTROM / TAU
        np.testing.assert_allclose(particles["velocity/value"][..., 0], wanted, rtol=1e-12, atol=1e-14)


def frame(crystal, number):
    return np.full((crystal.n_sites, 3), float(number)), np.full((crystal.n_sites, 3), -float(number))


def test_an_interrupted_run_leaves_its_frames_for_later(tmp_path, crystal):
    """What goes on after step 20 keeps the frames up to there, whatever lies behind, half a frame included."""
    path = tmp_path / "t.h5md"
    with pytest.raises(KeyboardInterrupt), TrajectoryWriter(path, crystal, ARGON, TIMESTEP) as writer:
        for step in (10, 20, 30):
            writer.write(step, *frame(crystal, step))
        raise KeyboardInterrupt
    assert [held.name for held in tmp_path.iterdir()] == ["t.h5md.frames"]
    with open(writer.frames, "ab") as file:
        file.write(b"half of a frame")
    with TrajectoryWriter(path, crystal, ARGON, TIMESTEP, after=20) as writer:
        writer.write(30, *frame(crystal, 31))
    assert [held.name for held in tmp_path.iterdir()] == ["t.h5md"]
    with h5py.File(path) as file:
        position = file["particles/trajectory/position"]
        assert list(position["step"]) == [10, 20, 30]
        wanted = np.array([10, 20, 31]) * ARGON.sigma * 1e10
        assert position["value"][:, 0, 0] == pytest.approx(wanted)
    with pytest.raises(StorageError, match="frames: no such file"):
        TrajectoryWriter(path, crystal, ARGON, TIMESTEP, after=30)


def test_closing_twice_is_closing_once(tmp_path, crystal):
    writer = TrajectoryWriter(tmp_path / "t.h5md", crystal, ARGON, TIMESTEP)
    writer.close()
    writer.close()
    assert [path.name for path in tmp_path.iterdir()] == ["t.h5md"]
    assert read_header(tmp_path / "t.h5md").n_frames == 0


def test_refusals_are_one_line(tmp_path, chain):
    with pytest.raises(ConfigError, match=r"output.trajectory_regions: \[wall\]: .* it has hot, A, B, cold$"):
        TrajectoryWriter(tmp_path / "t.h5md", chain, ARGON, TIMESTEP, regions=["wall"])
    with pytest.raises(StorageError, match="cannot be written"):
        TrajectoryWriter(tmp_path / "none" / "t.h5md", chain, ARGON, TIMESTEP)
    with pytest.raises(StorageError, match="no such file"):
        read_header(tmp_path / "t.h5md")
    (tmp_path / "text").write_text("text")
    with h5py.File(tmp_path / "other.h5md", "w") as file:
        file["x"] = 1.0
    for name in ("text", "other.h5md"):
        with pytest.raises(StorageError, match="not a trajectory of this package") as refusal:
            read_header(tmp_path / name)
        assert "\n" not in str(refusal.value)


def test_names_of_replicas():
    assert [trajectory_name(replica) for replica in (0, 1, 12)] == [
        "trajectory.h5md",
        "trajectory-1.h5md",
        "trajectory-12.h5md",
    ]


@pytest.mark.parametrize("every", [1, 2])
def test_extxyz_reads_back_in_ase(tmp_path, crystal, every):
    frames = write(tmp_path / "t.h5md", crystal)
    assert trajectory_to_extxyz(tmp_path / "t.h5md", tmp_path / "t.extxyz", every) == len(frames[::every])
    images = ase.io.read(tmp_path / "t.extxyz", ":")
    assert len(images) == len(frames[::every])
    for atoms, (step, positions, velocities) in zip(images, frames[::every], strict=True):
        assert atoms.info["step"] == step
        assert atoms.info["time_ps"] == pytest.approx(step * TIMESTEP * TAU, rel=1e-7)
        np.testing.assert_allclose(atoms.positions, positions * ANGSTROM, atol=1e-8)
        v = velocities * ANGSTROM / TAU
        np.testing.assert_allclose(atoms.get_velocities() * 1000 * ase.units.fs, v, rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(atoms.arrays["velo"], v, atol=1e-8)
        np.testing.assert_allclose(atoms.get_masses(), 39.948 * crystal.to_ase().get_masses(), rtol=1e-9)
        assert atoms.get_chemical_symbols() == crystal.to_ase().get_chemical_symbols()
        assert atoms.pbc.tolist() == [False, True, True]
        for name in ("material", "region", "layer"):
            assert atoms.arrays[name].tolist() == crystal.to_ase().arrays[name].tolist()


def test_ase_finds_the_temperature(tmp_path, crystal):
    ((_, _, velocities),) = write(tmp_path / "t.h5md", crystal, n=1)
    trajectory_to_extxyz(tmp_path / "t.h5md", tmp_path / "t.extxyz")
    atoms = ase.io.read(tmp_path / "t.extxyz")
    reduced = (crystal.to_ase().get_masses()[:, None] * velocities**2).sum() / (3 * crystal.n_sites)
    assert atoms.get_temperature() == pytest.approx(119.8 * reduced, rel=1e-6)
