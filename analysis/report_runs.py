"""What the report says of one run: its row in the table of the study and its section, as data of the template."""

import base64
import io
import json
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from nemd_core.crystals import CRYSTALS
from nemd_core.errors import NemdError
from nemd_core.storage import CONFIG, read_run_info
from nemd_core.units import field_unit, reduced_unit

from .figures import DPI, Scale, new_axes
from .interface import FIGURE
from .plots import plot_running
from .report_text import LABELS, MEANINGS, NOTHING, concise, duration, unit_markup
from .study import Run, load_run
from .tables import DONE, QUANTITIES, SYSTEMATIC, short_names

RUNNING_FIGURE = "running.png"
INTERFACE_QUANTITIES = ("R_K", "delta_T", "J", "T_A", "T_B", "x_interface")
VERDICTS = {"trusted": "trusted", "untrusted": "not trusted", "failed": "failed"}
SCREEN_DPI = 96
CAPTIONS = {
    FIGURE: "Above: layer temperatures; the lines are solid over the layers they were fitted to. "
    "Below: the flux through every plane, and what the baths give and take.",
    RUNNING_FIGURE: "R_K of the first part of the run against how long that part is. "
    "A run that was long enough comes into the band early and stays.",
}


class Numbers:
    """Named results as cells in reduced units and in those of the field.

    `described` is what holds `units` and `reference`: the fields of interface.json, or the attrs of a study's table.
    """

    def __init__(self, described: dict):
        self.si = Scale(described, "si")
        self.known = bool(described["units"])

    def cell(self, fields, name: str, quantity: str | None = None) -> dict:
        """`name` of `fields` with its error if it has one, as a `quantity` (default: as its name says)."""
        quantity = quantity or name
        reduced = [_number(fields.get(key)) for key in (name, f"{name}_stderr")]
        si = [None if number is None else number * self.si(quantity) for number in reduced]
        return {
            "kind": "number",
            "reduced": concise(*reduced),
            "si": concise(*si),
            "value": reduced[0],
            "sort": sort_key(reduced[0]),
            "units": self.units(quantity),
        }

    def error_cell(self, fields, name: str, quantity: str) -> dict:
        """An error of a `quantity` by itself, to two digits."""
        error = _number(fields.get(name))
        texts = {
            system: NOTHING if error is None else f"{factor * error:.2g}"
            for system, factor in (("reduced", 1.0), ("si", self.si(quantity)))
        }
        return texts | {"kind": "number", "sort": sort_key(error)}

    def units(self, quantity: str) -> dict | None:
        """The units of a quantity; None where no run says whether the study is of chains."""
        if not self.known:
            return None
        names = {"reduced": reduced_unit, "si": field_unit}
        return {
            system: unit_markup(unit_of(quantity, self.si.dimensions)) for system, unit_of in names.items()
        }

    def rows(self, fields: dict, names) -> list[dict]:
        """The rows of a table of results: label, meaning, the cell, and why there is no value."""
        rows = []
        for name in names:
            unresolved = fields["unresolved"].get(name)
            row = {"meaning": MEANINGS[name], "number": self.cell(fields, name), "unresolved": unresolved}
            rows.append(row | {"label": LABELS[name]})
            if name == "R_K" and not unresolved:
                rows.append(self.interval(fields["R_K_ci95"]))
                if SYSTEMATIC in fields:  # an interface of two has none of its own
                    rows.append(self.spread(fields))
        return rows

    def interval(self, ends: list[float]) -> dict:
        """The row of the 95 % interval of R_K."""
        texts = {
            system: " to ".join(concise(factor * end) for end in ends)
            for system, factor in (("reduced", 1.0), ("si", self.si("R_K")))
        }
        number = texts | {"units": self.units("R_K")}
        meaning = "confidence interval of R_K"
        return {"label": "95 %", "meaning": meaning, "number": number, "unresolved": None}

    def spread(self, fields: dict) -> dict:
        """The row of what the choice of the fit windows does to R_K."""
        number = self.error_cell(fields, SYSTEMATIC, "R_K") | {"units": self.units("R_K")}
        meaning = "spread of R_K over other fit windows and models"
        return {"label": "± fit window", "meaning": meaning, "number": number, "unresolved": None}


