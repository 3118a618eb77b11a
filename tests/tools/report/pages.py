"""Pages as a reader and a browser see them."""

import html
import re
import shutil
import subprocess


def text_of(page):
    """What a reader reads, on one line."""
    page = re.sub(r"<(style|script|svg)\b.*?</\1>", " ", page, flags=re.S)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


def cells_of(page, key, number=0):
    """A table of a section: {name: texts of its cells}."""
    section = page[page.index(f'<section id="{key}">') :]
    body = section.split("<tbody>")[1 + number].split("</tbody>")[0]
    body = re.sub(r'<tr class="group">.*?</tr>', "", body, flags=re.S)
    rows = (re.findall(r"<t[hd].*?</t[hd]>", row, flags=re.S) for row in body.split("</tr>")[:-1])
    return {text_of(row[0]).strip(): [text_of(cell).strip() for cell in row[1:]] for row in rows}


def number(text):
    """A number as a page writes it."""
    return float(text.split()[0].replace("−", "-").replace(",", ""))


def chromium():
    """A browser, None where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


def printed(page):
    """How many pages a browser prints a page on; None without a browser."""
    if chromium() is None:
        return None
    paper = page.with_suffix(".pdf")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--print-to-pdf={paper}"]
    subprocess.run([chromium(), *options, page.as_uri()], capture_output=True, timeout=180, check=True)
    return len(re.findall(rb"/Type /Page\b", paper.read_bytes()))
