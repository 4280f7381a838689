"""The report as a file: numbers as text, everything in it, nothing fetched, nothing injected."""

import base64
import json
import re
from dataclasses import asdict
from html.parser import HTMLParser

import pandas as pd
import pytest
import studies

from analysis import plot_study
from analysis.__main__ import main
from analysis.report import describe_reference, write_report
from analysis.report_text import concise, duration, key_markup, unit_markup
from nemd_core.crystals import Crystal
from nemd_core.errors import StorageError
from nemd_core.units import ARGON, QUANTITIES, Reference

VOID = {"meta", "link", "img", "input", "br", "wbr"}


class Page(HTMLParser):
    """Tags with their attributes, text outside script and style, and whether every tag is closed in order."""

    def __init__(self, text: str):
        super().__init__()
        self.tags, self.text, self.open = [], "", []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.text += data

    def find(self, tag, **wanted):
        return [attrs for name, attrs in self.tags if name == tag and wanted.items() <= attrs.items()]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    study_dir = tmp_path_factory.mktemp("results") / "masses"
    runs = studies.make_study(study_dir)
    plot_study(study_dir, formats=("png",))
    return study_dir, runs


@pytest.fixture(scope="module")
def page(study):
    path = write_report(study[0])
    assert path == study[0] / "report.html"
    return Page(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "value, stderr, text",
    [
        (1.2213, 0.0324, "1.221(32)"),
        (-0.5, 0.0996, "−0.50(10)"),
        (112.345, 4.5, "112.3(4.5)"),
        (112.345, 0.996, "112.3(1.0)"),
        (112.345, 45.2, "112(45)"),
        (12345.0, 1234.0, "12300(1200)"),
        (0.0, 0.02, "0.000(20)"),
        (2.4567e-5, 1.52e-6, "2.46(15)×10⁻⁵"),
        (3.2e7, 1.1e6, "3.20(11)×10⁷"),
        (0.001, 25.0, "0(25)"),
        (1.5, 0.0, "1.5"),
        (-1234.567, None, "−1234.6"),
        (0.0, None, "0"),
        (None, None, "–"),
        (float("nan"), 1.0, "–"),
    ],
)
def test_values_with_errors_are_concise(value, stderr, text):
    assert concise(value, stderr) == text


def test_every_unit_of_a_result_has_symbols():
    for quantity in QUANTITIES.values():
        for unit in (quantity.reduced, quantity.field):
            markup = unit_markup(unit)
            assert not re.search(r"[\^ ]|sigma|epsilon|tau|k_B", markup)
    assert unit_markup("tau sigma^2/k_B") == "τ\u00a0σ²/k<sub>B</sub>"
    assert unit_markup("<K>") == "&lt;K&gt;"


def test_durations_and_keys():
    texts = [duration(seconds) for seconds in (None, 0.04, 59.94, 59.96, 200.0, 7500.0)]
    assert texts == ["–", "0.0 s", "59.9 s", "1 min 0 s", "3 min 20 s", "2 h 5 min"]
    assert key_markup("materials.B.<i>") == "materials.<wbr>B.<wbr>&lt;i&gt;"


def test_a_reference_without_a_name_is_described():
    assert describe_reference(ARGON.summary()) == "argon"
    custom = Reference.of("custom", 100.0, 3.0, 40.0).summary()
    assert describe_reference(custom) == "ε/k_B = 100 K, σ = 3 Å, m = 40 u"


def test_nothing_is_fetched(page, study):
    sources = [attrs["src"] for _, attrs in page.tags if "src" in attrs]
    targets = [attrs["href"] for _, attrs in page.tags if "href" in attrs]
    assert sources and all(source.startswith("data:image/png;base64,") for source in sources)
    assert all(base64.b64decode(source.partition(",")[2]).startswith(b"\x89PNG") for source in sources)
    assert all(target.startswith(("#", "data:")) for target in targets)
    text = (study[0] / "report.html").read_text()
    assert "http://" not in text and "https://" not in text
    assert not re.search(r"@import|url\(|fetch\(|XMLHttpRequest|srcset", text)
    policy = page.find("meta", **{"http-equiv": "Content-Security-Policy"})[0]["content"]
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert "unsafe" not in policy


