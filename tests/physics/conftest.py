"""The fixture `record` and the option `--validation-table PATH`: see validation.py.

Pytest knows the option if tests/physics is named on its command line.
"""

import pytest
from physics.validation import Comparisons

COMPARISONS = pytest.StashKey[Comparisons]()


def pytest_addoption(parser):
    parser.addoption(
        "--validation-table", metavar="PATH", help="write what the physics tests compared to PATH"
    )


def pytest_configure(config):
    config.stash[COMPARISONS] = Comparisons()


@pytest.fixture
def record(request):
    """Compare with a reference and remember it for the validation table."""
    return request.config.stash[COMPARISONS]


def pytest_sessionfinish(session):
    path = session.config.getoption("--validation-table", default=None)
    comparisons = session.config.stash[COMPARISONS]
    if path and comparisons.rows:
        comparisons.write(path)
