"""The page in the browser: what stands where. Streamlit runs it anew at each click; the work is in answers.py.

python -m tools.page --model model
"""

import os
import sys

import pandas as pd
import streamlit as st

import train
from preprocess import DataError, stem_of
from recore.details import MOST_DIGITS
from recore.model_file import DESCRIPTION, load_described
from recore.samples import feature_values
from tools.convert.folder import QUANTITIES
from tools.page import views
from tools.page.about import synthetic, told
from tools.page.answers import answers_of, details
from tools.page.asked import Asked
from tools.page.charts import COLOURS, long_frame, spectra_chart, unlike_chart
from tools.page.drop import Dropped
from tools.page.heard import listen, plain
from tools.training_band import Scale, training_band, unexplained

DRAWN, MOST_DRAWN = 12, 100  # spectra in a chart, unless others are ticked; and of those
BADGES = {"inside": "blue", "extrapolating": "orange", "unlike": "red"}
COVERAGES = [0.5, 0.8, 0.9, 0.95, 0.99]
MEANINGS = (
    "**inside**: like the training's spectra. **extrapolating**: more of something than there was. **unlike**: "
    "something that no training spectrum shows; do not report it. lower, upper: where the assay lies, as often as the "
    "coverage says. A target's verdict: above or below what was measured."
)
TAKEN = (
    "Drop files of an instrument (Bruker OPUS, Thermo SPA, SPC, PerkinElmer, JCAMP-DX, text of two columns), or a table "
    "of spectra (CSV, Parquet, XLSX), of up to {} MB each. They stay on this machine, and no file is kept."
)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PLAIN = {"format": "%g"}  # a number as it stands in the table, not with four decimals


@st.cache_resource(max_entries=1, show_spinner=False)
def loaded(folder, stamp):
    """The model and its description, read anew once its file has changed."""
    return load_described(folder, train.METHODS)


def options():
    """What is asked, from the widgets."""
    with st.expander("Options"):
        left, right = st.columns(2)
        coverage = left.select_slider("Coverage of the bounds", COVERAGES, value=Asked().coverage)
        digits = left.slider("Significant digits", 1, MOST_DIGITS, Asked().digits)
        resample = right.toggle(
            "Interpolate", help="Put spectra of other channels on the model's; nothing is extrapolated."
        )
        absorbance = right.toggle(
            "Convert to absorbance", help="Instrument files of reflectance, A = −log₁₀ R."
        )
        silent = "refuse them"
        quantity = right.selectbox(
            "Instrument files that do not say what they measure", [silent, *QUANTITIES]
        )
    return Asked(coverage, digits, resample, absorbance, None if quantity == silent else quantity)


def found_in(files, model, description, asked):
    """The Answers of files, from before where nothing has changed."""
    key = [file.file_id for file in files], asked, description["sha256"]
    if st.session_state.get("key") != key:
        bar, done = st.progress(0.0, "reading"), [0]

        def step(name, rows=0):
            done[0] += not rows
            told = f"{name}, {rows:,} spectra" if rows else name
            bar.progress(min(done[0] / (len(files) + 1), 1.0), plain(told))

        dropped = [Dropped(file.name, file.getvalue()) for file in files]
        st.session_state["found"] = answers_of(dropped, model, description, asked, step)
        st.session_state["key"] = key
        bar.empty()
    return st.session_state["found"]


def numbers(frame):
    """How columns of numbers are shown."""
    columns = [name for name in frame if pd.api.types.is_numeric_dtype(frame[name])]
    return {name: st.column_config.NumberColumn(**PLAIN) for name in columns}


def coloured(table):
    """A table with its verdicts in their colours, unless it is too large for pandas to style."""
    if table.size > pd.get_option("styler.render.max_elements"):
        return table
    return table.style.map(lambda verdict: f"color: {COLOURS[verdict]}", subset=["verdict"])


def show_table(frame, targets, key):
    """The samples, flagged first; the places of those that are ticked."""
    order = views.flagged_first(frame)
    table = views.wide(frame.loc[order], targets)
    event = st.dataframe(
        coloured(table),
        hide_index=True,
        column_config={
            **numbers(table),
            table.columns[0]: st.column_config.TextColumn("sample", pinned=True),
        },
        on_select="rerun",
        selection_mode="multi-row",
        key=f"table{key}",
    )
    st.caption("Tick rows to see their spectra.")
    return order, [order[place] for place in event.selection.rows]


