"""The statements that make the register's files. Names are folded by Python alone; here are sets, days and counts.

`pid` is the national identifier as a number; where it is none (some old ADELI numbers hold a letter), minus a hash.
`h` is a hash of all that a row says: two extractions say the same row when person and hash are the same.
"""

INCOMING = """
SELECT
    coalesce(try_cast(national_id AS BIGINT), -(md5_number_lower(national_id) % 4611686018427387904)::BIGINT) AS pid,
    md5_number_lower(concat_ws('|', {said})) AS h,
    {texts}
FROM rows_in WHERE national_id IS NOT NULL
"""

SKILLED = """
SELECT {columns} FROM raw r LEFT JOIN (
    SELECT DISTINCT national_id, skill_type, skill_code, skill FROM raw_skills
) s USING (national_id)
"""

# What still holds keeps its first day; what is no longer said ends on the day; what is new begins on it.
# {named} limits the end to the persons that a difference names; {kept} leaves out its rows that only say « gone ».
MERGED = """
SELECT * REPLACE (
    CASE WHEN until IS NULL AND {named} (pid, h) NOT IN (SELECT (pid, h) FROM incoming) THEN DATE '{day}' ELSE until END
    AS until
) FROM {history}
UNION ALL BY NAME
SELECT *, DATE '{day}' AS since, NULL::DATE AS until FROM incoming
WHERE {kept} (pid, h) NOT IN (SELECT (pid, h) FROM {history} WHERE until IS NULL)
"""
NAMED = "pid IN (SELECT pid FROM incoming) AND"
KEPT = "profession_code <> '' AND"

# How many people bear a name in the last state: what tells a Martin from a Quervaux.
FAMILY_COUNT = """
CREATE TEMP TABLE family_count AS SELECT squashed, count(DISTINCT pid)::INTEGER AS n
FROM merged JOIN (SELECT DISTINCT family, squashed FROM family_words) USING (family) WHERE until IS NULL GROUP BY 1
"""
GIVEN_COUNT = """
CREATE TEMP TABLE given_count AS SELECT squashed, count(DISTINCT pid)::INTEGER AS n
FROM merged JOIN given_words USING (given) WHERE until IS NULL GROUP BY 1
"""
NAMES = """
SELECT md5_number_lower(key) AS key, count(DISTINCT pid)::INTEGER AS n
FROM merged JOIN family_words USING (family) WHERE until IS NULL GROUP BY 1 ORDER BY 1
"""
TRADES = """
SELECT profession_code, left(postcode, 2), count(DISTINCT pid)::INTEGER
FROM merged WHERE until IS NULL GROUP BY ALL ORDER BY ALL
"""
PLACES = """
SELECT postcode, count(DISTINCT pid)::INTEGER FROM merged WHERE until IS NULL AND postcode <> '' GROUP BY 1 ORDER BY 1
"""
SKILLS = """
SELECT skill, count(DISTINCT pid)::INTEGER FROM merged WHERE until IS NULL AND skill <> '' GROUP BY 1 ORDER BY 1
"""
TOWNS = """
SELECT t.key, left(m.postcode, 2) FROM merged m JOIN town_words t USING (town)
WHERE m.postcode <> '' AND t.key <> '' GROUP BY ALL ORDER BY 1, count(*) DESC, 2
"""

ROWS = """
SELECT m.pid, m.since, m.until, f.n AS family_n, g.n AS given_n, {texts}
FROM merged m
LEFT JOIN (SELECT DISTINCT family, squashed FROM family_words) fw USING (family)
LEFT JOIN family_count f ON f.squashed = fw.squashed
LEFT JOIN given_words gw USING (given) LEFT JOIN given_count g ON g.squashed = gw.squashed
ORDER BY m.pid, m.since, m.h
"""
STANDING = """
CREATE TEMP TABLE standing AS SELECT DISTINCT pid, family, given, left(postcode, 2) AS prefix FROM merged
"""
# The texts are those of `identity.registry.keys`.
KEYS = """
SELECT md5_number_lower(text) AS key, pid FROM (
    SELECT concat('n:', f.key, ':', left(g.squashed, 1), ':', prefix) AS text, pid
    FROM standing JOIN family_words f USING (family) JOIN given_words g USING (given)
    UNION ALL
    SELECT concat('w:', f.key, ':', g.squashed), pid
    FROM (SELECT DISTINCT pid, family, given FROM standing) JOIN family_words f USING (family)
    JOIN given_words g USING (given)
    UNION ALL
    SELECT unnest([concat('t:', g.squashed, ':', left(f.squashed, 4), ':', prefix),
                   concat('u:', g.squashed, ':', right(f.squashed, 4), ':', prefix)]), pid
    FROM standing JOIN (SELECT DISTINCT family, squashed FROM family_words) f USING (family)
    JOIN given_words g USING (given)
    UNION ALL
    SELECT DISTINCT concat('p:', digits), pid FROM (
        SELECT pid, unnest([regexp_replace(phone, '\\D', '', 'g'), regexp_replace(phone_2, '\\D', '', 'g')]) AS digits
        FROM merged WHERE phone <> '' OR phone_2 <> ''
    ) WHERE length(digits) = 10
)
"""
