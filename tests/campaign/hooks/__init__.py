"""An app that only the campaign installs: the naive worker, and death at a named point."""
