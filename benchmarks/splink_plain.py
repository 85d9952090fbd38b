"""Run by the interpreter of Splink's own environment: an extraction and listings in, what plain Splink links out.

Plain: comparisons and blocking as its documentation shows them, u by random pairs, m by expectation maximisation, and
a link for the best pair of a listing from a probability on.
"""

import json
import resource
import sys
import time
from pathlib import Path

import duckdb
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

CODES = {
    "Infirm": "60", "Chirurgien-dentiste": "40", "Dentiste": "40", "Orthodontiste": "40", "Sage": "50", "Masseur": "70",
    "Kin": "70", "Pédicure": "80", "Podologue": "80", "Pharmacien": "21", "Orthophoniste": "91", "Psychologue": "93",
}  # fmt: skip
REGISTERED = """
CREATE TABLE registered AS SELECT "Identifiant PP" AS unique_id, {family} AS family, {given} AS given,
    "Code profession" AS profession, max("Code postal (coord. structure)") AS postcode,
    max(left("Code postal (coord. structure)", 2)) AS prefix, max("Téléphone (coord. structure)") AS phone
FROM read_csv('{path}', delim='|', quote='', header=true, all_varchar=true) GROUP BY ALL
"""
LISTED = """
CREATE TABLE listed AS SELECT unique_id, {family} AS family, {given} AS given, nullif(profession, '') AS profession,
    nullif(postcode, '') AS postcode, nullif(prefix, '') AS prefix, nullif(phone, '') AS phone FROM raw
"""


def fold(column: str) -> str:
    """The SQL that folds a name."""
    return f"trim(regexp_replace(upper(strip_accents({column})), '[^A-Z0-9]+', ' ', 'g'))"


def row(one: dict[str, str]) -> tuple[str, ...]:
    """A listing as a row: titles and brackets away, first name first unless capitals say otherwise."""
    name = one["display_name"].split(" (")[0].split(" - ")[0].split(",")[0]
    words = [word for word in name.split() if word.lower().strip(".") not in ("dr", "m", "mme")] or [""]
    turned = len(words) > 1 and words[0].isupper() and not words[-1].isupper()
    given, family = (words[-1], " ".join(words[:-1])) if turned else (words[0], " ".join(words[1:]))
    shown, postcode = one.get("profession", ""), one.get("postcode", "")
    code = next((code for start, code in CODES.items() if shown.startswith(start)), "10" if shown else "")
    digits = "".join(c for c in one.get("phone", "") if c.isdigit())[-9:]
    return one["id"], family, given, code, postcode, postcode[:2], "0" + digits if digits else ""


extraction, listings = sys.argv[1:3]
began = time.perf_counter()
db = duckdb.connect()
db.execute("SET memory_limit = '6GB'")
db.execute(REGISTERED.format(family=fold('"Nom d\'exercice"'), given=fold('"Prénom d\'exercice"'), path=extraction))
read = [json.loads(line) for line in Path(listings).read_text("utf-8").splitlines()]
truth = {one["id"]: one["truth"] for one in read}
names = ("unique_id", "family", "given", "profession", "postcode", "prefix", "phone")
db.execute(f"CREATE TABLE raw ({', '.join(f'{name} VARCHAR' for name in names)})")
for at in range(0, len(read), 1000):
    part = [row(one) for one in read[at : at + 1000]]
    db.execute(
        "INSERT INTO raw VALUES " + ",".join(["(?,?,?,?,?,?,?)"] * len(part)), [v for values in part for v in values]
    )
db.execute(LISTED.format(family=fold("family"), given=fold("given")))
settings = SettingsCreator(
    link_type="link_only",
    comparisons=[
        cl.JaroWinklerAtThresholds("family", [0.92]).configure(term_frequency_adjustments=True),
        cl.JaroWinklerAtThresholds("given", [0.92]).configure(term_frequency_adjustments=True),
        cl.ExactMatch("profession"),
        cl.ExactMatch("postcode"),
        cl.ExactMatch("phone"),
    ],
    blocking_rules_to_generate_predictions=[
        block_on("family", "prefix"),
        block_on("family", "given"),
        block_on("phone"),
    ],
)
api = DuckDBAPI(connection=db)
tables = [api.register("registered"), api.register("listed")]
linker = Linker(tables, settings, log_level=50)
linker.training.estimate_u_using_random_sampling(max_pairs=1e6)
linker.training.estimate_parameters_using_expectation_maximisation(block_on("family", "given"))
linker.training.estimate_parameters_using_expectation_maximisation(block_on("phone"))
predicted = linker.inference.predict(threshold_match_probability=0.5).physical_name
on_left = db.execute(f"SELECT count(*) FROM {predicted} WHERE unique_id_l IN (SELECT unique_id FROM listed)")
listing, person = ("unique_id_l", "unique_id_r") if on_left.fetchall()[0][0] else ("unique_id_r", "unique_id_l")
best = db.execute(
    f"SELECT {listing}, arg_max({person}, match_probability), max(match_probability) FROM {predicted} GROUP BY 1"
).fetchall()
seconds = time.perf_counter() - began
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(f"Splink on the same files: {seconds:.1f} s, peak {memory:,.0f} MiB")
for least in (0.5, 0.9, 0.99, 0.999):
    linked = [(one, who) for one, who, chance in best if chance >= least]
    wrong = sum(truth[one] != who for one, who in linked)
    known = sum(bool(rpps) for rpps in truth.values())
    print(f"  from probability {least}: {len(linked):,} linked of {known:,} registered, {wrong} wrong")
