"""Rows as files that people open in a spreadsheet: CSV as it comes, XLSX by way of the disk."""

from __future__ import annotations

import csv
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import IO

import xlsxwriter

from leadmetrics.reports.exports import Cell

# Excel's own limit is 1,048,576 rows.
ROWS_PER_SHEET = 1_000_000
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class _Echo:
    """A file that hands back what is written, so that a response can stream it."""

    def write(self, text: str) -> str:
        return text


def csv_lines(rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """The rows as CSV, line by line; the mark at the front tells Excel that this is UTF-8."""
    writer = csv.writer(_Echo())
    yield "\ufeff"
    for row in rows:
        yield writer.writerow([guarded(cell) for cell in row])


_NUMBER = re.compile(r"-\d+(\.\d+)?")


def guarded(cell: Cell) -> str:
    """The cell as text that no spreadsheet takes for a formula; numbers stay numbers."""
    if cell is None:
        return ""
    if isinstance(cell, Decimal):
        return f"{cell:f}"
    text = str(cell)
    if isinstance(cell, str) and text.startswith(("=", "+", "-", "@", "\t", "\r")):
        return text if _NUMBER.fullmatch(text) else f"'{text}"
    return text


def xlsx_file(rows: Iterable[Sequence[Cell]], title: str) -> IO[bytes]:
    """The rows as a workbook on disk, read from its beginning; one row at a time is in memory.

    Its first byte is sent after its last row: the library puts a workbook together when all of its
    sheets are written, and only writing XLSX ourselves would send it earlier. Texts are written as
    texts, so none can be a formula or a link. Each sheet repeats the header.
    """
    target = tempfile.TemporaryFile(suffix=".xlsx")  # noqa: SIM115 - the response closes it
    book = xlsxwriter.Workbook(target, {"constant_memory": True})
    bold, day = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd"})
    sheet, line, header = None, 0, None
    for row in rows:
        if sheet is None or line == ROWS_PER_SHEET:
            sheet, line = book.add_worksheet(title if sheet is None else ""), 0
            sheet.freeze_panes(1, 0)
            sheet.set_column(0, len(row) - 1, 16)
            if header is not None:
                _write(sheet, 0, header, bold, day)
                line = 1
        _write(sheet, line, row, bold if header is None else None, day)
        header = row if header is None else header
        line += 1
    book.close()
    target.seek(0)
    return target


def _write(
    sheet: xlsxwriter.worksheet.Worksheet,
    line: int,
    row: Sequence[Cell],
    style: xlsxwriter.format.Format | None,
    day: xlsxwriter.format.Format,
) -> None:
    for column, cell in enumerate(row):
        if cell is None:
            continue
        if isinstance(cell, str):
            sheet.write_string(line, column, cell, style)
        elif isinstance(cell, date):
            sheet.write_datetime(line, column, cell, day)
        else:
            sheet.write_number(line, column, cell, style)
