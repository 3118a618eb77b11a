"""Would more samples help?"""

from tools.report.figures.by_target import lines
from tools.report.parts import Cards, Section, card

RISING = 0.01  # R² that the last quarter of the samples still brought


def learning_section(study):
    """Score against the number of samples."""
    parts = dict(list(study.curve.groupby("held out by", sort=False)))
    gains = {name: part["mean R2"].diff().iloc[-1] for name, part in parts.items()}
    said = " and ".join(f"{gain:+.3f} {study.by(name)}".replace("-", "−") for name, gain in gains.items())
    verdict = "still rises: more samples would help" if max(gains.values()) > RISING else (
        "is nearly level: more samples of the same kind would bring little"
    )  # fmt: skip
    section = Section("learning", "Would more samples help?")
    section.lead = [
        "The same rows held out, predicted from a quarter, half, three quarters and all of each training half, drawn at "
        f"random. The last quarter changed mean R² by {said}. The curve {verdict}."
    ]
    if "site" in parts:
        section.lead.append(
            f"Samples are added, not {study.unit}s: what a new {study.unit} would bring may be more."
        )
    cards = []
    for name in ("mean R2", "official score"):
        if name in study.curve:
            label = name.replace("R2", "R²")
            curves = {
                study.by(k): (part["training rows"].to_numpy(), part[name].to_numpy())
                for k, part in parts.items()
            }
            title, seen = (
                label[0].upper() + label[1:],
                "A line that climbs at its right end asks for more samples.",
            )
            cards.append(
                card(
                    f"curve-{name.split()[0]}",
                    title,
                    seen,
                    "half",
                    230,
                    lines,
                    curves,
                    "spectra to learn from",
                    label,
                )
            )
    section.parts = [Cards(cards)]
    return section
