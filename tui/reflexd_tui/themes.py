"""How it looks: dark, light and high contrast of our own, in which every text can be read, and some of Textual's.

Read means 4.5 : 1 at least between a text and what is under it (WCAG 2.1, 1.4.3); ``tests/tui/test_contrast.py``
measures it in the pictures. That is why the colours of texts are told here and not left to be mixed.
"""

from textual.theme import Theme

DARK = Theme(
    name="reflex-dark",
    primary="#4c9df3",
    secondary="#b9a3f7",
    accent="#f2a65a",
    foreground="#dde3ea",
    background="#0e1217",
    surface="#12171d",
    panel="#1c232c",
    boost="#182029",
    success="#6fcf8a",
    warning="#eec26b",
    error="#f0717b",
    dark=True,
    variables={
        "text-primary": "#78b6f8",
        "text-secondary": "#c0adf8",
        "text-accent": "#f5b678",
        "text-success": "#7fd898",
        "text-warning": "#f0c979",
        "text-error": "#ff8f97",
        "text-muted": "#98a3b0",
        "row-cursor": "#1b4068",
        "row-cursor-blurred": "#1c2f42",
        "row-marked": "#3a3420",
        "scrollbar": "#3a4653",
        "scrollbar-hover": "#4c5a69",
        "scrollbar-active": "#4c9df3",
        "scrollbar-background": "#161c23",
        "scrollbar-background-hover": "#161c23",
        "scrollbar-background-active": "#161c23",
        "footer-background": "#1c232c",
        "footer-key-foreground": "#f5b678",
        "footer-description-foreground": "#c3ccd6",
        "block-cursor-background": "#1b4068",
        "block-cursor-foreground": "#ffffff",
        "border": "#4c9df3",
        "border-blurred": "#3a4653",
    },
)
LIGHT = Theme(
    name="reflex-light",
    primary="#0a66c2",
    secondary="#6b3fc0",
    accent="#a34700",
    foreground="#1c242d",
    background="#ffffff",
    surface="#fafbfc",
    panel="#e8ecf1",
    boost="#f0f3f7",
    success="#187a3a",
    warning="#8a5a00",
    error="#c22f3d",
    dark=False,
    variables={
        "text-primary": "#0a5cb0",
        "text-secondary": "#6438b8",
        "text-accent": "#974200",
        "text-success": "#0f5c2a",
        "text-warning": "#7d5100",
        "text-error": "#b3202f",
        "text-muted": "#56616d",
        "row-cursor": "#cfe3f8",
        "row-cursor-blurred": "#e4edf6",
        "row-marked": "#fbefcf",
        "scrollbar": "#b9c3cd",
        "scrollbar-hover": "#9aa6b2",
        "scrollbar-active": "#0a66c2",
        "scrollbar-background": "#eef1f4",
        "scrollbar-background-hover": "#eef1f4",
        "scrollbar-background-active": "#eef1f4",
        "footer-background": "#e8ecf1",
        "footer-key-foreground": "#974200",
        "footer-description-foreground": "#333d48",
        "block-cursor-background": "#0a5cb0",
        "block-cursor-foreground": "#ffffff",
        "border": "#0a66c2",
        "border-blurred": "#b9c3cd",
    },
)
CONTRAST = Theme(
    name="reflex-contrast",
    primary="#00b7ff",
    secondary="#ffd700",
    accent="#ffff00",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#1c1c1c",
    boost="#141414",
    success="#00ff5f",
    warning="#ffd700",
    error="#ff5f5f",
    dark=True,
    variables={
        "text-muted": "#e0e0e0",
        "row-cursor": "#003f7d",
        "row-cursor-blurred": "#002a52",
        "row-marked": "#4a3f00",
        "scrollbar": "#9a9a9a",
        "scrollbar-hover": "#ffffff",
        "scrollbar-active": "#ffff00",
        "block-cursor-background": "#003f7d",
        "block-cursor-foreground": "#ffffff",
        "border": "#ffffff",
        "border-blurred": "#b0b0b0",
    },
)
OURS = (DARK, LIGHT, CONTRAST)
THEMES = (*(theme.name for theme in OURS), "nord", "gruvbox", "catppuccin-mocha", "ansi-dark")
"""As ``T`` goes through them; the palette has all that Textual has."""


def defaults(theme: Theme) -> dict[str, str]:
    """Variables of ours, in themes that do not know them."""
    return {
        "row-cursor": f"{theme.primary} 25%",
        "row-cursor-blurred": f"{theme.primary} 12%",
        "row-marked": f"{theme.warning or theme.primary} 18%",
    }
