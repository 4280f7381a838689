"""Layer temperatures through MDAnalysis: of our trajectories, of LAMMPS dumps, and those that the run itself measured."""

import MDAnalysis
import numpy as np
import pytest
from junctions import CHAIN, LJ, configure
from scipy.constants import atomic_mass, k

from analysis.trajectory import LayerTemperature, open_lammps_dump, open_trajectory
from nemd_core import StorageError, build, read_samples, run
from nemd_core.config import parse_config
from nemd_core.trajectory import TrajectoryWriter, read_header
from nemd_core.units import ARGON

# MDAnalysis warns a lot; none of it may reach somebody who only opens a file
pytestmark = pytest.mark.filterwarnings("error")

TIMESTEP, N_FRAMES = 0.005, 4


def write(path, system, n_frames=N_FRAMES, **options):
    """A trajectory of random frames with frozen walls; returns positions and velocities, (frame, site, component)."""
    rng = np.random.default_rng(1)
    shape = (n_frames, system.n_sites, system.lattice.dimensions)
    moving = system.moving_cell[system.cell_of_site][:, None]
    positions = np.repeat(system.positions[None], n_frames, axis=0)
    positions[..., : shape[2]] += moving * rng.uniform(-0.1, 0.1, shape)
    velocities = moving * rng.standard_normal(shape)
    with TrajectoryWriter(path, system, ARGON, TIMESTEP, **options) as writer:
        for frame in range(n_frames):
            writer.write(10 * frame, positions[frame], velocities[frame])
    return positions, velocities


def layer_temperatures(system, velocities):
    """Sum of m v² of each layer over its degrees of freedom, mean over frames, one layer after the other."""
    T, mass = np.full(system.n_layers, np.nan), system.to_ase().get_masses()
    for layer in np.flatnonzero(system.layer_region != "wall"):
        sites = np.flatnonzero(system.layer_of_site == layer)
        each = [np.sum(mass[sites, None] * frame[sites] ** 2) for frame in velocities]
        T[layer] = np.mean(each) / (velocities.shape[2] * len(sites))
    return T


@pytest.fixture(scope="module")
def crystal():
    return build(configure(LJ))


@pytest.fixture
def trajectory(tmp_path, crystal):
    """A file with its positions and velocities in reduced units."""
    return tmp_path / "trajectory.h5md", *write(tmp_path / "trajectory.h5md", crystal)


# --- opening ---------------------------------------------------------------------------------------------------


def test_mdanalysis_opens_the_file_as_it_is(trajectory, crystal):
    """No topology, no option for units; MDAnalysis guesses types where it has none, we do not."""
    path, positions, velocities = trajectory
    universe = MDAnalysis.Universe(str(path), to_guess=())
    length, time = ARGON.unit("length") * 1e10, ARGON.unit("time") * 1e12
    assert len(universe.atoms) == crystal.n_sites and len(universe.trajectory) == N_FRAMES
    np.testing.assert_allclose(universe.dimensions[:3], length * 1.58 * np.array([12, 3, 3]), rtol=1e-6)
    for frame, ts in enumerate(universe.trajectory):
        assert ts.time == pytest.approx(10 * frame * TIMESTEP * time, rel=1e-12)
        scale = length * crystal.layer_x.max()  # single precision: about 1e-7 of the largest
        np.testing.assert_allclose(ts.positions, positions[frame] * length, rtol=1e-6, atol=1e-7 * scale)
        np.testing.assert_allclose(ts.velocities, velocities[frame] * length / time, rtol=1e-6)


def test_universe_knows_layers_regions_and_materials(trajectory, crystal):
    path, *_ = trajectory
    universe, atoms = open_trajectory(path.parent), crystal.to_ase()
    assert universe.atoms.names.tolist() == atoms.get_chemical_symbols()
    assert universe.atoms.types.tolist() == atoms.arrays["material"].tolist()
    assert universe.atoms.resids.tolist() == atoms.arrays["layer"].tolist()
    assert universe.atoms.segids.tolist() == atoms.arrays["region"].tolist()
    np.testing.assert_allclose(universe.atoms.masses, 39.948 * atoms.get_masses(), rtol=1e-12)
    for region in ("wall", "hot", "A", "B", "cold"):
        assert len(universe.select_atoms(f"segid {region}")) == (atoms.arrays["region"] == region).sum()
    assert len(universe.select_atoms("segid A and resid 9")) == crystal.sites_per_layer


def test_replicas_have_files_of_their_own(tmp_path, crystal):
    write(tmp_path / "trajectory.h5md", crystal, n_frames=1)
    write(tmp_path / "trajectory-1.h5md", crystal, n_frames=2)
    assert [len(open_trajectory(tmp_path, replica).trajectory) for replica in (0, 1)] == [1, 2]