def test_every_run_is_there(page, study):
    study_dir, runs = study
    ids = {attrs["id"] for _, attrs in page.tags if "id" in attrs}
    rows = [attrs for attrs in page.find("tr") if "data-state" in attrs]
    assert [row["data-state"] for row in rows] == ["trusted"] * 4 + ["untrusted", "failed"]
    for run in runs["run"]:
        assert page.find("a", href=f"#run-{run}") and f"run-{run}" in ids
        assert f"results/masses/{run}/config.yaml -o {run}" in page.text
    assert studies.FAILURE in page.text
    assert "6 runs over materials.B.mass (8, 4, 2) and interaction.cross.stiffness" in page.text
    assert "4 of 6" in page.text and "1 not trusted, 1 failed" in page.text
    for analysed in runs["run"][:5]:
        fields = json.loads((study_dir / analysed / "interface.json").read_text())
        assert all(check["message"] in page.text for check in fields["checks"])
        assert concise(fields["R_K"], fields["R_K_stderr"]) in page.text
        for number in fields["si"].values():
            assert concise(number["value"], number["stderr"]) in page.text


def test_images_are_described_and_sized(page):
    images = page.find("img")
    assert len(images) == 2 + 2 * 5  # sweep and map; profile and running R_K of each analysed run
    for image in images:
        assert image["alt"] and int(image["width"]) > 100 and int(image["height"]) > 100
        assert image["loading"] == "lazy"


def test_provenance(page, study):
    study_dir, _ = study
    assert "snakemake --cores 2 --configfile configs/masses.yaml" in page.text
    info = json.loads((study_dir / study[1]["run"][0] / "run.json").read_text())
    assert info["git_revision"] in page.text and info["config_hash"] in page.text
    assert "numba" in page.text and "11.4 million atom-steps/s" in page.text
    assert "transverse_stiffness: 0.2" in page.text


def test_the_copy_of_the_study_file_is_shown(study, tmp_path):
    study_dir, _ = study
    copy = study_dir / "masses.yaml"
    copy.write_text("# <masses> & more\nunits: lj\n")
    try:
        text = write_report(study_dir, tmp_path / "other.html").read_text()
    finally:
        copy.unlink()
    assert "# &lt;masses&gt; &amp; more\nunits: lj" in text


def test_relaxed_crystals_come_with_the_stress_that_is_left(study, tmp_path):
    study_dir, runs = study
    crystal = Crystal("axial", "fcc", 111, 2.0, 1.0, 2.5, "force-shift", 0.0, (1.0, 1.0))
    result = asdict(crystal) | {"lattice_constant": 1.5496, "stderr": 2e-4, "spacing": 1.5495}
    path = study_dir / runs["run"][0] / "crystals.json"
    path.write_text(json.dumps({"axial-0": result | {"stress": -0.0012, "stress_stderr": 0.0021}}))
    try:
        text = Page(write_report(study_dir, tmp_path / "other.html").read_text()).text
    finally:
        path.unlink()
    assert "Relaxed fcc [111], axial, ε 2, σ 1" in text
    assert "lattice constant 1.54960(20) σ₀ at T = 0; stress −0.0012(21) ε₀/σ₀³ at 1.5495 σ₀" in text


def test_no_file_can_inject_markup(tmp_path):
    attack = '</script></title><script>alert(1)</script><img src=x onerror="alert(2)">\'&'
    study_dir = tmp_path / '<b onclick="x">&amp;'
    run = studies.write_run(study_dir, 0, failure=attack)
    (study_dir / run / "config.yaml").write_text(f"# {attack}\n")
    pd.DataFrame({"run": [run, attack], attack: [attack, attack]}).to_csv(study_dir / "runs.csv", index=False)
    page = Page(write_report(study_dir).read_text(encoding="utf-8"))
    assert len(page.find("script")) == 1 and not page.find("img") and not page.find("b")
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
    assert page.text.count(attack) >= 5


