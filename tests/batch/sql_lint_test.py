"""Lint of sql/: each file below log, bronze, silver, gold, views and reconcile is one SELECT in the words that DuckDB and Spark 4
share or that both preludes define. Both preludes define the same names; a _columns file exists for each table that is read back.

usage: sql_lint_test.py"""
import os
import re
import sys

ROOT = os.environ.get("MARQUEE_SOURCE_ROOT", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
SQL = os.path.join(ROOT, "sql")
# Functions that DuckDB 1.5 and Spark 4 both have, by the same name, arguments and result.
SHARED = set("""abs cast coalesce concat concat_ws count floor greatest lag least lpad lower max md5 min month nullif regexp_extract
    row_number sum try_cast upper year percent_rank regr_slope avg length""".split())
# The engine adds these to DuckDB; Spark has them, or gets them from `marquee sentiment`.
ENGINE = {"rint", "log1p", "vader_compound_e4"}
# Words before a bracket that are no functions.
SYNTAX = set("""as and or not in over by sets exists from join select where when then else end union all values partition on case
    between filter with""".split())
FORBIDDEN = [
    (r"::", "a cast with :: is DuckDB's: CAST(x AS T)"),
    (r"//", "integer division with // is DuckDB's: floor_to or floor"),
    (r"->", "a lambda belongs in the prelude"),
    (r'"', "double quotes mean a name here and a text on Spark"),
    (r"`", "backquotes are Spark's"),
    (r"\bqualify\b", "QUALIFY"), (r"\bilike\b", "ILIKE"), (r"\bfilter\s*\(\s*where", "FILTER: Spark has none over windows"),
    (r"\bvarchar\b", "VARCHAR: STRING"), (r"\bblob\b", "BLOB: BINARY"), (r"\bexclude\b", "SELECT * EXCLUDE"),
    (r"\bgroup by all\b", "GROUP BY ALL"), (r"\border by all\b", "ORDER BY ALL"), (r"\blimit\s+\$", "a LIMIT from a parameter"),
    (r"\binterval\b", "INTERVAL"), (r"\bunnest\b", "unnest: explode"), (r"\\", "a backslash escapes on Spark"),
    (r"(?<![\w.])\d+\.\d+(?!\d*e)", "a decimal literal: write a double as 1.5e0"),
]


def strip(text):
    return re.sub(r"--[^\n]*", "", text)


def without_strings(text):
    return re.sub(r"'[^']*'", "''", text)


def prelude_names(path):
    with open(path, encoding="utf-8") as lines:
        text = strip(lines.read())
    return set(name.lower() for name in re.findall(r"CREATE (?:OR REPLACE )?(?:TEMPORARY )?(?:MACRO|FUNCTION) (\w+)", text))


def lint(path, known):
    with open(path, encoding="utf-8") as lines:
        raw = lines.read()
    text, problems = without_strings(strip(raw)), []
    if not raw.startswith("--"):
        problems.append("its first line doesn't say what it is")
    for pattern, why in FORBIDDEN:
        if re.search(pattern, text, re.IGNORECASE):
            problems.append(why)
    if not re.match(r"\s*(select|with)\b", text, re.IGNORECASE) or ";" in text:
        problems.append("it isn't one SELECT")
    for name in set(match.lower() for match in re.findall(r"(?<![.$\w{])(\w+)\s*\(", text)):
        ctes = set(match.lower() for match in re.findall(r"\b(\w+)\s+AS\s*\(", text, re.IGNORECASE))
        if name not in known and name not in SYNTAX and name not in ctes:
            problems.append(f"{name}() is in no prelude and not known as shared")
    return problems


def main():
    duckdb = prelude_names(os.path.join(SQL, "prelude", "duckdb.sql"))
    spark = prelude_names(os.path.join(SQL, "prelude", "spark.sql"))
    failed = []
    for name in sorted((duckdb | spark) - (duckdb & spark - SHARED) - ENGINE):
        # Spark has some of DuckDB's macros built in.
        if name not in {"collect_list", "explode"} or name in spark:
            failed.append(f"prelude: {name} is defined in one prelude only")
    count = 0
    for folder, _, names in sorted(os.walk(SQL)):
        for name in sorted(names):
            path = os.path.join(folder, name)
            if not name.endswith(".sql") or os.path.basename(folder) == "prelude":
                continue
            count += 1
            failed += [f"{os.path.relpath(path, ROOT)}: {problem}" for problem in lint(path, SHARED | ENGINE | duckdb)]
    print("\n".join(failed))
    print(f"{count} files, {len(failed)} problems")
    return 1 if failed or not count else 0


if __name__ == "__main__":
    sys.exit(main())
