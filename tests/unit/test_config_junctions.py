"""Orientation, lattice constants, periodic ends, disordered interfaces, interlayers, a third material, output."""

import pytest
from configurations import CHAIN, FCC, LJ, changed, only_problem, problems, write

from nemd_core.config import config_hash, dump_config, dynamics_hash, load_config, parse_config
from nemd_core.config_geometry import fit_layer_count, spacings
from nemd_core.errors import ConfigError

LONG = changed(LJ, "structure.length={A: 40, B: 40}")
PERIODIC = changed(LONG, "structure.ends=periodic")
C = "materials.C={mass: 2, epsilon: 1, sigma: 1}"
C_GRADED = "materials.C={epsilon: 1, sigma: 1}"
FILE = "structure.file=mine.extxyz"
PER_SIDE = "structure.lattice_constant={lateral: 1.58, A: 1.6, B: 1.56}"
STIFF = [f"materials.{side}.transverse_stiffness=0.1" for side in "AB"]


@pytest.mark.parametrize(
    ("base", "settings"),
    [
        (LJ, ["structure.lattice_constant=auto"]),
        (LJ, ["structure.lattice_constant=auto", "interaction.potential=lj-harmonic"]),
        (
            LJ,
            ["structure.lattice_constant=auto", "structure.cross_section=[4, 4]"],
        ),  # 4 a = 2 cutoff, by the estimate
        (LJ, [PER_SIDE]),
        (CHAIN, ["structure.lattice_constant={lateral: 1, A: 1.1, B: 1}"]),
        (LJ, ["structure.orientation=110", "baths.walls=3", "structure.cross_section=[5, 4]"]),
        (LJ, ["structure.orientation=111", "structure.cross_section=[5, 3]"]),
        (FCC, ["structure.orientation=110", "structure.cross_section=[3, 2]"]),
        (FCC, ["structure.orientation=111", "structure.cross_section=[3, 2]"]),
        (FCC, ["structure.lattice=bcc", "structure.cross_section=[2, 2]", *STIFF]),
        (FCC, ["structure.lattice=diamond", "structure.cross_section=[1, 1]", *STIFF]),
        (PERIODIC, []),
        (PERIODIC, ["baths.walls=0", PER_SIDE]),
        (CHAIN, ["structure.ends=periodic", "structure.length={A: 29, B: 29}"]),
        (LONG, ["structure.interface={kind: rough, layers: 4, seed: 3}"]),
        (LONG, ["structure.interface={kind: intermixed, layers: 1}"]),
        (LONG, ["structure.interface.plane=species"]),
        (CHAIN, ["structure.interface={kind: intermixed, layers: 2}"]),
        (PERIODIC, ["structure.interface={kind: rough, layers: 4}"]),
        (LONG, ["structure.interlayer={layers: 4}", C]),
        (LONG, ["structure.interlayer={layers: 4, masses: linear}", C_GRADED]),
        (LONG, ["structure.interlayer={layers: 4}", C, "structure.interface.plane=species"]),
        (LJ, [FILE]),
        (LJ, [FILE, C]),
        (LJ, ["structure.interlayer=null", "materials.C=null", "structure.file=null"]),
        (LJ, ["materials.B.symbol=Ar"]),
        (LJ, ["reference={epsilon_K: 120, sigma_angstrom: 3.4, mass_u: 40}"]),
        (LJ, ["output.trajectory_every=10"]),
        (LJ, ["interaction.cross.epsilon=0.2"]),
    ],
)
def test_accepted(base, settings):
    parse_config(changed(base, *settings))


def test_defaults():
    config = parse_config(changed(LJ, C, FILE))
    assert config.reference == "argon" and config.structure.orientation == 100
    assert [getattr(config.materials, name).symbol for name in "ABC"] == ["Ar", "Kr", "Xe"]
    assert (config.structure.interface.kind, config.structure.interface.layers) == ("sharp", 0)
    assert config.structure.interlayer is None and parse_config(LJ).materials.C is None
    assert config.output.trajectory_every == 0
    assert config.output.trajectory_regions == ("wall", "hot", "A", "B", "cold")
    assert (config.baths.walls, parse_config(PERIODIC).baths.walls) == (2, 0)