def test_what_cannot_be_opened_is_one_line(tmp_path, crystal):
    write(tmp_path / "empty.h5md", crystal, n_frames=0)
    for path, message in (
        (tmp_path, r"trajectory.h5md: no such file; output.trajectory_every > 0 asks for one$"),
        (tmp_path / "empty.h5md", "holds no frames"),
    ):
        with pytest.raises(StorageError, match=message):
            open_trajectory(path)


# --- temperatures ------------------------------------------------------------------------------------------------


def test_temperature_is_the_plain_sum(trajectory, crystal):
    path, positions, velocities = trajectory
    universe, wanted = open_trajectory(path), layer_temperatures(crystal, velocities)
    results = LayerTemperature(universe, reference=ARGON).run().results
    assert results.layers.tolist() == list(range(crystal.n_layers))
    assert results.n_sites.tolist() == [crystal.sites_per_layer] * crystal.n_layers
    np.testing.assert_allclose(results.temperature, wanted, rtol=1e-6)
    assert np.isnan(results.temperature[crystal.layer_region == "wall"]).all()
    x = [positions[:, crystal.layer_of_site == layer, 0].mean() for layer in range(crystal.n_layers)]
    np.testing.assert_allclose(results.x, x, rtol=1e-6, atol=1e-6)

    in_kelvin = LayerTemperature(universe).run().results
    np.testing.assert_allclose(in_kelvin.temperature, 119.8 * wanted, rtol=1e-6)
    np.testing.assert_allclose(in_kelvin.x, 3.405 * np.array(x), rtol=1e-6, atol=1e-5)


def test_only_the_frames_asked_for_count(trajectory, crystal):
    path, _, velocities = trajectory
    analysis = LayerTemperature(open_trajectory(path), reference=ARGON)
    for window in ((0, 2, 1), (1, 4, 2)):
        T = analysis.run(*window).results.temperature
        np.testing.assert_allclose(T, layer_temperatures(crystal, velocities[slice(*window)]), rtol=1e-6)
    assert np.isnan(analysis.run(stop=0).results.temperature).all()


