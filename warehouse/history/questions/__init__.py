"""The questions analysts ask of parks and rides: plain functions, which pages and `manage.py ask` read alike.

Each takes the days it asks about, `KnownDays` (days.py): whose they are, from when to when, and what is known of them.
That is looked up once, so a page that asks ten questions of the same days makes them once and asks all of them.

| question | function |
|---|---|
| how a ride's days went | rides.ride_days |
| how a park's days, months, weekdays went | parks.by_day, by_month; parks beside each other: parks.beside |
| waits by local hour, and a heat map of them | hours.by_hour |
| the same weekdays, dates, months, years before | compare.years_before |
| longest waits | longest.longest_waits |
| how reliable rides are, and a park | ranking.ranking; tiers a year's waits suggest: ranking.suggested_tiers |
| first and last operating | times.operating_times |
| busy days | busy.busy_days |
| rides that dropped out | dropped.dropped_out |
| return times, prices, boarding groups | lines.return_times, lines.prices, lines.boarding_groups |
"""
