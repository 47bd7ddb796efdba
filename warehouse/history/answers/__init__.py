"""Answers to the questions as tables to take away: what `manage.py ask` prints, and what the CSV of a page holds.

`answer.py` is the shape of an answer, `written.py` writes it as a table, CSV or JSON, `asked.py` lists the questions
with what each takes, and the other modules make the rows.
"""
