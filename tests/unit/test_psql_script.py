"""A file of SQL is split as psql splits it: what pg_dump writes is loaded."""

from __future__ import annotations

import pytest

from tarmac.run.local.stores.psql_script import NotPsql, Statement, statements

DUMP = r"""--
-- PostgreSQL database dump; of 18
--
\restrict abcDEF
\connect shop
SET statement_timeout = 0;
SELECT pg_catalog.set_config('search_path', '', false);

CREATE FUNCTION public.f() RETURNS integer
    LANGUAGE sql
    BEGIN ATOMIC
 SELECT 1;
END;
CREATE FUNCTION public.g() RETURNS void LANGUAGE plpgsql AS $_$
BEGIN
  RAISE NOTICE 'a;b'; -- it's here
END;
$_$;
COPY public.kept (n, note) FROM stdin;
1	it's; a \\. note
2	\N
\.

INSERT INTO public.kept VALUES (3, 'x;''y');
\unrestrict abcDEF
"""


def said(content):
    return [(one.line, " ".join(one.sql.split()), one.data) for one in statements(content)]


def test_what_pg_dump_writes_is_read():
    found = said(DUMP)
    assert [line for line, _, _ in found] == [6, 7, 9, 14, 19, 24]
    assert found[2][1].endswith("BEGIN ATOMIC SELECT 1; END")
    assert "RAISE NOTICE 'a;b'; -- it's here END; $_$" in found[3][1]
    assert found[4][2] == "1\tit's; a \\\\. note\n2\t\\N\n"
    assert found[5][1] == "INSERT INTO public.kept VALUES (3, 'x;''y')"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a; b", ["a", "b"]),
        ("SELECT 1 -- ; no\n;", ["SELECT 1"]),
        ("/* a; /* b; */ c; */ SELECT 1;", ["SELECT 1"]),
        (
            "CREATE RULE r AS ON INSERT TO t DO (a; b);",
            ["CREATE RULE r AS ON INSERT TO t DO (a; b)"],
        ),
        (r"SELECT E'a\';b';", [r"SELECT E'a\';b'"]),
        ('SELECT "a;b";', ['SELECT "a;b"']),
        (
            "\\set n 5\n\\set w 'it'\nSELECT :n, :'w', :\"w\", :z, a::int;",
            ["SELECT 5, 'it', \"it\", :z, a::int"],
        ),
        ("BEGIN; SELECT 1; COMMIT;", ["SELECT 1"]),
        ("\ufeffSELECT 1;\r\nSELECT 2;\r\n", ["SELECT 1", "SELECT 2"]),
        ("", []),
        ("-- nothing\n", []),
    ],
)
def test_a_statement_ends_where_psql_ends_it(content, expected):
    assert [sql for _, sql, _ in said(content)] == expected


@pytest.mark.parametrize(
    ("content", "line", "what"),
    [
        ("SELECT 1;\n\\i other.sql\n", 2, "\\i needs psql itself"),
        ("SELECT 1;\n\nSELECT 'x;\n", 3, "' is not closed"),
        ("\nDO $a$ BEGIN", 2, "$a$ is not closed"),
        ("COPY t FROM stdin;\n1\n", 1, "the data of COPY has no end"),
        ("\n\n/* x", 3, "a comment is not closed"),
    ],
)
def test_what_cannot_be_read_has_its_line(content, line, what):
    with pytest.raises(NotPsql) as error:
        list(statements(content))
    assert error.value.line == line
    assert what in str(error.value)


def test_a_statement_knows_where_it_begins():
    assert next(statements("-- a\n\n  SELECT\n1;")) == Statement(3, "SELECT\n1")