def test_regions_come_in_one_order():
    config = parse_config(changed(LJ, "output.trajectory_regions=[cold, A]"))
    assert config.output.trajectory_regions == ("A", "cold")


def test_spacings():
    assert spacings(parse_config(LJ)) == (1.58, 1.58, 1.58, 1.0)
    assert spacings(parse_config(changed(LJ, PER_SIDE))) == (1.58, 1.6, 1.56, 1.0)
    config = parse_config(changed(LJ, "structure.lattice_constant=auto", "materials.B.sigma=1.1"))
    lateral, a, b, slack = spacings(config)
    # the relaxed constant of the crystal that is cut and shifted at 2.5 sigma: 1.55 at T = 0, 1.6 at T = 0.3
    assert a / slack < 1.55 and a * slack > 1.6
    assert (b, lateral) == (pytest.approx(1.1 * a), pytest.approx(1.05 * a))


@pytest.mark.parametrize(
    ("setting", "key"),
    [
        ("reference=neon", "reference"),
        ("reference={epsilon_K: 120, mass_u: 40}", "reference.sigma_angstrom"),
        ("reference={epsilon_K: 0, sigma_angstrom: 3.4, mass_u: 40}", "reference.epsilon_K"),
        ("reference={epsilon_K: 120, sigma_angstrom: 3.4, mass_u: 40, name: x}", "reference.name"),
        ("structure.orientation=101", "structure.orientation"),
        ("structure.orientation='110'", "structure.orientation"),
        ("structure.orientation=true", "structure.orientation"),
        ("structure.orientation=[1, 1, 0]", "structure.orientation"),
        ("structure.lattice_constant={lateral: 1.58, A: 1.6}", "structure.lattice_constant.B"),
        ("structure.lattice_constant={lateral: 1.58, A: 1.6, B: auto}", "structure.lattice_constant.B"),
        ("structure.ends=open", "structure.ends"),
        ("structure.file=3", "structure.file"),
        ("structure.file=''", "structure.file"),
        ("structure.file_sha256=abc", "structure.file_sha256"),
        ("structure.interface=rough", "structure.interface"),
        ("structure.interface.kind=smooth", "structure.interface.kind"),
        ("structure.interface.layers=-1", "structure.interface.layers"),
        ("structure.interface.seed=1.5", "structure.interface.seed"),
        ("structure.interface.plane=[A, B]", "structure.interface.plane"),
        ("materials.A.symbol=Zz", "materials.A.symbol"),
        ("materials.A.symbol=X", "materials.A.symbol"),
        ("materials.A.symbol=18", "materials.A.symbol"),
        ("output.trajectory_every=-1", "output.trajectory_every"),
        ("output.trajectory_regions=A", "output.trajectory_regions"),
        ("output.trajectory_regions=[]", "output.trajectory_regions"),
        ("output.trajectory_regions=[A, A]", "output.trajectory_regions"),
        ("output.trajectory_regions=[A, C]", "output.trajectory_regions"),
        ("output=everything", "output"),
    ],
)
def test_wrong_value(setting, key):
    assert only_problem(changed(LJ, setting)).key == key