def test_two_interfaces_are_listed_each_and_the_running_figure_is_drawn_if_missing(tmp_path):
    study_dir = tmp_path / "periodic"
    run = studies.write_run(study_dir, 0, ends="periodic")
    (study_dir / "runs.csv").write_text(f"run\n{run}\n")
    profile, stand_in = (image["src"] for image in Page(write_report(study_dir).read_text()).find("img"))
    assert profile == stand_in
    (study_dir / run / "running.png").unlink()
    page = Page(write_report(study_dir).read_text())
    assert page.find("img")[0]["src"] == profile != page.find("img")[1]["src"]
    assert not (study_dir / run / "running.png").exists()
    fields = json.loads((study_dir / run / "interface.json").read_text())
    assert "1 run, nothing swept." in page.text
    assert "Interface 1 of 2" in page.text and "Interface 2 of 2" in page.text
    for interface in fields["interfaces"]:
        assert concise(interface["R_K"], interface["R_K_stderr"]) in page.text


def test_of_keys_walked_together_the_first_has_a_column(study, tmp_path):
    study_dir, runs = study
    walked = runs.assign(**{"structure.length.A": 10 * runs["materials.B.mass"].astype(int)})
    original = (study_dir / "runs.csv").read_text()
    walked.to_csv(study_dir / "runs.csv", index=False)
    try:
        page = Page(write_report(study_dir, tmp_path / "other.html").read_text())
    finally:
        (study_dir / "runs.csv").write_text(original)
    assert "and along with that structure.length.A." in page.text
    assert page.text.count("With length.A = 80") == 2 and page.text.count("length.A = ") == 6
    assert (
        len(page.find("button", type="button")) - 2 == 3 + 5 + 2
    )  # run, two keys; results; time and verdict
    assert "structure.length.A=80" in page.find("tr", **{"data-state": "trusted"})[0]["data-search"]


def test_seeds_are_pooled(tmp_path):
    study_dir = tmp_path / "seeds"
    rows = []
    for number, (mass, seed) in enumerate([(2, 1), (2, 2), (4, 1), (4, 2)]):
        rows.append((studies.write_run(study_dir, number, mass, seed=seed), mass, seed))
    pd.DataFrame(rows, columns=["run", "materials.B.mass", "run.seed"]).to_csv(
        study_dir / "runs.csv", index=False
    )
    text = write_report(study_dir).read_text()
    page = Page(text)
    assert page.find("table", id="pooled")
    body = text[text.index('id="pooled"') :]
    pooled = Page(body[body.index("<tbody>") : body.index("</tbody>") + len("</tbody>")])
    assert len(pooled.find("tr")) == 2
    values = [json.loads((study_dir / run / "interface.json").read_text())["R_K"] for run, *_ in rows[:2]]
    cells = [attrs["data-value"] for attrs in pooled.find("td")]
    assert cells[:2] == ["2.0", "2.0"]
    assert float(cells[2]) == pytest.approx(sum(values) / 2)
    assert "one standard error" in page.text


def test_unresolved_numbers_come_with_their_reason(tmp_path):
    study_dir = tmp_path / "still"
    run = studies.write_run(study_dir, 0, flux=0.0, delta_T=0.0)
    (study_dir / "runs.csv").write_text(f"run\n{run}\n")
    page = Page(write_report(study_dir).read_text())
    fields = json.loads((study_dir / run / "interface.json").read_text())
    assert fields["R_K"] is None
    assert f"not resolved: {fields['unresolved']['R_K']}" in page.text


def test_a_case_that_is_not_trusted_says_so_at_the_top(tmp_path):
    study_dir = tmp_path / "one"
    run = studies.write_run(study_dir, 0, T_shift=0.1)
    (study_dir / "runs.csv").write_text(f"run\n{run}\n")
    text = write_report(study_dir).read_text()
    top = Page(text[text.index("<dl") : text.index("</dl>") + len("</dl>")])
    fields = json.loads((study_dir / run / "interface.json").read_text())
    failed = [check["name"].replace("_", " ") for check in fields["checks"] if not check["passed"]]
    assert failed and top.text.count(f"not trusted: {', '.join(failed)}") == 4  # R_K, G, the jump, the flux


def test_the_command_line_writes_it(study, capsys):
    assert main(["report", str(study[0])]) == 0
    assert capsys.readouterr().out == f"{study[0]}/report.html\n"
    assert main(["report", str(study[0] / study[1]["run"][0])]) == 2
    assert "holds no study; it is a run: use fit or plot" in capsys.readouterr().err


def test_a_directory_without_a_study_is_refused(tmp_path):
    with pytest.raises(StorageError, match=r"runs\.csv: no such file"):
        write_report(tmp_path)
    assert not list(tmp_path.iterdir())
