"""A clean year for tests that plant one defect in it. Stored once a module; what a test changes is undone after it."""

import pytest

from tests.quality.check import clean_year


@pytest.fixture(scope="module")  # of a package it would still lie there for a module of it that wants an empty table
def _stored_year(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        year = clean_year.plant()
    yield year
    with django_db_blocker.unblock():
        clean_year.uproot()


@pytest.fixture
def year(_stored_year, db):
    return _stored_year