def test_atoms_and_layers_may_be_chosen(trajectory, crystal):
    path, _, velocities = trajectory
    universe, wanted = open_trajectory(path), layer_temperatures(crystal, velocities)
    hot = LayerTemperature(universe.select_atoms("segid hot"), reference=ARGON).run().results
    assert hot.layers.tolist() == np.flatnonzero(crystal.layer_region == "hot").tolist()
    np.testing.assert_allclose(hot.temperature, wanted[hot.layers], rtol=1e-6)

    pairs = np.where(crystal.layer_of_site < 16, crystal.layer_of_site // 2, -1)
    pooled = LayerTemperature(universe, pairs, reference=ARGON).run().results
    assert pooled.layers.tolist() == list(range(8))
    np.testing.assert_allclose(pooled.temperature, wanted[:16].reshape(8, 2).mean(axis=1), rtol=1e-6)


def test_regions_left_out_of_the_file_are_left_out_of_the_profile(tmp_path, crystal):
    _, velocities = write(tmp_path / "t.h5md", crystal, regions=["A", "B"])
    results = LayerTemperature(open_trajectory(tmp_path / "t.h5md"), reference=ARGON).run().results
    assert results.layers.tolist() == np.flatnonzero(np.isin(crystal.layer_region, ["A", "B"])).tolist()
    wanted = layer_temperatures(crystal, velocities)[results.layers]
    np.testing.assert_allclose(results.temperature, wanted, rtol=1e-6)


def test_a_chain_has_one_component(tmp_path):
    chain = build(configure(CHAIN))
    _, velocities = write(tmp_path / "t.h5md", chain)
    universe, wanted = open_trajectory(tmp_path / "t.h5md"), layer_temperatures(chain, velocities)
    T = LayerTemperature(universe, reference=ARGON).run().results.temperature
    np.testing.assert_allclose(T, wanted, rtol=1e-6)
    T = LayerTemperature(universe, reference=ARGON, dimensions=3).run().results.temperature
    np.testing.assert_allclose(T, wanted / 3, rtol=1e-6)


def test_progress_goes_to_standard_error_on_request(trajectory, capsys):
    analysis = LayerTemperature(open_trajectory(trajectory[0]))
    analysis.run()
    assert capsys.readouterr().err == ""
    analysis.run(verbose=True)
    assert f"{N_FRAMES}/{N_FRAMES}" in capsys.readouterr().err


def test_wrong_arguments_are_named(trajectory, crystal):
    universe = open_trajectory(trajectory[0])
    with pytest.raises(ValueError, match=r"^layers: shape \(3,\)"):
        LayerTemperature(universe, layers=np.arange(3))
    with pytest.raises(ValueError, match=r"^layers: .* float64"):
        LayerTemperature(universe, layers=np.zeros(crystal.n_sites))
    with pytest.raises(ValueError, match=r"^units: real: metal or lj"):
        LayerTemperature(universe, units="real")
    with pytest.raises(ValueError, match=r"^reference: "):
        LayerTemperature(universe, units="lj", reference=ARGON)


# --- LAMMPS dumps ------------------------------------------------------------------------------------------------

DUMP = """ITEM: TIMESTEP
0
ITEM: NUMBER OF ATOMS
5
ITEM: BOX BOUNDS pp pp pp
0.0 4.0
0.0 2.0
0.0 2.0
ITEM: ATOMS id type x y z vx vy vz
3 2 1.5 0.0 0.0 0.5 0.0 -0.5
1 1 0.0 0.0 0.0 1.0 2.0 -1.0
5 1 3.0 1.0 1.0 0.0 0.0 0.0
4 2 1.5 1.0 1.0 0.0 1.5 0.0
2 1 0.0 1.0 1.0 -1.0 0.0 1.0
ITEM: TIMESTEP
100
ITEM: NUMBER OF ATOMS
5
ITEM: BOX BOUNDS pp pp pp
0.0 4.0
0.0 2.0
0.0 2.0
ITEM: ATOMS id type x y z vx vy vz
2 1 0.25 1.0 1.0 0.0 0.0 2.0
4 2 1.25 1.0 1.0 0.5 0.5 0.5
5 1 3.0 1.0 1.0 0.0 0.0 0.0
1 1 0.25 0.0 0.0 1.0 0.0 0.0
3 2 1.75 0.0 0.0 1.0 0.0 0.0
"""
"""Two frames of a 0/1, 2/3 and a frozen layer, ids shuffled differently in each."""
LAYERS = np.array([0, 0, 1, 1, 2])
MASSES = {1: 1.0, 2: 4.0}
SUMS = (6 + 2) + (4 + 1), 4 * ((0.5 + 2.25) + (0.75 + 1.0))
"""m v² of the first two layers, both frames."""


@pytest.fixture
def dump(tmp_path):
    (tmp_path / "dump.lammpstrj").write_text(DUMP)
    return tmp_path / "dump.lammpstrj"


def test_lammps_dump_in_reduced_units(dump):
    universe = open_lammps_dump(dump, MASSES, timestep=0.005)
    assert universe.atoms.types.tolist() == ["1", "1", "2", "2", "1"]
    analysis = LayerTemperature(universe, LAYERS, units="lj").run()
    assert analysis.times.tolist() == [0.0, 0.5]
    assert analysis.results.temperature[:2].tolist() == [SUMS[0] / 12, SUMS[1] / 12]
    assert np.isnan(analysis.results.temperature[2])
    assert analysis.results.x.tolist() == [0.125, 1.5, 3.0]
    one = LayerTemperature(universe, LAYERS, units="lj").run(start=1)
    assert one.results.temperature[:2].tolist() == [5 / 6, 7 / 6]


def test_lammps_dump_in_metal_units(dump):
    universe = open_lammps_dump(dump, MASSES)
    T = LayerTemperature(universe, LAYERS).run().results.temperature
    np.testing.assert_allclose(T[:2], np.array(SUMS) / 12 * atomic_mass * 1e4 / k, rtol=1e-12)


def test_lammps_dumps_that_cannot_be_used(dump, tmp_path):
    with pytest.raises(StorageError, match=r"atom types without a mass: 2$"):
        open_lammps_dump(dump, {1: 1.0})
    dump.write_text(DUMP.replace("vx vy vz", "c1 c2 c3"))
    with pytest.raises(StorageError, match="holds no velocities; dump the columns vx vy vz"):
        open_lammps_dump(dump, MASSES)
    dump.write_text("text\n" * 20)
    for path in (dump, tmp_path / "none"):
        with pytest.raises(StorageError, match="not a LAMMPS dump"):
            open_lammps_dump(path, MASSES)


# --- the run itself ----------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("base", [LJ, CHAIN], ids=["crystal", "chain"])
def test_trajectory_with_every_sample_gives_the_temperatures_of_the_run(tmp_path, base):
    """Row by row and as a whole: the frames are the samples, at half-step velocities."""
    config = parse_config({**base, "output": {"trajectory_every": base["run"]["sample_every"]}})
    run(config, tmp_path / "run", progress=False)
    samples = read_samples(tmp_path / "run" / "samples.h5")
    universe = open_trajectory(tmp_path / "run")
    reference = read_header(universe.trajectory.filename).reference
    moving = samples.layers["region"] != "wall"
    per_row = samples.series_steps // config.run.sample_every
    assert len(universe.trajectory) == per_row * len(samples.step)
    analysis = LayerTemperature(universe, reference=reference)
    for row, last_step in enumerate(samples.step):
        T = analysis.run(start=row * per_row, stop=(row + 1) * per_row).results.temperature
        assert universe.trajectory[(row + 1) * per_row - 1].data["step"] == last_step
        np.testing.assert_allclose(T[moving], samples.temperature[0, row, moving], rtol=1e-6)
    results = analysis.run().results
    np.testing.assert_allclose(
        results.temperature[moving], samples.temperature[0].mean(axis=0)[moving], rtol=1e-6
    )
    assert np.isnan(results.temperature[~moving]).all()
