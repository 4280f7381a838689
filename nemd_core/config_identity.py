"""What tells one run from another: hashes of the resolved configuration, and its text in a run's directory."""

import hashlib
import json
from collections.abc import Collection

import yaml

from nemd_core.errors import ConfigError, Problem

NOT_IN_HASH = ("name", "reference", "output", "theory", "run.threads", "run.checkpoint_seconds")
"""Keys and sections that cannot change a result."""
NOT_IN_DYNAMICS = (*NOT_IN_HASH, "fit")
"""Those that cannot change the trajectory of a run of given length."""
STRUCTURE_INPUT = "input.extxyz"
"""The copy of `structure.file` in a run's directory."""


def config_hash(config) -> str:
    """Return the sha256 (hex) of the resolved config without what cannot change a result."""
    return _hash(config, NOT_IN_HASH)


def dynamics_hash(config) -> str:
    """Return the sha256 (hex) of what determines the trajectory: the same for two runs that only fit differently.

    Not so with `run.until`: the error of R_K, and with it the fit, decides when such a run ends.
    """
    return _hash(config, NOT_IN_HASH if config.run.until else NOT_IN_DYNAMICS)


def crystal_twin(config):
    """Return the config of the same junction with forces lattice, from whose atoms a run with forces verlet may start.

    None where there is none, or the config is that.
    """
    if config.run.forces != "verlet":
        return None
    return config.model_copy(
        update={"run": config.run.model_copy(update={"forces": "lattice", "skin": None})}
    )


def run_id(config) -> str:
    """Return the name of the run's directory: `r-` and the first ten digits of the hash."""
    return f"r-{config_hash(config)[:10]}"


def dump_config(config) -> str:
    """Return the resolved config as YAML with every default filled in, as it stands in a run's directory.

    Reading it there gives the same hash; `structure.file` is the copy beside it.
    """
    data = config.model_dump(mode="json", exclude_none=True)
    if "file" in data["structure"]:
        data["structure"]["file"] = STRUCTURE_INPUT
    if config.theory is None:  # said, as without the key there is a theory
        data["theory"] = None
    return yaml.safe_dump(data, sort_keys=False, default_flow_style=None)


def _hash(config, without: Collection[str]) -> str:
    data = config.model_dump(mode="json", exclude_none=True)
    if data["structure"].pop("file", None) and "file_sha256" not in data["structure"]:
        raise ConfigError(
            [
                Problem(
                    "structure.file_sha256",
                    "missing",
                    "must be the sha256 of structure.file; load_config fills it in",
                )
            ]
        )
    for path in without:
        section, _, leaf = path.rpartition(".")
        (data[section] if section else data).pop(leaf, None)
    if isinstance(data.get("fit"), dict) and data["fit"]["model"] == "linear":
        del data["fit"]["model"]  # a key that came later: runs from before it are found again
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
