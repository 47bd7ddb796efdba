"""Dates as data people write them; every instant is UTC, and says so. (Django takes formats from a locale's module.)"""

DATE_FORMAT = SHORT_DATE_FORMAT = "Y-m-d"
TIME_FORMAT = r"H:i\Z"
DATETIME_FORMAT = SHORT_DATETIME_FORMAT = r"Y-m-d H:i\Z"
