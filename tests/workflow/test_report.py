"""The report as its reader meets it: in Chromium, by mouse and keyboard, on a laptop and on a phone.

Debian's `chromium` and `chromium-driver` are driven by Selenium, which downloads nothing as both are given to it.
Without them the tests are skipped, unless REQUIRE_BROWSER=1 says that they must run.
"""

import json
import os
import shutil

import pytest
import studies
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from analysis import load_study, plot_study
from analysis.report import write_report
from analysis.report_text import concise

pytestmark = pytest.mark.browser
LAPTOP, PHONE = (1440, 900), (390, 844)
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()


@pytest.fixture(scope="module")
def study_dir(tmp_path_factory):
    """Six runs over a number and a word; one is not trusted, one failed; the report is written."""
    directory = tmp_path_factory.mktemp("results") / "masses"
    studies.make_study(directory)
    plot_study(directory, formats=("png",))
    write_report(directory)
    return directory


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Chromium without a window, a cache or a past."""
    program, driver = (shutil.which(name) for name in ("chromium", "chromedriver"))
    if not (program and driver):
        missing = "chromium and chromedriver are not installed (Debian: chromium, chromium-driver)"
        pytest.fail(missing) if os.environ.get("REQUIRE_BROWSER") == "1" else pytest.skip(missing)
    options = Options()
    options.binary_location = program
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=Service(driver))
    yield browser
    browser.quit()


@pytest.fixture
def page(browser, study_dir):
    """The report, opened on a laptop; after the test its console must be empty."""
    open_page(browser, study_dir, LAPTOP)
    yield browser
    assert browser.get_log("browser") == []


def open_page(browser, study_dir, size, fragment=""):
    width, height = size
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == PHONE}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.get("about:blank")
    browser.get((study_dir / "report.html").as_uri() + fragment)


def find_all(page, selector):
    return page.find_elements(By.CSS_SELECTOR, selector)


def header(page, name):
    """The heading of the study's table whose button says `name`."""
    return next(
        cell
        for cell in find_all(page, "#study th")
        if cell.find_element(By.TAG_NAME, "button").get_property("textContent") == name
    )


def press(page, name):
    """Click the button of a heading and return how the column is then sorted."""
    cell = header(page, name)
    cell.find_element(By.TAG_NAME, "button").click()
    return cell.get_attribute("aria-sort")


def column(page, name):
    """Texts of a column, from top to bottom, of the rows that are shown."""
    return page.execute_script(
        """const shown = [...document.querySelectorAll('#study tbody tr')].filter((row) => row.getClientRects().length);
           return shown.map((row) => row.cells[arguments[0].cellIndex].innerText.trim());""",
        header(page, name),
    )


def wait(page, condition):
    return WebDriverWait(page, 10).until(condition)


def test_it_opens_without_errors_and_fetches_nothing(page):
    assert page.title.startswith("masses")
    fetched = page.execute_script(
        "return performance.getEntriesByType('resource').map((entry) => entry.name)"
    )
    assert [name for name in fetched if not name.startswith("data:")] == []
    assert len(find_all(page, "#study tbody tr")) == 6
    assert page.find_element(By.ID, "count").text == "6 of 6 runs shown"
    verdicts = column(page, "Verdict")
    assert verdicts[:4] == ["trusted"] * 4
    assert verdicts[4:] == ["not trusted: bath temperatures", f"failed: {studies.FAILURE}"]


def test_all_images_load(page):
    page.find_element(By.ID, "open-all").click()
    images = find_all(page, "img")
    assert len(images) == 12
    for image in images:
        page.execute_script("arguments[0].scrollIntoView({block: 'center'})", image)
        wait(
            page,
            lambda _, image=image: image.get_property("complete") and image.get_property("naturalWidth") > 0,
        )
        ratios = [image.get_property(f"natural{side}") for side in ("Width", "Height")]
        shown = image.size
        assert shown["width"] / shown["height"] == pytest.approx(ratios[0] / ratios[1], rel=0.02)


def test_sorting_by_value_and_back(page, study_dir):
    table = load_study(study_dir)
    original = table["run"].tolist()
    assert column(page, "Run") == original
    for name, key in (("RK", "R_K"), ("J", "J"), ("B.mass", "materials.B.mass"), ("Wall time", "wall_time")):
        for order in ("ascending", "descending"):
            assert press(page, name) == order
            by_value = table.sort_values(
                key, ascending=order == "ascending", kind="stable", na_position="last"
            )
            assert column(page, "Run") == by_value["run"].tolist()
        assert press(page, name) == "none"
        assert column(page, "Run") == original


def test_one_column_sorts_at_a_time_and_words_sort_too(page):
    assert press(page, "RK") == press(page, "cross.stiffness") == "ascending"
    assert column(page, "cross.stiffness") == ["arithmetic"] * 3 + ["geometric"] * 3
    orders = [cell.get_attribute("aria-sort") for cell in find_all(page, "#study th")]
    assert orders.count("none") == len(orders) - 1