def show_sample(frame, described, key):
    """One sample, a row a target; its place."""
    names = frame.iloc[:, 0]
    row = st.selectbox(
        "Sample", views.flagged_first(frame), format_func=names.__getitem__, key=f"sample{key}"
    )
    table = views.one_sample(frame, row, described)
    cells = frame.loc[row]
    limits = f"leverage {cells['leverage']:g}, residual {cells['residual']:g} of their limits"
    st.markdown(f"{badge(cells['verdict'])} {limits}")
    st.dataframe(table, hide_index=True, column_config=numbers(table), height="content")
    return row


def show_spectra(answer, frame, rows, model, channels, key):
    """Spectra over the training band."""
    scale = Scale(model.feature_names_in_, channels)
    features = feature_values(answer.table.features.iloc[rows], model)
    names, verdicts = (column.loc[rows].to_numpy() for column in (frame.iloc[:, 0], frame["verdict"]))
    lines = long_frame(scale.axis, names, verdicts, scale(features), unexplained(model, features))
    st.altair_chart(spectra_chart(scale, training_band(model, scale), lines), key=f"spectra{key}")
    st.altair_chart(unlike_chart(scale, lines), key=f"unlike{key}")
    st.caption(
        f"{len(rows)} of {len(frame):,} spectra, as the model sees them. Grey: the mean of the training's spectra, and "
        "where nine of ten of them lie. Below, what those do not explain, in units of the limit; beyond it, a spectrum is "
        "unlike all of them, and has a dot."
    )


def show_downloads(answer, model, asked, key):
    """The table for people as files."""
    name = stem_of(answer.name) + ".details"
    with st.container(horizontal=True):
        st.download_button(
            "Download CSV", answer.csv, f"{name}.csv", "text/csv", on_click="ignore", key=f"csv{key}"
        )
        st.download_button(
            "Download XLSX",
            lambda: details(answer.table, answer.predictions, model, asked, ".xlsx"),
            f"{name}.xlsx",
            XLSX,
            on_click="ignore",
            key=f"xlsx{key}",
        )


def badge(verdict, before=""):
    """A verdict in its colour."""
    return f":{BADGES[verdict]}-badge[{before}{verdict}]"


def show_answer(answer, model, description, asked, marks, key):
    """All of one table."""
    frame, channels = answer.frame, description["channels"]
    st.subheader(plain(answer.name), anchor=False)
    if answer.synthetic:
        st.warning("**Synthetic.** No instrument measured these spectra.")
    counts = views.counts_of(frame)
    st.markdown(" ".join(badge(verdict, f"{count:,} ") for verdict, count in counts.items()))
    if answer.said:
        with st.expander("How it was read"):
            st.markdown("\n".join(f"- {plain(line)}" for line in answer.said))
    show_downloads(answer, model, asked, key)
    described = views.by_mark(description["targets"], marks)
    every, one = st.tabs(["All samples", "One sample"])
    with every:
        order, ticked = show_table(frame, [target["name"] for target in described], key)
        show_spectra(answer, frame, ticked[:MOST_DRAWN] or list(order[:DRAWN]), model, channels, key)
    with one:
        row = show_sample(frame, described, key)
        show_spectra(answer, frame, [row], model, channels, f"one{key}")


def main():
    st.set_page_config("Concentrations from spectra", layout="wide")
    st.title("Concentrations from spectra", anchor=False)
    listen()
    folder = sys.argv[1]
    try:
        model, description = loaded(folder, os.stat(os.path.join(folder, DESCRIPTION)).st_mtime_ns)
    except (DataError, OSError) as error:
        st.error(plain(str(error)))
        return
    st.caption(plain(told(folder, description)))
    if synthetic(description):
        st.warning(
            "**Synthetic.** The model was trained on synthetic demo data, which says nothing about real rock."
        )
    files = st.file_uploader(
        TAKEN.format(st.get_option("server.maxUploadSize")), accept_multiple_files=True, key="files"
    )
    asked = options()
    marks = st.pills(
        "Targets to show, by what they may be reported for",
        list(views.marks_present(model.marks)),
        selection_mode="multi",
        default=views.shown_first(model.marks),
        format_func=lambda mark: f"{mark} ({views.marks_present(model.marks)[mark]})",
    )
    with st.expander("How good is the model, for which target?"):
        table = views.model_table(
            description["targets"], [each["held_out"] for each in description["training"].get("expected", [])]
        )
        st.dataframe(table, hide_index=True, column_config=numbers(table))
    if not files:
        st.session_state.pop("found", None)
        st.session_state.pop("key", None)
        return
    found = found_in(files, model, description, asked)
    for name, reason in found.refused:
        st.error(f"**{plain(name)}**: {plain(reason)}")
    if found.answers:
        st.caption(MEANINGS)
    for key, answer in enumerate(found.answers):
        show_answer(answer, model, description, asked, marks, key)


main()
