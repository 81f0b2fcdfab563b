"""The themes: calm; one colour for the focus, and one each for good, doubtful and bad."""

from __future__ import annotations

from textual.theme import Theme


def _theme(
    name: str,
    *,
    dark: bool,
    back: str,
    panel: str,
    text: str,
    grey: str,
    rule: str,
    accent: str,
    good: str,
    doubt: str,
    bad: str,
    cursor: str,
) -> Theme:
    return Theme(
        name=name,
        dark=dark,
        primary=accent,
        secondary=grey,
        accent=accent,
        foreground=text,
        background=back,
        surface=back,
        panel=panel,
        success=good,
        warning=doubt,
        error=bad,
        variables={
            "quiet": grey,
            "rule": rule,
            "good": good,
            "doubt": doubt,
            "bad": bad,
            "cursor": cursor,
            "input-selection-background": f"{accent} 40%",
        },
    )


THEMES: tuple[Theme, ...] = (
    _theme(
        "nuvla-dark",
        dark=True,
        back="#14171a",
        panel="#1d2226",
        text="#d6dade",
        grey="#8a939b",
        rule="#353c42",
        accent="#6cb6ff",
        good="#7fc98b",
        doubt="#e3b341",
        bad="#ff7b72",
        cursor="#26313b",
    ),
    _theme(
        "nuvla-light",
        dark=False,
        back="#fbfbfa",
        panel="#efefec",
        text="#1f2328",
        grey="#626a72",
        rule="#d0d4d8",
        accent="#0a5ac2",
        good="#1a6b33",
        doubt="#8a5a00",
        bad="#b3201f",
        cursor="#dfe9f5",
    ),
    _theme(
        "nuvla-contrast",
        dark=True,
        back="#000000",
        panel="#000000",
        text="#ffffff",
        grey="#d0d0d0",
        rule="#ffffff",
        accent="#00e5ff",
        good="#00ff5f",
        doubt="#ffd700",
        bad="#ff6b6b",
        cursor="#003a5c",
    ),
    # Blue, yellow and vermilion of Okabe and Ito: told apart with every kind of colour blindness.
    _theme(
        "nuvla-colour-blind",
        dark=True,
        back="#14171a",
        panel="#1d2226",
        text="#d6dade",
        grey="#939ca4",
        rule="#353c42",
        accent="#cc79a7",
        good="#56b4e9",
        doubt="#f0e442",
        bad="#ee7733",
        cursor="#2b2b36",
    ),
)
"""The default is the first."""

DEFAULT = THEMES[0].name


def next_theme(current: str) -> str:
    """Return the name of the theme after the current one."""
    names = [theme.name for theme in THEMES]
    return names[(names.index(current) + 1) % len(names)] if current in names else DEFAULT