@pytest.mark.parametrize(
    ("base", "settings", "key"),
    [
        (LJ, ["structure.lattice=sc", "structure.orientation=110"], "structure.orientation"),
        (CHAIN, ["structure.orientation=111"], "structure.orientation"),
        (FCC, ["structure.lattice=diamond", "structure.orientation=111", *STIFF], "structure.orientation"),
        (FCC, ["structure.lattice_constant=auto"], "structure.lattice_constant"),
        (LJ, ["structure.lattice_constant=auto", "structure.lattice=bcc"], "structure.lattice_constant"),
        (
            changed(LJ, "structure.lattice=chain", "baths.walls=3", without=["structure.cross_section"]),
            ["structure.lattice_constant=auto"],
            "structure.lattice_constant",
        ),
        (
            LJ,
            ["structure.lattice_constant=auto", "structure.cross_section=[3, 6]"],
            "structure.cross_section",
        ),
        (LJ, ["structure.lattice_constant=auto", "interaction.cutoff=1.05"], "interaction.cutoff"),
        (
            LJ,
            [PER_SIDE, "interaction.cutoff=1.125"],
            "interaction.cutoff",
        ),  # reaches A's neighbours, but not B's
        (LJ, ["structure.orientation=110"], "baths.walls"),
        (
            LJ,
            ["structure.orientation=110", "baths.walls=3", "structure.cross_section=[4, 4]"],
            "structure.cross_section",
        ),
        (LJ, ["structure.orientation=111", "structure.cross_section=[5, 2]"], "structure.cross_section"),
        (FCC, ["structure.orientation=110", "structure.cross_section=[2, 2]"], "structure.cross_section"),
        (PERIODIC, ["baths.walls=2"], "baths.walls"),
        (PERIODIC, ["baths.hot.length=7"], "baths.hot.length"),
        (PERIODIC, ["baths.cold.length=42"], "baths.cold.length"),
        (PERIODIC, ["baths.cold.length=24"], "fit.skip_bath"),
        (PERIODIC, ["structure.interface.plane=species"], "structure.interface.plane"),
        (PERIODIC, ["interaction.potential=lj-harmonic"], "structure.ends"),
        (
            PERIODIC,
            [
                "structure.orientation=110",
                "structure.cross_section=[14, 10]",
                "interaction.cutoff=7.5",
                "structure.length={A: 7, B: 6}",
                "baths.hot.length=1",
                "baths.cold.length=2",
                "fit={skip_bath: 0, skip_interface: 0}",
            ],
            "structure.length.A",
        ),
        (LJ, ["structure.interface.layers=2"], "structure.interface.layers"),
        (LJ, ["structure.interface.kind=rough"], "structure.interface.layers"),
        (LJ, ["structure.interface={kind: rough, layers: 66}"], "structure.interface.layers"),
        (LJ, ["structure.interface={kind: rough, layers: 28}"], "fit.skip_bath"),
        (LJ, ["structure.interlayer={layers: 66}", C], "structure.interlayer.layers"),
        (CHAIN, ["structure.interface={kind: rough, layers: 2}"], "structure.interface.kind"),
        (LJ, ["structure.interface={kind: intermixed, layers: 2}", FILE], "structure.interface.kind"),
        (
            LJ,
            ["structure.interface={kind: rough, layers: 2}", "structure.interlayer={layers: 2}", C],
            "structure.interface.kind",
        ),
        (LJ, ["structure.interlayer={layers: 2}", C, FILE], "structure.interlayer"),
        (LJ, ["structure.interlayer={layers: 2}"], "materials.C"),
        (LJ, ["structure.interlayer=3", C], "structure.interlayer"),
        (LJ, ["structure.interlayer={layers: 0}", C], "structure.interlayer.layers"),
        (LJ, ["structure.interlayer={layers: 2}", "materials.C=3"], "materials.C"),
        (LJ, [C], "materials.C"),
        (LJ, ["structure.interlayer={layers: 2}", C_GRADED], "materials.C.mass"),
        (LJ, ["structure.interlayer={layers: 2, masses: linear}", C], "materials.C.mass"),
        (LJ, [FILE, C_GRADED], "materials.C.mass"),
        (LJ, [FILE, "materials.C={mass: 1, sigma: 1}"], "materials.C.epsilon"),
        (LJ, [FILE, C, "materials.C.stiffness=1"], "materials.C.stiffness"),
        (LJ, ["output.trajectory_every=15"], "output.trajectory_every"),
    ],
)
def test_keys_that_do_not_fit_together(base, settings, key):
    assert {problem.key for problem in problems(changed(base, *settings))} == {key}


