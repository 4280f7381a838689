"""The notebooks run from their first cell to their last, the long ones shortened, and are committed without outputs."""

from pathlib import Path

import nbformat
import pytest
import studies
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[2] / "analysis" / "notebooks"


@pytest.fixture(autouse=True)
def figures_inline(monkeypatch):
    """The kernel shows figures in the notebook unless another backend is asked for, as the tests do."""
    monkeypatch.delenv("MPLBACKEND", raising=False)


def execute(name: str, long=None, short=None):
    """Run a notebook where it stands; a cell that fails raises with its traceback. Returns it with its outputs.

    long: what one of its cells asks for; short: what is run in its place.
    """
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    if long:
        (cell,) = (cell for cell in notebook.cells if cell.cell_type == "code" and long in cell.source)
        cell.source = cell.source.replace(long, short)
    client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(NOTEBOOKS)}})
    return client.execute()


def texts(notebook) -> str:
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return "".join(output.get("text", "") for output in outputs)


def n_figures(notebook) -> int:
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return sum("image/png" in output.get("data", {}) for output in outputs)


def test_paper_figure(tmp_path, monkeypatch):
    studies.make_study(tmp_path / "masses")
    monkeypatch.setenv("NEMD_STUDY", str(tmp_path / "masses"))
    notebook = execute("paper_figure")
    assert (tmp_path / "masses" / "paper_figure.pdf").read_bytes().startswith(b"%PDF")
    assert "argon" in texts(notebook)
    assert n_figures(notebook) == 2


def test_exact_chain():
    notebook = execute(
        "exact_chain", '"production_steps": 400000', '"production_steps": 100000'
    )  # compares with the exact flux by itself
    assert "exact 0.19098" in texts(notebook)
    assert n_figures(notebook) == 2


def test_three_resistances():
    notebook = execute(
        "three_resistances", "80, 160, 320]", "80, 160]"
    )  # long baths lead to R_nemd: asserted there
    assert "R_nemd        4.0961" in texts(notebook)
    assert n_figures(notebook) == 1


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_committed_without_outputs(path):
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)