def test_sorting_by_keyboard(page, study_dir):
    table = load_study(study_dir)
    page.find_element(By.ID, "trusted-only").send_keys(Keys.TAB)  # to the table's own scroll box
    page.switch_to.active_element.send_keys(Keys.TAB)
    for _ in range(3):  # Run, B.mass, cross.stiffness
        page.switch_to.active_element.send_keys(Keys.TAB)
    button = page.switch_to.active_element
    assert button.tag_name == "button" and button.text == "RK"
    outline = page.execute_script("return getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    for key, ascending in ((Keys.ENTER, True), (Keys.SPACE, False)):
        button.send_keys(key)
        assert column(page, "Run") == table.sort_values("R_K", ascending=ascending)["run"].tolist()
        assert page.switch_to.active_element == button


def test_filtering_hides_rows(page, study_dir):
    runs = load_study(study_dir)["run"].tolist()
    box, count = page.find_element(By.ID, "filter"), page.find_element(By.ID, "count")
    for text, left in (
        ("mass=8", runs[:2]),
        ("MASS=8 geometric", runs[1:2]),
        (runs[3][2:], runs[3:4]),
        ("not trusted", runs[4:5]),
        ("energy audit", runs[5:]),
        ("no such run", []),
        ("", runs),
    ):
        box.clear()
        box.send_keys(text or Keys.SPACE)
        assert column(page, "Run") == left
        assert count.text == f"{len(left)} of 6 runs shown"
    page.find_element(By.ID, "trusted-only").click()
    assert column(page, "Run") == runs[:4]
    box.send_keys("geometric")
    assert column(page, "Run") == [runs[1], runs[3]]
    press(page, "RK")
    assert column(page, "Run") == [runs[3], runs[1]]  # sorting leaves hidden what is hidden


def test_units_switch_by_the_factor_of_interface_json(page, study_dir):
    fields = [
        json.loads((study_dir / run / "interface.json").read_text())
        for run in load_study(study_dir)["run"][:5]
    ]
    names = {"RK": "R_K", "ΔT": "delta_T", "J": "J", "κA": "kappa_A", "κB": "kappa_B"}
    reduced = {text: column(page, text) for text in names}
    for text, name in names.items():
        assert reduced[text] == [concise(f[name], f[f"{name}_stderr"]) for f in fields] + ["–"]
    assert header(page, "RK").text.endswith("τ σ²/kB")
    smallest = find_all(page, ".facts .figure")[1]
    assert smallest.text.endswith("τ σ²/kB")

    find_all(page, "input[name=units]")[0].send_keys(Keys.ARROW_RIGHT)
    assert header(page, "RK").text.endswith("m² K/GW")
    for text, name in names.items():
        si = [f["si"][name] for f in fields]
        shown = column(page, text)
        assert shown == [concise(number["value"], number["stderr"]) for number in si] + ["–"]
        factor = si[0]["value"] / fields[0][name]
        assert number_of(shown[0]) / number_of(reduced[text][0]) == pytest.approx(factor, rel=0.02)
    trusted = [f["si"]["R_K"] for f in fields[:4]]
    least = min(trusted, key=lambda number: number["value"])
    assert smallest.text.startswith(concise(least["value"], least["stderr"])) and smallest.text.endswith(
        "m² K/GW"
    )

    find_all(page, "input[name=units]")[1].send_keys(Keys.ARROW_LEFT)
    assert {text: column(page, text) for text in names} == reduced


def number_of(text):
    return float(text.partition("(")[0].replace("−", "-"))


def test_a_row_leads_to_its_run(page):
    link = find_all(page, "#study tbody a")[4]
    name = link.text
    link.click()
    section = page.find_element(By.ID, f"run-{name}")
    wait(page, lambda _: section.get_property("open"))
    assert not find_all(page, "details.run")[0].get_property("open")
    words = [cell.text for cell in section.find_elements(By.CSS_SELECTOR, ".checks .state")]
    assert sorted(words) == ["failed"] + ["passed"] * (len(words) - 1)
    icons = page.execute_script(
        "return [...arguments[0].querySelectorAll('.checks .state')].map((e) => getComputedStyle(e, '::before').content)",
        section,
    )
    assert [icon.strip('"') for icon in icons] == ["✗" if word == "failed" else "✓" for word in words]
    summary = section.find_element(By.TAG_NAME, "summary")
    summary.send_keys(Keys.ENTER)
    wait(page, lambda _: not section.get_property("open"))
    link.click()  # the same address once more
    wait(page, lambda _: section.get_property("open"))
    page.find_element(By.ID, "close-all").click()
    assert not any(section.get_property("open") for section in find_all(page, "details.run"))


def test_an_address_with_a_run_opens_it(page, study_dir):
    name = load_study(study_dir)["run"].iloc[3]
    open_page(page, study_dir, LAPTOP, f"#run-{name}")
    assert page.find_element(By.ID, f"run-{name}").get_property("open")


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
@pytest.mark.parametrize("units", ["reduced", "si"])
def test_nothing_overflows_the_page(page, study_dir, size, units):
    open_page(page, study_dir, size)
    page.find_element(By.ID, "open-all").click()
    page.find_element(By.CSS_SELECTOR, f"input[value={units}]").click()
    page.execute_script("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
    root = page.find_element(By.TAG_NAME, "html")
    assert page.execute_script("return innerWidth") == size[0]
    assert root.get_property("scrollWidth") == root.get_property("clientWidth") <= size[0]
    beyond = page.execute_script(
        """return [...document.querySelectorAll('body *')].filter((element) =>
             !element.closest('.scroll, pre, .skip') && element.getBoundingClientRect().right > innerWidth
           ).map((element) => element.outerHTML.slice(0, 80))"""
    )
    assert beyond == []


def test_printing_opens_every_run(page):
    page.print_page()
    wait(page, lambda _: all(section.get_property("open") for section in find_all(page, "details.run")))
