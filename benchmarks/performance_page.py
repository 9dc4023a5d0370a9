"""The numbers of `python -m benchmarks` as Markdown."""

from pathlib import Path

# Columns of a table after the work and the variant, and how their cells are written.
_COLUMNS = {
    "per_second": "{}",
    "ratio": "{:.2f}",
    "before": "{:.2f}",
    "peak_gib": "{:.2f}",
    "graph_seconds": "{:.1f}",
    "gflops": "{:,.0f}",
    "attained": "{:.0%}",
    "prepared": "{:,}",
    "preparing": "{}",
}
_HEADS = {
    "before": "ratio before",
    "peak_gib": "peak GiB",
    "graph_seconds": "first step, s",
    "gflops": "GFLOP/s",
    "attained": "of attainable",
    "prepared": "prepared a second",
    "preparing": "preparing, GiB",
}
# Set beforehand: ratios to the plain form on two cores. (suite, work, variant, at least)
BARS = (
    ("training", "Stage-I step, batch 64", "float32", 1.57),
    ("training", "Stage-I step, batch 64", "bfloat16", 2.5),
    ("training", "Stage-II step, batch 4", "bfloat16", 1.8),
    ("sampling", "Stage-I, batch 16", "bfloat16", 3.6),
    ("sampling", "Stage-II, batch 4", "bfloat16", 2.5),
    ("faces progressive", "64 px", "bfloat16", 1.8),
    ("faces progressive", "sampling", "bfloat16", 2.5),
    ("encoder", "embedding", "bfloat16", 1.5),
)
NOTES = Path(__file__).with_name("performance_notes.md")


def table(rows: list[dict], unit: str, before: list[dict] = ()) -> str:
    """Rows as a Markdown table. Args: before: of an earlier run, whose ratios stand beside."""
    earlier = {(row["work"], row["variant"]): row["ratio"] for row in before}
    if earlier:
        rows = [row | {"before": earlier.get((row["work"], row["variant"]))} for row in rows]
    columns = [name for name in _COLUMNS if any(row.get(name) is not None for row in rows)]
    heads = [{"per_second": f"{unit}/s", **_HEADS}.get(name, name) for name in columns]
    lines = [
        "| work | variant | " + " | ".join(heads) + " |",
        "| --- | --- |" + " ---: |" * len(columns),
    ]
    for row in rows:
        cells = [row["work"], row["variant"]]
        for name in columns:
            value = row.get(name)
            write = figures if name == "per_second" else _COLUMNS[name].format
            cells.append("" if value is None else write(value))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def figures(value: float) -> str:
    """Three of them, such as 0.287, 28.7 and 2,870."""
    return f"{float(f'{value:.3g}'):,g}"


def page(suites: dict) -> str:
    """The page of all suites: by name `machine`, `rounds`, `unit`, `about`, `rows` and `more`."""
    parts = [
        "# How fast it is",
        "Made by `python -m benchmarks --suite NAME --out docs/performance.json`, suite by suite. "
        "In each, variants take turns in processes of their own; rates, and ratios to the "
        "first variant in the same round, are medians over rounds. `peak GiB`: largest resident "
        "memory of the process. `first step`: what it takes longer than others, for its graph.",
        _bars(suites),
        NOTES.read_text(encoding="utf-8").strip(),
    ]
    for name, suite in suites.items():
        taken = ", ".join(f"{key} {value}" for key, value in suite["machine"].items())
        parts += [f"## {name}", suite["about"].strip(), table(suite["rows"], suite["unit"])]
        rounds = "1 round" if suite["rounds"] == 1 else f"{suite['rounds']} rounds"
        parts += [suite["more"], f"{rounds}; {taken}."]
    return "\n\n".join(part for part in parts if part) + "\n"


def _bars(suites: dict) -> str:
    lines = [
        "## Bars",
        "",
        "| work | variant | at least | measured | |",
        "| --- | --- | ---: | ---: | --- |",
    ]
    for suite, work, variant, bar in BARS:
        for row in suites.get(suite, {}).get("rows", []):
            if (row["work"], row["variant"]) == (work, variant):
                met = "met" if row["ratio"] >= bar else "**missed**"
                lines.append(f"| {work} | {variant} | {bar} | {row['ratio']:.2f} | {met} |")
    return "\n".join(lines) if len(lines) > 4 else ""