def test_the_bath_in_the_middle_says_what_lengths_fit():
    assert "must be even" in only_problem(changed(PERIODIC, "baths.hot.length=7")).allowed
    odd = changed(PERIODIC, "structure.length.A=41")
    assert "must be odd" in only_problem(odd).allowed


@pytest.mark.parametrize("key", ["structure.interface", "structure.interlayer"])
def test_a_zone_that_reaches_the_baths_says_how_thick_it_may_be(key):
    """16 cells, 32 layers, are free on either side; an odd layer more is on B's."""
    rough = ["structure.interface.kind=rough"] if key == "structure.interface" else [C]
    found = problems(changed(LJ, f"{key}.layers=70", *rough))
    assert {problem.key for problem in found} == {f"{key}.layers"}
    assert [problem.allowed.split(":")[0] for problem in found] == [
        "must be at most 65",
        "must be at most 64",
    ]


def test_the_fit_leaves_out_the_interface_zone():
    def layers(*settings):
        config = parse_config(changed(LONG, *settings))
        return fit_layer_count(config, "A"), fit_layer_count(config, "B")

    free = 2 * (40 - 2 - 6 - 4 - 4)
    assert layers() == (free, free)
    assert layers("structure.interface={kind: rough, layers: 5}") == (free - 2, free - 3)
    assert layers("structure.interlayer={layers: 4}", C) == (free - 2, free - 2)
    # no walls, and the bath splits what is left of a side
    free = 2 * ((40 - 6) // 2 - 4 - 4)
    assert layers("structure.ends=periodic") == (free, free)


@pytest.mark.parametrize(
    ("base", "settings"),
    [
        (LJ, [PER_SIDE, "reference=krypton", "output.trajectory_regions=[A, B]"]),
        (LJ, ["structure.lattice_constant=auto", "structure.orientation=111"]),
        (PERIODIC, ["reference={epsilon_K: 120, sigma_angstrom: 3.4, mass_u: 40}"]),
        (LONG, ["structure.interlayer={layers: 4, masses: geometric}", C_GRADED]),
        (LONG, ["structure.interface={kind: intermixed, layers: 4, plane: species}"]),
    ],
)
def test_configs_survive_dumping(tmp_path, base, settings):
    config = parse_config(changed(base, *settings))
    again = load_config(write(tmp_path / "dump.yaml", dump_config(config)))
    assert again == config and config_hash(again) == config_hash(config)


def test_what_changes_the_run():
    variants = [
        [],
        ["structure.ends=periodic"],
        ["structure.lattice_constant=auto"],
        [PER_SIDE],
        ["structure.interface={kind: rough, layers: 4}"],
        ["structure.interface={kind: rough, layers: 4, seed: 2}"],
        ["structure.interface={kind: intermixed, layers: 4}"],
        ["structure.interlayer={layers: 4}", C],
        ["structure.interlayer={layers: 4, masses: linear}", C_GRADED],
        ["structure.interlayer={layers: 4}", C, "materials.C.mass=3"],
    ]
    configs = [parse_config(changed(LONG, *settings)) for settings in variants]
    assert len({config_hash(config) for config in configs}) == len(variants)
    assert len({dynamics_hash(config) for config in configs}) == len(variants)


def test_only_the_fit_separates_the_two_hashes():
    config = parse_config(LJ)
    assert config_hash(config) != dynamics_hash(config)
    for setting in (
        "fit.skip_bath=3",
        "name=other",
        "reference=xenon",
        "output.trajectory_every=10",
        "run.threads=7",
    ):
        assert dynamics_hash(parse_config(changed(LJ, setting))) == dynamics_hash(config)
    assert config_hash(parse_config(changed(LJ, "fit.skip_bath=3"))) != config_hash(config)
    assert dynamics_hash(parse_config(changed(LJ, "run.seed=3"))) != dynamics_hash(config)


def test_a_file_that_was_never_read_has_no_hash():
    with pytest.raises(ConfigError, match="file_sha256"):
        config_hash(parse_config(changed(LJ, FILE)))
