"""Which targets may be reported: the mark of each, from the R2 of samples that the model has not seen.

RPD, the spread of the assays over RMSE, is 1 / sqrt(1 - R2). From RPD 2 on a calibration is for quantities, from 1.4 on
for screening (Chang, Laird, Mausbach & Hurburgh 2001, Soil Sci. Soc. Am. J. 65, 480).
"""

MARKS = {"quantities": 0.75, "screening": 0.5, "weak": 0.1, "no skill": -float("inf")}  # from which R2 on
UNKNOWN = "unknown"  # too few assays to tell


def mark_of(r2):
    """The mark of a target, for its R2 or None."""
    return UNKNOWN if r2 is None else next(mark for mark, least in MARKS.items() if r2 >= least)


def marks_told(targets, by):
    """Lines that say which targets are for what, best first, with RMSE; `targets` as model.json has them."""
    if by is None:
        return
    yield f"which targets to report, by R² of each {by} left out; ± is RMSE in the target's unit:"
    for mark in [*MARKS, UNKNOWN]:
        some = [target for target in targets if target["mark"] == mark]
        if not some:
            continue
        figures = {target["name"]: target["expected"].get(by) for target in some}
        names = [name for name, _ in sorted(figures.items(), key=lambda each: -order(each[1]))]
        shown = [f"{name} ± {rounded(figures[name]['rmse'])}" if mark != UNKNOWN else name for name in names]
        yield f"  {heading(mark)}, {len(some)} of {len(targets)}: {', '.join(shown)}"


def order(figure):
    """R2, and 0 where there is none."""
    return figure["r2"] if figure and figure["r2"] is not None else 0


def heading(mark):
    """'for quantities (R² from 0.75)'."""
    if mark == UNKNOWN:
        return "unknown (too few assays)"
    if mark == "no skill":
        return f"no skill (below {MARKS['weak']:g})"
    return f"{'' if mark == 'weak' else 'for '}{mark} (R² from {MARKS[mark]:g})"


def rounded(value):
    """Two significant digits, without an exponent where that is short."""
    text = f"{value:.2g}"
    return f"{float(text):g}" if "e" not in text or (abs(float(text)) < 1e6 and float(text) >= 1e-4) else text
