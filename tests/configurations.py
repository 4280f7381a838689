"""Small sound configurations as plain data, ways to change them, and the problems that come back."""

import copy

import pytest
import yaml

from nemd_core.config import load_study, parse_config
from nemd_core.config_yaml import get_path, parse_overrides, set_path
from nemd_core.errors import ConfigError

LJ = yaml.safe_load("""
units: lj
structure: {lattice: fcc, lattice_constant: 1.58, cross_section: [6, 6], length: {A: 24, B: 24}}
materials:
  A: {mass: 1.0, epsilon: 1.0, sigma: 1.0}
  B: {mass: 4.0, epsilon: 1.0, sigma: 1.0}
interaction: {potential: lj}
baths: {hot: {temperature: 0.35, length: 6}, cold: {temperature: 0.15, length: 6}}
""")
CHAIN = yaml.safe_load("""
units: lj
structure: {lattice: chain, lattice_constant: 1.0, length: {A: 20, B: 20}}
materials: {A: {mass: 1.0, stiffness: 1.0}, B: {mass: 1.0, stiffness: 1.0}}
interaction: {potential: harmonic}
baths: {hot: {temperature: 1.5, length: 1}, cold: {temperature: 0.5, length: 1}, walls: 0}
run: {timestep: 0.05}
""")
FCC = yaml.safe_load("""
units: lj
structure: {lattice: fcc, lattice_constant: 1.4142, cross_section: [2, 2], length: {A: 14, B: 14}}
materials: {A: {mass: 1.0, stiffness: 1.0}, B: {mass: 4.0, stiffness: 1.0}}
interaction: {potential: harmonic}
baths: {hot: {temperature: 1.5, length: 3}, cold: {temperature: 0.5, length: 3}, walls: 1}
run: {timestep: 0.05}
""")


def changed(base, *settings, without=()):
    """Return a copy of `base` with settings such as `run.seed=3`, and keys removed."""
    data = copy.deepcopy(base)
    for key, value in parse_overrides(settings).items():
        data = set_path(data, key, value)
    for key in without:
        section, _, leaf = key.rpartition(".")
        (get_path(data, section) if section else data).pop(leaf)
    return data


def problems(data):
    """Return the problems of one run's data."""
    with pytest.raises(ConfigError) as caught:
        parse_config(data)
    lines = str(caught.value).splitlines()
    assert lines == [f"{p.key}: {p.value}: {p.allowed}" for p in caught.value.problems]  # one line each
    assert len(set(lines)) == len(lines)
    return caught.value.problems


def only_problem(data):
    found = problems(data)
    assert len(found) == 1, found
    return found[0]


def study_problems(path):
    with pytest.raises(ConfigError) as caught:
        load_study(path)
    return caught.value.problems


def write(path, data):
    path.write_text(data if isinstance(data, str) else yaml.safe_dump(data, sort_keys=False))
    return path
