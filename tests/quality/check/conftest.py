"""A clean year for tests that plant one defect in it. It is stored once; what a test changes is undone after it."""

import pytest

from tests.quality.check import clean_year


@pytest.fixture(scope="package")
def _stored_year(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        year = clean_year.plant()
    yield year
    with django_db_blocker.unblock():
        clean_year.uproot()


@pytest.fixture
def year(_stored_year, db):
    return _stored_year
