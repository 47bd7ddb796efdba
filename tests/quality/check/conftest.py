"""A clean year for tests that plant one defect in it. What a test changes is undone after it, so the year stays as long
as modules follow each other that ask for it: to store it takes a second of CPU."""

import pytest

from tests.quality.check import clean_year

_stored: clean_year.CleanYear | None = None


@pytest.fixture(scope="package", autouse=True)
def _not_for_other_packages(request):
    yield
    _uproot(request)


@pytest.fixture(scope="module", autouse=True)
def _not_for_modules_that_want_empty_tables(request):
    tests = (item for item in request.session.items if item.path == request.path)
    if not any("year" in item.fixturenames for item in tests):
        _uproot(request)


def _uproot(request) -> None:
    global _stored
    if _stored is not None:
        with request.getfixturevalue("django_db_blocker").unblock():
            clean_year.uproot()
        _stored = None


@pytest.fixture(scope="module")
def _stored_year(django_db_setup, django_db_blocker):
    global _stored
    if _stored is None:
        with django_db_blocker.unblock():
            _stored = clean_year.plant()
    return _stored


@pytest.fixture
def year(_stored_year, db, request):
    global _stored
    yield _stored_year
    if "transactional_db" in request.fixturenames:  # all tables are emptied
        _stored = None