def sort_key(value) -> str:
    """What the script of the page sorts by: empty for what is missing."""
    return "" if _number(value) is None else repr(float(value))


def swept_value(value) -> dict:
    """The cell of a swept value: a number or words."""
    if isinstance(value, (str, bool, np.bool_)):
        return {"kind": "text", "text": str(value), "sort": str(value)}
    return {"kind": "number", "text": f"{value:.10g}", "sort": sort_key(value)}


def describe_point(row: pd.Series, swept: list[str]) -> str:
    """The swept values of a row in words."""
    return ", ".join(f"{name} = {swept_value(row[key])['text']}" for key, name in short_names(swept).items())


def view_run(
    study_dir: Path, row: pd.Series, swept: list[str], others: list[str], numbers: Numbers, limit: str
) -> dict:
    """One run from its row in the table of `load_study`, with all that its directory holds.

    `limit` says of which limits it is a point, empty for a point of the sweep. Only the keys of `swept` have columns in the table of the study; those of `others` stand in the run's section.
    """
    directory = study_dir / row["run"]
    state = "failed" if row["status"] != DONE else "trusted" if row["trusted"] else "untrusted"
    cells = {name: numbers.cell(row, name) for name in QUANTITIES}
    swept_cells = {key: swept_value(row[key]) for key in (*swept, *others)}
    if state == "failed":
        reason = row["status"].removeprefix("failed: ")
    else:
        reason = row["failed_checks"].replace(";", ", ").replace("_", " ")
    wall_time = _number(row["wall_time"])
    view = {
        "name": row["run"],
        "state": state,
        "verdict": VERDICTS[state],
        "reason": reason,
        "point": describe_point(row, swept),
        "limit": limit,
        "others": describe_point(row, others),
        "swept": [swept_cells[key] for key in swept],
        "wall_time": {"kind": "number", "text": duration(wall_time), "sort": sort_key(wall_time)},
        "numbers": cells,
        "results": [cells[name] for name in QUANTITIES],
        **_origin(directory, f"results/{study_dir.name}/{row['run']}"),
    }
    values = (f"{key}={cell['text']}" for key, cell in swept_cells.items())
    view["search"] = " ".join((view["name"], limit, *values, view["verdict"], view["reason"]))
    view["section"] = None if state == "failed" else _section(load_run(directory), view)
    return view


def embed_figure(png: bytes, alt: str, caption: str) -> dict:
    """A PNG figure as data of the page, with a palette in place of true colours: a third of the size."""
    with Image.open(io.BytesIO(png)) as image:
        width, height = (round(pixels * SCREEN_DPI / DPI) for pixels in image.size)
        small = io.BytesIO()
        image.convert("RGB").quantize(256, Image.Quantize.FASTOCTREE).save(small, "PNG")
    data = base64.b64encode(small.getvalue()).decode("ascii")
    return {"data": data, "width": width, "height": height, "alt": alt, "caption": caption}


def _section(run: Run, view: dict) -> dict:
    """What only an analysed run has: figures, numbers, checks."""
    fields = run.interface
    numbers = Numbers(fields)
    of = f"of run {view['name']} ({view['point']}); R_K = {view['numbers']['R_K']['reduced']}"
    alts = {
        FIGURE: f"Layer temperatures, fits, jump and heat fluxes {of}",
        RUNNING_FIGURE: f"Running R_K {of}",
    }
    return {
        "figures": [embed_figure(_read_figure(run, name), alts[name], CAPTIONS[name]) for name in CAPTIONS],
        "rows": numbers.rows(fields, LABELS),
        "samples": f"{fields['n_samples']} samples, worth {fields['n_effective']:.0f} independent ones.",
        "interfaces": _interfaces(fields, numbers),
        "checks": [
            check | {"value": f"{check['value']:.3g}", "limit": f"{check['limit']:.3g}"}
            for check in fields["checks"]
        ],
    }


