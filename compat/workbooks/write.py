"""Writes the CSV files of a company as workbooks: python write.py COMPANY FOLDER"""

import csv
import datetime
import pathlib
import sys

import openpyxl
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from openpyxl.workbook.workbook import Workbook

TIMES = ("date", " at", "period")
NUMBERS = ("amount", "quantity", "interval count", "fee", "order")


def typed(column, text):
    """The value of a cell as a person types it: texts, numbers, dates."""
    name = column.lower()
    if text == "":
        return None
    if any(word in name for word in TIMES):
        for form in ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S"):
            try:
                return datetime.datetime.strptime(text, form)
            except ValueError:
                pass
    if any(word in name for word in NUMBERS) and text.lstrip("-").isdigit():
        return int(text)
    if text in ("true", "TRUE"):
        return True
    return text


def tables(company):
    for file in sorted(pathlib.Path(company).glob("*.csv")):
        with open(file, newline="", encoding="utf-8") as f:
            header, *rows = csv.reader(f)
        yield file.stem, header, [[typed(c, v) for c, v in zip(header, row)] for row in rows]


def plain(company, book):
    """One tab for each file, header row first."""
    for name, header, rows in tables(company):
        tab = book.create_sheet(name)
        tab.append(header)
        for row in rows:
            tab.append(row)
    return book


def empty(**how):
    book = Workbook(**how)
    for tab in book.worksheets:
        book.remove(tab)
    return book


def since_1904(company):
    book = empty()
    book.epoch = CALENDAR_MAC_1904
    return plain(company, book)


def of_people(company):
    """Title rows, merged cells, blank rows, filters, hidden tabs and rows, and tabs that are no data."""
    book = empty()
    notes = book.create_sheet("Read me")
    notes["A1"] = "Made by Ann on Monday."
    for name, header, rows in tables(company):
        tab = book.create_sheet(name.replace("_", " ").title())
        tab["A1"] = "Our " + name
        tab.merge_cells("A1:C2")
        tab["A3"] = datetime.datetime(2026, 1, 1)
        at = 5
        for i, column in enumerate(header, 1):
            tab.cell(at, i, column)
        for n, row in enumerate(rows):
            at += 1 if n % 5 else 2
            for i, value in enumerate(row, 1):
                tab.cell(at, i, value)
            tab.cell(at, len(header) + 3, "checked")
            tab.row_dimensions[at].hidden = n % 3 == 0
        tab.auto_filter.ref = "A5:C%d" % at
        if name == "contacts":
            tab.sheet_state = "hidden"
    pivot = book.create_sheet("Pivot")
    pivot.append(["Month", "Jan", "Feb", "Jan"])
    return book


def of_cells(_):
    """Cells that are no values, in the column that the row is named after."""
    book = empty()
    tab = book.create_sheet("Customers")
    tab.append(["External ID", "Name", "City", "Lead created at"])
    for row in (
        [42, "a number as id", None, datetime.date(2024, 1, 31)],
        ["00042", "text with zeros", None, datetime.datetime(2024, 1, 31, 13, 45, 10)],
        [9007199254740993, "rounded", None, None],
        ["a", "error", "#N/A", None],
        ["b", "formula", "=1+1", None],
        ["c", True, None, None],
        [None, None, None, None],
        ["d", "year", None, 2024],
        ["e", "two\nlines", 0.1 + 0.2, None],
        ["f", "after it", "#WRONG", None],
        [datetime.date(2024, 1, 2), "day as id", None, None],
    ):
        tab.append(row)
    tab["A2"].number_format = "0.00"
    tab.cell(13, 1, 7).number_format = "00000"
    tab.cell(13, 2, "zeros that are shown")
    return book


if __name__ == "__main__":
    company, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    plain(company, empty()).save(folder / "shared.xlsx")
    plain(company, empty(write_only=True)).save(folder / "inline.xlsx")
    since_1904(company).save(folder / "1904.xlsx")
    of_people(company).save(folder / "people.xlsx")
    of_cells(company).save(folder / "cells.xlsx")
    print(openpyxl.__version__)
