"""Numbers and moments are written as the reader's locale has them."""

from __future__ import annotations

import locale

import pytest

from tarmac.base import figures

#: What the C library says of a locale, as `localedef` of Debian 12 compiles it.
KNOWN = {
    "de_DE.UTF-8": (",", ".", "%d.%m.%Y", "%T"),
    "fr_FR.UTF-8": (",", "\u202f", "%d/%m/%Y", "%T"),
    "en_US.UTF-8": (".", ",", "%m/%d/%Y", "%r"),
}


@pytest.fixture(params=["C.UTF-8", "xx_XX.UTF-8", *KNOWN])
def chosen(request, monkeypatch):
    """Choose a locale, as if the machine had the known ones and no other."""
    now = dict.fromkeys((locale.LC_NUMERIC, locale.LC_TIME), "C")

    def set_locale(category, name=None):
        if name == "":
            name = request.param
        if name not in (None, "C", "C.UTF-8", *KNOWN):
            raise locale.Error("unsupported locale setting")
        now[category] = name or now[category]
        return now[category]

    def known(at):
        return KNOWN.get(now[locale.LC_NUMERIC if at < 2 else locale.LC_TIME], ("",) * 4)[at]

    monkeypatch.setattr(locale, "setlocale", set_locale)
    monkeypatch.setattr(
        locale, "localeconv", lambda: {"decimal_point": known(0), "thousands_sep": known(1)}
    )
    forms = {locale.D_FMT: 2, locale.T_FMT: 3}
    monkeypatch.setattr(locale, "nl_langinfo", lambda item: known(forms[item]))
    figures._marks.cache_clear()
    figures._forms.cache_clear()
    yield request.param
    assert set(now.values()) == {"C"}, "the process's own locale was left changed"
    figures._marks.cache_clear()
    figures._forms.cache_clear()


def test_a_number_has_the_marks_of_the_locale(chosen):
    expected = {"de_DE.UTF-8": "1.234,5", "fr_FR.UTF-8": "1 234,5"}
    assert figures.number(1234.49, 1) == expected.get(chosen, "1,234.5")


def test_a_moment_has_the_form_of_the_locale(chosen):
    expected = {
        "de_DE.UTF-8": "26.11.2026 14:05:09",
        "fr_FR.UTF-8": "26/11/2026 14:05:09",
        "en_US.UTF-8": "11/26/2026 02:05:09 PM",
    }
    assert figures.moment("2026-11-26T14:05:09Z") == expected.get(chosen, "2026-11-26 14:05:09")


@pytest.mark.parametrize(
    ("size_bytes", "expected"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (99_900, "99.9 kB"), (123_456_789, "123 MB")],
)
def test_a_size_has_three_digits_or_four(size_bytes, expected):
    assert figures.size(size_bytes) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(-5, "?"), (-0.5, "0s"), (59, "59s"), (60, "1m"), (7200, "2h"), (172800, "2d")],
)
def test_ago_is_rounded_to_its_unit(seconds, expected):
    assert figures.ago(seconds) == expected