def _read_figure(run: Run, name: str) -> bytes:
    """A figure of the run's directory; the running R_K is drawn where `analysis plot` has not."""
    path = run.directory / name
    if name != RUNNING_FIGURE or path.is_file():
        return path.read_bytes()
    drawn = io.BytesIO()
    plot_running(run, new_axes(5.2, 3.4)).figure.savefig(drawn, dpi=DPI)
    return drawn.getvalue()


def _interfaces(fields: dict, numbers: Numbers) -> list[dict]:
    """Each interface by itself where there are two; the results above are then of their average."""
    interfaces = fields["interfaces"] if len(fields["interfaces"]) > 1 else []
    return [
        {
            "title": f"Interface {i} of {len(interfaces)}",
            "rows": numbers.rows(interface, INTERFACE_QUANTITIES),
        }
        for i, interface in enumerate(interfaces, 1)
    ]


def _origin(directory: Path, published: str) -> dict:
    """How a run was made, as far as its directory tells; `published` is its path below the project."""
    config = directory / CONFIG
    try:
        info = read_run_info(directory)
    except NemdError:  # it never began: its status says so
        info = {}
    command = ["python", "-m", "nemd_core", "run", f"{published}/{CONFIG}", "-o", directory.name]
    return {
        "config": config.read_text(encoding="utf-8") if config.is_file() else "",
        "command": shlex.join(command),
        "provenance": _describe_origin(info) + _describe_crystals(directory / CRYSTALS),
    }


def _describe_origin(info: dict) -> list[tuple[str, str]]:
    """What `run.json` says of version, machine, length and speed, as pairs for a reader."""
    hardware = info.get("hardware", {})
    speed = info.get("atom_steps_per_s")
    pairs = {
        "Package": info.get("version"),
        "Git revision": info.get("git_revision"),
        "Python": hardware.get("python"),
        "Hardware": ", ".join(
            [str(hardware[name]) for name in ("processor", "machine") if hardware.get(name)]
            + [f"{hardware[name]} {name}" for name in ("cores",) if hardware.get(name)]
        ),
        "Threads": info.get("threads"),
        "Seed": info.get("seed"),
        "Replicas": info.get("replicas"),
        "Atoms": info.get("atoms"),
        "Steps": info.get("steps"),
        "Wall time": duration(info["wall_time"]) if info.get("wall_time") else None,
        "Speed": f"{speed / 1e6:.3g} million atom-steps/s" if speed else None,
        "Config hash": info.get("config_hash"),
    }
    return [(name, str(value)) for name, value in pairs.items() if value not in (None, "")]


def _describe_crystals(path: Path) -> list[tuple[str, str]]:
    """What `lattice_constant: auto` came to: each crystal with its spacing and the stress that is left."""
    if not path.is_file():
        return []
    pairs = []
    for crystal in json.loads(path.read_text(encoding="utf-8")).values():
        direction = f" [{crystal['orientation']}]" if crystal["orientation"] else ""
        substance = f"ε {crystal['epsilon']:g}, σ {crystal['sigma']:g}"
        constant = concise(crystal["lattice_constant"], crystal["stderr"])
        stress = concise(crystal["stress"], crystal["stress_stderr"])
        name = f"Relaxed {crystal['lattice']}{direction}, {crystal['kind']}, {substance}"
        value = (
            f"lattice constant {constant} σ₀ at T = {crystal['temperature']:g}; "
            f"stress {stress} ε₀/σ₀³ at {crystal['spacing']:.6g} σ₀"
        )
        pairs.append((name, value))
    return pairs


def _number(value) -> float | None:
    return None if value is None or pd.isna(value) else float(value)
